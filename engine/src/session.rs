//! A session: settings, views, the current catalog, and the running of statements.

use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::dataframe::DataFrame;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::{DdlStatement, LogicalPlan, Statement as PlanStatement};
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use medley_core::Report;
use medley_planner::{Federate, Settings};

use crate::catalog::{CatalogList, Home, RemoteTables};
use crate::settings::{initial, physical_rules};
use crate::sql_types::SqlTypes;
use crate::statement::{self, Command};
use crate::{Answer, Engine, Error, Result};

/// Runs statements over the engine's catalogs.
#[derive(Clone)]
pub struct Session {
    engine: Engine,
    home: Arc<Home>,
    context: SessionContext,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("catalogs", &self.engine.catalog_names())
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(engine: Engine, default_catalog: Option<&str>) -> Self {
        let home = Arc::new(Home::new(engine.catalogs.clone()));
        if let Some(name) = default_catalog {
            // The engine's builder made sure that it is there; a later DETACH only makes short names unknown.
            home.set_current(name, None).ok();
        }
        let list = CatalogList::new(engine.catalogs.clone(), home.clone());
        let state = SessionStateBuilder::new()
            .with_config(initial())
            .with_runtime_env(engine.runtime.clone())
            .with_default_features()
            .with_catalog_list(Arc::new(list))
            .with_type_planner(Arc::new(SqlTypes))
            .with_optimizer_rule(Arc::new(Federate::new(Arc::new(RemoteTables))))
            .with_physical_optimizer_rules(physical_rules())
            .build();
        Self { engine, home, context: SessionContext::new_with_state(state) }
    }

    /// The engine whose catalogs this session sees.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The catalog and schema that short names mean, if any.
    #[must_use]
    pub fn current_catalog(&self) -> Option<String> {
        self.home.current().map(|(catalog, _)| catalog.name().to_owned())
    }

    /// The names of the functions that a statement may call.
    #[must_use]
    pub fn function_names(&self) -> Vec<String> {
        let state = self.context.state();
        let mut names: Vec<String> = state.scalar_functions().keys().cloned().collect();
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    /// Runs one statement. Its rows come as the answer's stream is read.
    ///
    /// # Errors
    /// The statement is wrong, or a store that it names fails to describe its tables. What fails later comes
    /// through the stream; [`Error::from`] makes the same errors of it.
    pub async fn sql(&self, text: &str) -> Result<Answer> {
        match statement::parse(text)? {
            Command::Attach { config, if_not_exists } => {
                let exists = self.engine.catalogs.get(&config.name).is_some();
                if !(exists && if_not_exists) {
                    self.engine.attach(*config)?;
                }
                Ok(self.nothing())
            }
            Command::Detach { name, if_exists } => {
                let exists = self.engine.catalogs.get(&name).is_some();
                if exists || !if_exists {
                    self.engine.detach(&name)?;
                }
                Ok(self.nothing())
            }
            Command::Use { catalog, schema } => {
                self.home.set_current(&catalog, schema.as_deref())?;
                Ok(self.nothing())
            }
            Command::Rewritten(sql) => self.plan_and_run(&sql).await,
            Command::Sql => self.plan_and_run(text).await,
        }
    }

    fn nothing(&self) -> Answer {
        Answer {
            stream: Box::pin(EmptyRecordBatchStream::new(Arc::new(Schema::empty()))),
            report: Arc::default(),
            warnings: Vec::new(),
            is_query: false,
        }
    }

    async fn plan_and_run(&self, sql: &str) -> Result<Answer> {
        let mut state = self.context.state();
        let strict = state
            .config_options()
            .extensions
            .get::<Settings>()
            .is_some_and(|settings| settings.strict);
        let report = Arc::new(if strict { Report::strict() } else { Report::default() });
        state.config_mut().set_extension(report.clone());
        let mut plan = state.create_logical_plan(sql).await?;
        if matches!(plan, LogicalPlan::Statement(PlanStatement::Execute(_))) {
            // The statement that was prepared, with its parameters in place.
            let prepared = self.context.execute_logical_plan(plan).await;
            plan = prepared.map_err(Error::of_statement)?.logical_plan().clone();
        }
        let is_query = check_allowed(&plan)?;
        if !is_query {
            self.context.execute_logical_plan(plan).await.map_err(Error::of_statement)?;
            return Ok(self.nothing());
        }
        let warnings = statement::warnings(&plan);
        let stream = in_own_task(DataFrame::new(state, plan).execute_stream().await?);
        Ok(Answer { stream, report, warnings, is_query: true })
    }
}

/// Batches that may wait for the client.
const BATCHES_IN_FLIGHT: usize = 2;

/// Runs a stream in a task of its own, so that a client which waits for rows can still be told to stop: an operator
/// may compute for long before it yields.
fn in_own_task(mut stream: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let mut builder = RecordBatchReceiverStreamBuilder::new(stream.schema(), BATCHES_IN_FLIGHT);
    let sender = builder.tx();
    builder.spawn(async move {
        while let Some(batch) = stream.next().await {
            if sender.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    builder.build()
}

/// Whether the plan is a query; other statements that are allowed change the session only.
fn check_allowed(plan: &LogicalPlan) -> Result<bool> {
    match plan {
        LogicalPlan::Dml(dml) => {
            let message = format!(
                "{} is refused: Medley only reads, for now; write to the store itself",
                dml.op
            );
            Err(Error::statement(message))
        }
        LogicalPlan::Copy(_) => Err(Error::statement(
            "COPY is refused: write a result with --format parquet, csv or json and --output instead",
        )),
        LogicalPlan::Ddl(ddl) => match ddl {
            DdlStatement::CreateView(_) | DdlStatement::DropView(_) => Ok(false),
            DdlStatement::CreateMemoryTable(_) | DdlStatement::DropTable(_) => Ok(false),
            DdlStatement::CreateExternalTable(_) => Err(Error::statement(
                "CREATE EXTERNAL TABLE is refused: ATTACH the file or its folder, as in ATTACH 'data/' AS lake (TYPE files)",
            )),
            other => Err(Error::statement(format!(
                "{} is refused: Medley only reads, for now",
                other.name()
            ))),
        },
        LogicalPlan::Statement(statement) => match statement {
            PlanStatement::Execute(_) => Ok(true),
            _ => Ok(false),
        },
        LogicalPlan::Explain(explain) => check_allowed(&explain.plan).map(|_| true),
        LogicalPlan::Analyze(analyze) => check_allowed(&analyze.input).map(|_| true),
        _ => Ok(true),
    }
}

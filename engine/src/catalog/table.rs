//! A store's table, or what a store makes of its tables, as DataFusion sees it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableScan, TableSource, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use medley_core::capabilities::Operator;
use medley_core::{Connector, Error, TableDescription, TableStatistics};
use medley_planner::{Planned, Remote, Settings, Tables};

use crate::scan::RemoteScanExec;

/// What a store runs, as a table.
#[derive(Debug)]
pub(crate) struct RemoteTable {
    remote: Remote,
}

impl RemoteTable {
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        description: Arc<TableDescription>,
        statistics: TableStatistics,
    ) -> Self {
        Self { remote: Remote::table(connector, description, statistics) }
    }

    /// The table itself; of several, the first.
    pub(crate) fn description(&self) -> Option<&TableDescription> {
        self.remote.tables.values().next().map(|(description, _)| description.as_ref())
    }

    /// What a reader of the table should know, each line naming it.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        let catalog = &self.remote.connector.info().catalog;
        self.remote.tables.values().flat_map(move |(description, _)| {
            let name = format!("{catalog}.{}", description.name);
            description.warnings.iter().map(move |warning| format!("{name}: {warning}"))
        })
    }
}

/// How the planner finds and makes such tables.
#[derive(Debug)]
pub(crate) struct RemoteTables;

impl Tables for RemoteTables {
    fn open(&self, scan: &TableScan) -> Option<Remote> {
        let provider = source_as_provider(&scan.source).ok()?;
        provider.downcast_ref::<RemoteTable>().map(|table| table.remote.clone())
    }

    fn close(&self, remote: Remote) -> Arc<dyn TableSource> {
        provider_as_source(Arc::new(RemoteTable { remote }))
    }
}

#[async_trait]
impl TableProvider for RemoteTable {
    fn schema(&self) -> SchemaRef {
        self.remote.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let remote = &self.remote;
        let columns = match projection {
            Some(columns) => columns.clone(),
            None => (0..remote.columns.len()).collect(),
        };
        let extensions = &session.config_options().extensions;
        let allows = |operator| {
            extensions.get::<Settings>().is_none_or(|settings| settings.allows(operator))
        };
        let limit = limit.filter(|_| allows(Operator::Limit));
        let planned = remote
            .plan(&columns, limit, allows(Operator::Project))
            .map_err(|refusal| refused(remote, &refusal.to_string()))?;
        let schema: SchemaRef = Arc::new(remote.schema.project(&columns)?);
        match planned.projection.clone() {
            Some(indexes) => {
                let whole = planned.fragment.schema();
                let whole = whole.map_err(|refusal| refused(remote, &refusal.to_string()))?;
                let names =
                    indexes.iter().map(|index| whole.field(*index).name().clone()).collect();
                let scan = self.scan_of(planned, whole.inner().clone(), names);
                project(Arc::new(scan), &indexes, &schema)
            }
            None => {
                let names = columns.iter().map(|index| remote.columns[*index].clone()).collect();
                Ok(Arc::new(self.scan_of(planned, schema, names)))
            }
        }
    }
}

impl RemoteTable {
    /// The leaf that runs a query whose columns are the fragment's of these names.
    fn scan_of(&self, planned: Planned, schema: SchemaRef, names: Vec<String>) -> RemoteScanExec {
        let rows = medley_planner::estimate(&self.remote, &planned.fragment);
        let refusals = self.remote.refusals.iter().cloned().collect();
        let ordering = self
            .remote
            .ordering
            .iter()
            .map_while(|(name, options)| {
                names.iter().position(|known| known == name).map(|index| (index, *options))
            })
            .collect::<Vec<_>>();
        let statistics = names
            .iter()
            .map(|name| {
                let known = self.remote.tables.values().find_map(|(_, s)| s.columns.get(name));
                known.copied().unwrap_or_default()
            })
            .collect();
        let connector = self.remote.connector.clone();
        RemoteScanExec::new(connector, planned.query, schema, &ordering)
            .with_fragment(planned.fragment)
            .with_estimates(rows, statistics)
            .with_refusals(refusals)
    }
}

fn refused(remote: &Remote, reason: &str) -> DataFusionError {
    let tables: Vec<_> = remote.tables.keys().map(|name| format!("\"{name}\"")).collect();
    let message = format!("{} cannot be read: {reason}", tables.join(" and "));
    Error::internal("plan scan", message).in_catalog(&remote.connector.info().catalog).into()
}

/// The columns that were asked for, from a store that gives others too.
fn project(
    scan: Arc<dyn ExecutionPlan>,
    columns: &[usize],
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>> {
    let whole = scan.schema();
    let expressions: Vec<(Arc<dyn PhysicalExpr>, String)> = columns
        .iter()
        .zip(schema.fields())
        .map(|(index, field)| {
            let column = Column::new(whole.field(*index).name(), *index);
            (Arc::new(column) as Arc<dyn PhysicalExpr>, field.name().clone())
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(expressions, scan)?))
}

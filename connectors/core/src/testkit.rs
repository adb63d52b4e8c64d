//! The contract suite: what any connector must do, run against a live store.
//!
//! A connector's own tests call [`run`] with a table that holds known rows. Cases are picked by capability: what is
//! declared must answer as SQL does, over the values that the table holds, and what is not declared must be refused.
//! The truth of a filter is computed here, from a full read.

use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::compute::{concat_batches, filter_record_batch};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator as Op};
use datafusion::physical_expr::create_physical_expr;
use futures::TryStreamExt;

use crate::capabilities::Operator;
use crate::{Connector, Error, ErrorKind, ExecuteOptions, Fragment, Pushdown, RemoteQuery, Result};
use crate::{TableDescription, TableName};

/// Values of each column that are compared with.
const VALUES_PER_COLUMN: usize = 4;

/// What the suite found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cases that held.
    pub passed: usize,
    /// Fragments that the connector may refuse, and did.
    pub refused: usize,
    /// What did not hold.
    pub failures: Vec<String>,
}

impl Outcome {
    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if holds {
            self.passed += 1;
        } else {
            self.failures.push(what());
        }
    }
}

/// Runs the suite on one table, which should hold a few thousand rows at most, NULLs among them.
///
/// # Errors
/// A full read that fails: without it there is nothing to compare with.
pub async fn run(connector: &Arc<dyn Connector>, table: &TableName) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let description = Arc::new(connector.describe_table(table).await?);
    catalog_cases(connector, table, &description, &mut outcome).await;
    let all = read(connector, &Fragment::Scan(description.clone())).await?;
    projection_cases(connector, &description, &all, &mut outcome).await;
    limit_cases(connector, &description, &all, &mut outcome).await;
    filter_cases(connector, &description, &all, &mut outcome).await;
    stream_cases(connector, &description, &all, &mut outcome).await;
    Ok(outcome)
}

async fn catalog_cases(
    connector: &Arc<dyn Connector>,
    table: &TableName,
    description: &TableDescription,
    outcome: &mut Outcome,
) {
    let listed =
        connector.list_tables().await.is_ok_and(|tables| tables.iter().any(|t| t.name == *table));
    outcome.check(listed, || format!("list_tables does not list \"{table}\""));
    let missing = TableName::new(&table.schema, "no such table, surely");
    let answer = connector.describe_table(&missing).await.err().map(|error: Error| error.kind());
    outcome.check(answer == Some(ErrorKind::NotFound), || {
        format!("a missing table is {answer:?}, not NotFound")
    });
    let again = connector.describe_table(table).await;
    outcome.check(again.is_ok_and(|again| again.columns == description.columns), || {
        "describe_table gives other columns the second time".to_owned()
    });
    let statistics = connector.statistics(description).await;
    outcome
        .check(statistics.rows.value() != Some(u64::MAX), || "statistics make no sense".to_owned());
    let mut names: Vec<_> = description.columns.iter().map(|column| &column.name).collect();
    names.sort();
    names.dedup();
    outcome.check(names.len() == description.columns.len(), || {
        "column names are not unique".to_owned()
    });
}

async fn projection_cases(
    connector: &Arc<dyn Connector>,
    table: &Arc<TableDescription>,
    all: &RecordBatch,
    outcome: &mut Outcome,
) {
    let reversed: Vec<usize> = (0..table.columns.len()).rev().collect();
    let mut selections: Vec<Vec<usize>> =
        (0..table.columns.len()).map(|index| vec![index]).collect();
    selections.extend([reversed, Vec::new()]);
    for columns in selections {
        let fragment = project(Fragment::Scan(table.clone()), table, &columns);
        if !connector.capabilities().supports(Operator::Project) {
            outcome.check(connector.translate(&fragment).is_err(), || {
                "an undeclared projection is accepted".to_owned()
            });
            continue;
        }
        match read(connector, &fragment).await {
            Ok(found) => {
                let wanted = all.project(&columns).map(|batch| lines(&batch)).unwrap_or_default();
                outcome.check(lines(&found) == wanted, || {
                    format!("projection {columns:?} gives other rows")
                });
            }
            Err(error) => outcome.failures.push(format!("projection {columns:?}: {error}")),
        }
    }
}

async fn limit_cases(
    connector: &Arc<dyn Connector>,
    table: &Arc<TableDescription>,
    all: &RecordBatch,
    outcome: &mut Outcome,
) {
    for fetch in [1, 2, all.num_rows(), all.num_rows() + 5] {
        let limit = Fragment::Limit {
            input: Box::new(Fragment::Scan(table.clone())),
            skip: 0,
            fetch: Some(fetch),
        };
        if !connector.capabilities().supports(Operator::Limit) {
            outcome.check(connector.translate(&limit).is_err(), || {
                "an undeclared limit is accepted".to_owned()
            });
            continue;
        }
        match read(connector, &limit).await {
            Ok(found) => {
                let wanted = fetch.min(all.num_rows());
                outcome.check(found.num_rows() == wanted, || {
                    format!("limit {fetch} gives {} rows", found.num_rows())
                });
            }
            Err(error) => outcome.failures.push(format!("limit {fetch}: {error}")),
        }
    }
}

async fn filter_cases(
    connector: &Arc<dyn Connector>,
    table: &Arc<TableDescription>,
    all: &RecordBatch,
    outcome: &mut Outcome,
) {
    let mut predicates = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        let name = || Expr::Column(Column::new_unqualified(&column.name));
        predicates.extend([Expr::IsNull(Box::new(name())), Expr::IsNotNull(Box::new(name()))]);
        let values = values(all, index);
        for value in &values {
            for operator in [Op::Eq, Op::Lt, Op::LtEq, Op::Gt, Op::GtEq] {
                predicates.push(compare(name(), operator, value.clone()));
            }
        }
        if let [first, .., last] = values.as_slice() {
            let list = vec![literal(first.clone()), literal(last.clone())];
            predicates.push(name().in_list(list.clone(), false));
            predicates.push(name().in_list(list, true));
            predicates.push(compare(name(), Op::Lt, first.clone()).or(compare(
                name(),
                Op::Gt,
                last.clone(),
            )));
            predicates.push(name().between(literal(first.clone()), literal(last.clone())));
            predicates.push(compare(name(), Op::Eq, first.clone()).or(name().is_null()));
        }
    }
    for predicate in predicates {
        filter_case(connector, table, all, predicate, outcome).await;
    }
}

async fn filter_case(
    connector: &Arc<dyn Connector>,
    table: &Arc<TableDescription>,
    all: &RecordBatch,
    predicate: Expr,
    outcome: &mut Outcome,
) {
    let shown = predicate.to_string();
    let fragment = Fragment::Filter {
        input: Box::new(Fragment::Scan(table.clone())),
        predicate: predicate.clone(),
    };
    let pushdown = match connector.translate(&fragment) {
        Ok(pushdown) => pushdown,
        Err(_) => {
            outcome.refused += 1;
            return;
        }
    };
    outcome.check(connector.capabilities().supports(Operator::Filter), || {
        "an undeclared filter is accepted".to_owned()
    });
    outcome.check(connector.translate(&fragment).as_ref() == Ok(&pushdown), || {
        format!("{shown}: translated otherwise")
    });
    let exact = pushdown.is_exact();
    let wanted = match keep(all, &predicate) {
        Ok(batch) => lines(&batch),
        Err(error) => return outcome.failures.push(format!("{shown}: {error}")),
    };
    match run_query(connector, &pushdown.into_query()).await {
        Ok(found) if exact => outcome.check(lines(&found) == wanted, || {
            format!("{shown}: {} rows, should be {}", found.num_rows(), wanted.len())
        }),
        Ok(found) => {
            // A superset holds every wanted row; the filter above takes the rest away.
            let kept = keep(&found, &predicate).map(|batch| lines(&batch)).unwrap_or_default();
            outcome.check(kept == wanted, || {
                format!("{shown}: the superset gives {} of {} rows", kept.len(), wanted.len())
            });
        }
        Err(error) => outcome.failures.push(format!("{shown}: {error}")),
    }
}

async fn stream_cases(
    connector: &Arc<dyn Connector>,
    table: &Arc<TableDescription>,
    all: &RecordBatch,
    outcome: &mut Outcome,
) {
    let Ok(pushdown) = connector.translate(&Fragment::Scan(table.clone())) else {
        outcome.failures.push("a plain scan is refused".to_owned());
        return;
    };
    let query = pushdown.into_query();
    // A stream that is dropped half read must not harm the next one.
    if let Ok(mut stream) =
        connector.execute(&query, ExecuteOptions { batch_rows: 1, ..ExecuteOptions::default() })
    {
        let first = stream.try_next().await;
        outcome.check(first.is_ok(), || "the first batch fails".to_owned());
    }
    let travelled =
        serde_json::to_string(&query).and_then(|text| serde_json::from_str::<RemoteQuery>(&text));
    match travelled {
        Ok(travelled) => match run_query(connector, &travelled).await {
            Ok(found) => outcome.check(lines(&found) == lines(all), || {
                "a query that travelled gives other rows".to_owned()
            }),
            Err(error) => outcome.failures.push(format!("a query that travelled: {error}")),
        },
        Err(error) => outcome.failures.push(format!("the query does not travel: {error}")),
    }
    let foreign = RemoteQuery { payload: serde_json::json!({ "of": "another" }), ..query };
    let refused = connector.execute(&foreign, ExecuteOptions::default()).is_err();
    outcome.check(refused, || "another connector's query is executed".to_owned());
}

/// Some different values of a column: from its beginning, its end and between.
fn values(all: &RecordBatch, index: usize) -> Vec<ScalarValue> {
    let column = all.column(index);
    let mut values: Vec<ScalarValue> = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) || column.data_type().is_nested() {
            continue;
        }
        if let Ok(value) = ScalarValue::try_from_array(column, row)
            && !values.contains(&value)
        {
            values.push(value);
        }
    }
    let step = (values.len() / VALUES_PER_COLUMN).max(1);
    values.into_iter().step_by(step).take(VALUES_PER_COLUMN).collect()
}

fn literal(value: ScalarValue) -> Expr {
    Expr::Literal(value, None)
}

fn compare(column: Expr, operator: Op, value: ScalarValue) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(column), operator, Box::new(literal(value))))
}

fn project(input: Fragment, table: &TableDescription, columns: &[usize]) -> Fragment {
    let expressions = columns
        .iter()
        .map(|index| &table.columns[*index].name)
        .map(|name| (Expr::Column(Column::new_unqualified(name)), name.clone()))
        .collect();
    Fragment::Project { input: Box::new(input), expressions }
}

fn keep(batch: &RecordBatch, predicate: &Expr) -> datafusion::error::Result<RecordBatch> {
    let schema = DFSchema::try_from(batch.schema().as_ref().clone())?;
    let physical = create_physical_expr(
        predicate,
        &schema,
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )?;
    let mask = physical.evaluate(batch)?.into_array(batch.num_rows())?;
    let mask = datafusion::common::cast::as_boolean_array(&mask)?.clone();
    Ok(filter_record_batch(batch, &mask)?)
}

/// Rows as sorted text: stores promise no order.
fn lines(batch: &RecordBatch) -> Vec<String> {
    let mut lines: Vec<String> = (0..batch.num_rows())
        .map(|row| {
            let cells = batch.columns().iter().map(|column| {
                if column.is_null(row) {
                    "NULL".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap_or_default()
                }
            });
            cells.collect::<Vec<_>>().join("|")
        })
        .collect();
    lines.sort();
    lines
}

async fn read(connector: &Arc<dyn Connector>, fragment: &Fragment) -> Result<RecordBatch> {
    let pushdown = connector.translate(fragment).map_err(|refusal| {
        Error::internal("run contract suite", format!("a fragment is refused: {refusal}"))
    })?;
    match pushdown {
        Pushdown::Exact(query) => run_query(connector, &query).await,
        Pushdown::Superset(_) => {
            Err(Error::internal("run contract suite", "a scan that is not exact"))
        }
    }
}

async fn run_query(connector: &Arc<dyn Connector>, query: &RemoteQuery) -> Result<RecordBatch> {
    let stream = connector.execute(query, ExecuteOptions::default())?;
    let batches: Vec<RecordBatch> = stream
        .try_collect()
        .await
        .map_err(|error| Error::new(ErrorKind::Remote, "run contract suite", error.to_string()))?;
    // Concatenating batches without columns would forget their rows.
    if query.schema.fields().is_empty() {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let options =
            datafusion::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
        return Ok(RecordBatch::try_new_with_options(query.schema.clone(), Vec::new(), &options)?);
    }
    Ok(concat_batches(&query.schema, &batches)?)
}

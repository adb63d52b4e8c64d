//! A store's table as DataFusion sees it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use medley_core::{Connector, Error, TableDescription, TableStatistics};
use medley_planner::{Planned, Selection};

use crate::scan::RemoteScanExec;

/// A described table with its connector.
#[derive(Debug)]
pub(crate) struct RemoteTable {
    connector: Arc<dyn Connector>,
    description: Arc<TableDescription>,
    statistics: TableStatistics,
    schema: SchemaRef,
}

impl RemoteTable {
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        description: Arc<TableDescription>,
        statistics: TableStatistics,
    ) -> Self {
        let schema = description.schema();
        Self { connector, description, statistics, schema }
    }

    pub(crate) fn description(&self) -> &TableDescription {
        &self.description
    }

    /// What a reader of the table should know, each line naming it.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        let name = format!("{}.{}", self.connector.info().catalog, self.description.name);
        self.description.warnings.iter().map(move |warning| format!("{name}: {warning}"))
    }
}

#[async_trait]
impl TableProvider for RemoteTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match medley_planner::is_pushable(
            self.connector.as_ref(),
            &self.description,
            filter,
        ) {
            Ok(true) => TableProviderFilterPushDown::Exact,
            Ok(false) => TableProviderFilterPushDown::Inexact,
            Err(_) => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize>;
        let columns = match projection {
            Some(columns) => columns.as_slice(),
            None => {
                all = (0..self.description.columns.len()).collect();
                &all
            }
        };
        let selection = Selection { columns, filters, fetch: limit };
        let planned = medley_planner::plan(self.connector.as_ref(), &self.description, selection)
            .map_err(|refusal| {
            refused(&self.connector, &self.description, &refusal.to_string())
        })?;
        let Planned { query, projection, limited } = planned;
        let fetch = limit.filter(|_| limited);
        let scan = RemoteScanExec::new(
            self.connector.clone(),
            query,
            &self.statistics,
            fetch,
            !filters.is_empty(),
        );
        match projection {
            Some(columns) => project(Arc::new(scan), &columns),
            None => Ok(Arc::new(scan)),
        }
    }
}

fn refused(
    connector: &Arc<dyn Connector>,
    table: &TableDescription,
    reason: &str,
) -> DataFusionError {
    let message = format!("table \"{}\" cannot be read: {reason}", table.name);
    Error::internal("plan scan", message).in_catalog(&connector.info().catalog).into()
}

/// The columns that were asked for, from a store that only gives all.
fn project(scan: Arc<dyn ExecutionPlan>, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = scan.schema();
    let expressions: Vec<(Arc<dyn PhysicalExpr>, String)> = columns
        .iter()
        .map(|index| {
            let name = schema.field(*index).name().clone();
            (Arc::new(Column::new(&name, *index)) as Arc<dyn PhysicalExpr>, name)
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(expressions, scan)?))
}

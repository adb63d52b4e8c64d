//! The leaf of a plan that runs a native query in a store.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::StreamExt;
use medley_core::{Connector, ExecuteOptions, RemoteQuery, Report, TableStatistics};

/// Runs a [`RemoteQuery`] and counts what comes back.
#[derive(Debug)]
pub(crate) struct RemoteScanExec {
    connector: Arc<dyn Connector>,
    query: RemoteQuery,
    statistics: Statistics,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RemoteScanExec {
    /// `fetch` is the query's own limit, if it has one; `filtered` says that it returns fewer rows than the table has.
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        query: RemoteQuery,
        table: &TableStatistics,
        fetch: Option<usize>,
        filtered: bool,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(query.schema.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let statistics = estimate(&query.schema, table, fetch, filtered);
        Self {
            connector,
            query,
            statistics,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// The share of rows that a pushed filter is guessed to keep, as DataFusion guesses for its own.
const FILTER_SHARE: (usize, usize) = (1, 5);

/// Never exact: an exact row count would answer count(*) without asking the store.
fn estimate(
    schema: &SchemaRef,
    table: &TableStatistics,
    fetch: Option<usize>,
    filtered: bool,
) -> Statistics {
    let mut statistics = Statistics::new_unknown(schema);
    let Some(rows) = table.rows.value().and_then(|rows| usize::try_from(rows).ok()) else {
        return statistics;
    };
    let kept = if filtered { (rows * FILTER_SHARE.0 / FILTER_SHARE.1).max(1) } else { rows };
    let kept = fetch.map_or(kept, |fetch| kept.min(fetch));
    let mut width = 0_usize;
    for (index, field) in schema.fields().iter().enumerate() {
        let known = table.columns.get(field.name()).copied().unwrap_or_default();
        let assumed = field.data_type().primitive_width().unwrap_or(16);
        width += known.width_bytes.value().and_then(|w| usize::try_from(w).ok()).unwrap_or(assumed);
        let distinct = known.distinct.value().and_then(|d| usize::try_from(d).ok());
        statistics.column_statistics[index] = ColumnStatistics {
            distinct_count: distinct.map_or(Precision::Absent, |d| Precision::Inexact(d.min(kept))),
            ..ColumnStatistics::new_unknown()
        };
    }
    statistics.num_rows = Precision::Inexact(kept);
    statistics.total_byte_size = Precision::Inexact(kept.saturating_mul(width));
    statistics
}

impl DisplayAs for RemoteScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        let info = self.connector.info();
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(
                    f,
                    "RemoteScanExec: catalog={} ({}), query={}",
                    info.catalog, info.kind, self.query.text
                )
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "catalog={} ({})", info.catalog, info.kind)?;
                writeln!(f, "query={}", self.query.text)
            }
        }
    }
}

impl ExecutionPlan for RemoteScanExec {
    fn name(&self) -> &'static str {
        "RemoteScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _none: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let report = context.session_config().get_extension::<Report>().unwrap_or_default();
        let options = ExecuteOptions {
            batch_rows: context.session_config().batch_size(),
            partition,
            report,
            ..ExecuteOptions::default()
        };
        let catalog = self.connector.info().catalog.clone();
        let stream = self
            .connector
            .execute(&self.query, options)
            .map_err(|error| DataFusionError::from(error.in_catalog(&catalog)))?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let bytes = MetricBuilder::new(&self.metrics).counter("arrow_bytes", partition);
        let counted = stream.map(move |batch| {
            let batch = batch?;
            baseline.record_output(batch.num_rows());
            bytes.add(batch.get_array_memory_size());
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.query.schema.clone(), counted)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        _arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(self.statistics.clone()))
    }
}

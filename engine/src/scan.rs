//! The leaf of a plan that runs a native query in a store.

use std::fmt::{self, Formatter};
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::compute::{CastOptions, SortOptions, cast_with_options};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalSortExpr};
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
use medley_core::capabilities::{Operator, PredicateForm};
use medley_core::{Connector, ExecuteOptions, Fragment, RemoteQuery, Report};

use crate::bind_join;

/// Runs a [`RemoteQuery`] and counts what comes back.
#[derive(Debug)]
pub(crate) struct RemoteScanExec {
    connector: Arc<dyn Connector>,
    query: RemoteQuery,
    schema: SchemaRef,
    statistics: Statistics,
    refusals: Vec<String>,
    /// What the query runs, if it can be asked for keys besides.
    fragment: Option<Fragment>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RemoteScanExec {
    /// The query's columns are those of `schema`, by position, in types that are cast to its types without loss. The
    /// rows come ordered by the columns of `ordering`.
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        query: RemoteQuery,
        schema: SchemaRef,
        ordering: &[(usize, SortOptions)],
    ) -> Self {
        let keys = ordering.iter().filter_map(|(index, options)| {
            let column = Column::new(schema.fields().get(*index)?.name(), *index);
            Some(PhysicalSortExpr::new(Arc::new(column), *options))
        });
        let mut equivalences = EquivalenceProperties::new(schema.clone());
        if let Some(ordering) = LexOrdering::new(keys) {
            equivalences.add_ordering(ordering);
        }
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            connector,
            query,
            statistics: Statistics::new_unknown(&schema),
            schema,
            refusals: Vec::new(),
            fragment: None,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// With a guess at the rows, and what is known of each column. Never exact: an exact row count would answer count(*)
    /// without asking the store.
    pub(crate) fn with_estimates(
        mut self,
        rows: Option<usize>,
        columns: Vec<medley_core::statistics::ColumnStatistics>,
    ) -> Self {
        let Some(rows) = rows else { return self };
        let mut width = 0_usize;
        for (index, (field, known)) in self.schema.fields().iter().zip(columns).enumerate() {
            let assumed = field.data_type().primitive_width().unwrap_or(16);
            let known_width = known.width_bytes.value().and_then(|w| usize::try_from(w).ok());
            width += known_width.unwrap_or(assumed);
            let distinct = known.distinct.value().and_then(|d| usize::try_from(d).ok());
            self.statistics.column_statistics[index].distinct_count =
                distinct.map_or(Precision::Absent, |d| Precision::Inexact(d.min(rows)));
        }
        self.statistics.num_rows = Precision::Inexact(rows);
        self.statistics.total_byte_size = Precision::Inexact(rows.saturating_mul(width));
        self
    }

    /// With what was offered to the store and stays above, and why.
    pub(crate) fn with_refusals(mut self, refusals: Vec<String>) -> Self {
        self.refusals = refusals;
        self
    }
}

impl RemoteScanExec {
    /// With the fragment that the query runs, whose columns are the scan's.
    pub(crate) fn with_fragment(mut self, fragment: Fragment) -> Self {
        self.fragment = Some(fragment);
        self
    }

    /// Whether the store may be asked for some keys of a column.
    pub(crate) fn takes_keys(&self, column: usize) -> bool {
        let capabilities = self.connector.capabilities();
        let Some(field) = self.schema.fields().get(column) else { return false };
        let Some(fragment) = &self.fragment else { return false };
        capabilities.supports(Operator::Filter)
            && capabilities.predicates.contains(&PredicateForm::InList)
            && bind_join::is_bindable(field.data_type())
            // The column may be of another type in the store: keys compare in the store's.
            && fragment.schema().is_ok_and(|s| s.field(column).data_type() == field.data_type())
    }

    /// The most keys that are worth asking for: for half of all rows, all rows are as cheap.
    pub(crate) fn keys_max(&self) -> usize {
        let most = self.connector.capabilities().in_list_values_max;
        match self.statistics.num_rows.get_value() {
            Some(rows) => most.min(rows / 2),
            None => most,
        }
    }

    /// The scan of another fragment with the same columns, if the store takes it.
    pub(crate) fn bound(
        &self,
        column: usize,
        bind: impl FnOnce(Fragment, &str) -> Fragment,
    ) -> Option<Self> {
        let fragment = self.fragment.clone()?;
        let name = fragment.schema().ok()?.field(column).name().clone();
        let fragment = bind(fragment, &name);
        let query = self.connector.translate(&fragment).ok()?.into_query();
        Some(Self {
            connector: self.connector.clone(),
            query,
            schema: self.schema.clone(),
            statistics: self.statistics.clone(),
            refusals: self.refusals.clone(),
            fragment: Some(fragment),
            properties: self.properties.clone(),
            metrics: self.metrics.clone(),
        })
    }
}

/// A batch of the store's answer in the plan's types. A value that has no place in them is an error.
fn conformed(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema().fields() == schema.fields() {
        return Ok(batch);
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            Ok(cast_with_options(column, field.data_type(), &options)?)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
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
                )?;
                if !self.refusals.is_empty() {
                    write!(f, ", local=[{}]", self.refusals.join("; "))?;
                }
                Ok(())
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "catalog={} ({})", info.catalog, info.kind)?;
                writeln!(f, "query={}", self.query.text)?;
                self.refusals.iter().try_for_each(|refusal| writeln!(f, "local={refusal}"))
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
        let whole = context.session_config().get_extension::<Report>().unwrap_or_default();
        let report = Arc::new(Report::part_of(whole));
        let options = ExecuteOptions {
            batch_rows: context.session_config().batch_size(),
            partition,
            report: report.clone(),
            ..ExecuteOptions::default()
        };
        let catalog = self.connector.info().catalog.clone();
        let stream = self
            .connector
            .execute(&self.query, options)
            .map_err(|error| DataFusionError::from(error.in_catalog(&catalog)))?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let count = |name| MetricBuilder::new(&self.metrics).gauge(name, partition);
        let (bytes, arrow_bytes) = (count("store_bytes"), count("arrow_bytes"));
        let (round_trips, first_row_us) = (count("round_trips"), count("first_row_us"));
        let started = Instant::now();
        let schema = self.schema.clone();
        let counted = stream.map(move |batch| {
            let batch = conformed(batch?, &schema)?;
            if first_row_us.value() == 0 {
                first_row_us.set(usize::try_from(started.elapsed().as_micros()).unwrap_or(0));
            }
            baseline.record_output(batch.num_rows());
            arrow_bytes.add(batch.get_array_memory_size());
            bytes.set(usize::try_from(report.bytes()).unwrap_or(usize::MAX));
            round_trips.set(usize::try_from(report.round_trips()).unwrap_or(usize::MAX));
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), counted)))
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

//! Reads the build side, asks the probe side's store for its keys, and joins.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use super::keys;
use crate::scan::RemoteScanExec;

/// A key of the join that is a column of the probe side's scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Its place among the join's keys.
    pub(crate) place: usize,
    /// The scan's column.
    pub(crate) column: usize,
}

/// More keys than this are not sent, whatever the store takes.
const KEYS_MAX: usize = 20_000;

/// A hash join whose probe side is asked for the build side's keys only.
#[derive(Debug)]
pub(crate) struct BindJoinExec {
    /// The hash join as planned.
    join: Arc<dyn ExecutionPlan>,
    keys: Vec<Key>,
    /// The hash join as it is run, over what the build side gave.
    prepared: Arc<OnceCell<Result<Prepared, Arc<DataFusionError>>>>,
    metrics: ExecutionPlanMetricsSet,
}

#[derive(Debug)]
struct Prepared {
    join: Arc<dyn ExecutionPlan>,
    /// Kept as long as the build side's batches are.
    _reservation: MemoryReservation,
}

impl BindJoinExec {
    pub(crate) fn new(join: Arc<dyn ExecutionPlan>, keys: Vec<Key>) -> Self {
        Self { join, keys, prepared: Arc::default(), metrics: ExecutionPlanMetricsSet::new() }
    }

    fn hash_join(&self) -> Result<&HashJoinExec> {
        self.join
            .downcast_ref::<HashJoinExec>()
            .ok_or_else(|| DataFusionError::Internal("a bind join over no hash join".to_owned()))
    }
}

impl DisplayAs for BindJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        let Ok(join) = self.hash_join() else { return Ok(()) };
        let on = join.on();
        let keys: Vec<_> = self.keys.iter().filter_map(|key| on.get(key.place)).collect();
        let keys: Vec<_> =
            keys.iter().map(|(build, probe)| format!("{build} -> {probe}")).collect();
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "BindJoinExec: keys=[{}], ", keys.join(", "))?;
                join.fmt_as(format, f)
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "keys={}", keys.join(", "))?;
                join.fmt_as(format, f)
            }
        }
    }
}

impl ExecutionPlan for BindJoinExec {
    fn name(&self) -> &'static str {
        "BindJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(visit)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        #[expect(
            deprecated,
            reason = "what replaces it is not for operators outside of DataFusion"
        )]
        let join = self.join.clone().with_new_children(children)?;
        Ok(Arc::new(Self::new(join, self.keys.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (join, keys) = (self.join.clone(), self.keys.clone());
        let prepared = self.prepared.clone();
        let sent = MetricBuilder::new(&self.metrics).gauge("keys_sent", partition);
        let stream = futures::stream::once(async move {
            // A failure is kept too: the build side cannot be read a second time.
            let prepared = prepared
                .get_or_init(|| async {
                    let (prepared, keys) =
                        prepare(&join, &keys, &context).await.map_err(Arc::new)?;
                    sent.set(keys);
                    Ok(prepared)
                })
                .await;
            match prepared {
                Ok(prepared) => prepared.join.execute(partition, context),
                Err(error) => Err(DataFusionError::Shared(error.clone())),
            }
        });
        let schema = self.join.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream.try_flatten())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<datafusion::common::Statistics>],
        arguments: &datafusion::physical_plan::statistics::StatisticsArgs,
    ) -> Result<Arc<datafusion::common::Statistics>> {
        self.join.statistics_from_inputs(inputs, arguments)
    }
}

/// The join over the build side's rows, and how many keys are sent.
async fn prepare(
    plan: &Arc<dyn ExecutionPlan>,
    bindings: &[Key],
    context: &Arc<TaskContext>,
) -> Result<(Prepared, usize)> {
    let join = plan
        .downcast_ref::<HashJoinExec>()
        .ok_or_else(|| DataFusionError::Internal("a bind join over no hash join".to_owned()))?;
    let reservation = MemoryConsumer::new("BindJoinExec").register(context.memory_pool());
    let batches = collect(join, &reservation, context).await?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut sent = 0;
    let probe = if rows == 0 {
        // The other store is not asked at all.
        nothing(join.right())?
    } else {
        let mut right = join.right().clone();
        for binding in bindings {
            let (build, _) = &join.on()[binding.place];
            let arrays = batches
                .iter()
                .map(|batch| build.evaluate(batch)?.into_array(batch.num_rows()))
                .collect::<Result<Vec<ArrayRef>>>()?;
            let (next, keys) = bind(&right, binding.column, &arrays)?;
            (right, sent) = (next, sent + keys);
        }
        right
    };
    let schema = join.left().schema();
    let build = MemorySourceConfig::try_new_exec(&[batches], schema, None)?;
    #[expect(deprecated, reason = "what replaces it is not for operators outside of DataFusion")]
    let join = plan.clone().with_new_children(vec![build, probe])?;
    Ok((Prepared { join, _reservation: reservation }, sent))
}

async fn collect(
    join: &HashJoinExec,
    reservation: &MemoryReservation,
    context: &Arc<TaskContext>,
) -> Result<Vec<RecordBatch>> {
    let mut stream = join.left().execute(0, context.clone())?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        reservation.try_grow(batch.get_array_memory_size())?;
        batches.push(batch);
    }
    Ok(batches)
}

fn empty(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(EmptyExec::new(plan.schema()))
}

/// No rows in place of the scan.
fn nothing(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let empty = plan.clone().transform_down(|plan| {
        if plan.is::<RemoteScanExec>() {
            return Ok(Transformed::yes(empty(&plan)));
        }
        Ok(Transformed::no(plan))
    })?;
    Ok(empty.data)
}

/// The plan with its scan asked for the keys, if that is likely to be less than all; and how many these are.
fn bind(
    plan: &Arc<dyn ExecutionPlan>,
    column: usize,
    arrays: &[ArrayRef],
) -> Result<(Arc<dyn ExecutionPlan>, usize)> {
    let mut sent = 0;
    let bound = plan.clone().transform_down(|plan| {
        let Some(scan) = plan.downcast_ref::<RemoteScanExec>() else {
            return Ok(Transformed::no(plan));
        };
        let field = scan.schema().field(column).clone();
        let most = scan.keys_max().min(KEYS_MAX);
        let Some(keys) = keys::distinct(arrays, field.data_type(), most)? else {
            return Ok(Transformed::no(plan));
        };
        if keys.is_empty() {
            return Ok(Transformed::yes(empty(&plan)));
        }
        match scan.bound(column, |fragment, name| keys::bound(fragment, name, &keys)) {
            Some(scan) => {
                sent = keys.len();
                let scan: Arc<dyn ExecutionPlan> = Arc::new(scan);
                Ok(Transformed::yes(scan))
            }
            None => Ok(Transformed::no(plan)),
        }
    })?;
    Ok((bound.data, sent))
}

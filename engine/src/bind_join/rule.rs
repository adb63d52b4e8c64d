//! Finds hash joins whose probe side is a store's scan, reached by a key that is one of its columns.
//!
//! ```text
//! HashJoinExec: on=[(c_custkey, o_custkey)]        BindJoinExec: key=o_custkey
//!   RemoteScanExec: graph           becomes          RemoteScanExec: graph
//!   RemoteScanExec: pg                               RemoteScanExec: pg, asked for the keys that graph gave
//! ```
//!
//! Only rows of the probe side that match are wanted, so the join must not keep the others: inner, left, left semi, left
//! anti and right semi joins. NULL keys match nothing; a join in which NULL equals NULL is left alone, and so is NOT IN,
//! to which one NULL on the probe side means that there is no row at all. Keys are traced by position, never by name.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinType, NullEquality};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use medley_planner::Settings;

use super::exec::{BindJoinExec, Key};
use crate::scan::RemoteScanExec;

/// The rule.
#[derive(Debug)]
pub(crate) struct BindJoins;

impl PhysicalOptimizerRule for BindJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let settings = config.extensions.get::<Settings>().cloned().unwrap_or_default();
        if !settings.binds() {
            return Ok(plan);
        }
        let bound = plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            let keys = keys(join);
            if keys.is_empty() {
                return Ok(Transformed::no(plan));
            }
            let join: Arc<dyn ExecutionPlan> = Arc::new(BindJoinExec::new(plan.clone(), keys));
            Ok(Transformed::yes(join))
        })?;
        Ok(bound.data)
    }

    fn name(&self) -> &'static str {
        "bind_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn keys(join: &HashJoinExec) -> Vec<Key> {
    let wants_matches_only = matches!(
        join.join_type(),
        JoinType::Inner
            | JoinType::Left
            | JoinType::LeftSemi
            | JoinType::LeftAnti
            | JoinType::RightSemi
    );
    let one_build = *join.partition_mode() == PartitionMode::CollectLeft;
    let nulls_match = join.null_equality() == NullEquality::NullEqualsNull;
    if !wants_matches_only || !one_build || nulls_match || join.null_aware {
        return Vec::new();
    }
    let column = |probe: &Arc<dyn PhysicalExpr>| {
        let probe = match probe.downcast_ref::<CastExpr>() {
            Some(cast) => {
                let from = cast.expr().data_type(&join.right().schema()).ok()?;
                let to = cast.data_type(&join.right().schema()).ok()?;
                widens(&from, &to).then(|| cast.expr())?
            }
            None => probe,
        };
        let column = probe.downcast_ref::<Column>()?;
        trace(join.right(), column.index())
    };
    let mut keys = Vec::new();
    for (place, (_, probe)) in join.on().iter().enumerate() {
        keys.extend(column(probe).map(|column| Key { place, column }));
    }
    keys
}

/// Whether different values stay different, so that a key stands for one value only.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal128, Int16, Int32, Int64};
    match (from, to) {
        (Int16, Int32 | Int64) | (Int32, Int64) => true,
        (Int16 | Int32 | Int64, Decimal128(..)) => true,
        (Decimal128(_, from), Decimal128(_, to)) => to >= from,
        _ => false,
    }
}

/// The column of the scan that a column of the plan is.
fn trace(plan: &Arc<dyn ExecutionPlan>, index: usize) -> Option<usize> {
    if let Some(scan) = plan.downcast_ref::<RemoteScanExec>() {
        return scan.takes_keys(index).then_some(index);
    }
    let children = plan.children();
    let [child] = children.as_slice() else { return None };
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let column = projection.expr().get(index)?.expr.downcast_ref::<Column>()?;
        return trace(child, column.index());
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        if filter.fetch().is_some() {
            return None;
        }
        let index = match filter.projection().as_ref() {
            Some(projection) => *projection.get(index)?,
            None => index,
        };
        return trace(child, index);
    }
    let passes = plan.is::<RepartitionExec>()
        || plan.is::<CooperativeExec>()
        || plan.downcast_ref::<CoalescePartitionsExec>().is_some_and(|all| all.fetch().is_none())
        || plan.downcast_ref::<SortExec>().is_some_and(|sort| sort.fetch().is_none());
    if passes { trace(child, index) } else { None }
}

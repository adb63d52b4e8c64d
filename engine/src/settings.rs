//! The settings that sessions begin with.

use std::sync::Arc;

use datafusion::execution::context::SessionConfig;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use medley_planner::Settings;

use crate::bind_join::BindJoins;

/// The physical rules of a session: DataFusion's, and ours.
///
/// `FilterPushdown`, in both its phases, finds a filter's columns below a join by name (DataFusion 55.2). With two columns
/// of one name it filters the wrong one, and rows vanish. Filters go down in the logical plan, so that nothing is lost
/// without it.
pub(crate) fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    rules.retain(|rule| !rule.name().starts_with("FilterPushdown"));
    rules.push(Arc::new(BindJoins));
    rules
}

/// The settings that every session begins with.
pub(crate) fn initial() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(false)
        .with_default_catalog_and_schema(crate::catalog::HOME_CATALOG, crate::catalog::HOME_SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_option_extension(Settings::default());
    let options = config.options_mut();
    // 0.06 is a decimal in SQL; as a float, 0.06 + 0.01 would not be 0.07.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.collect_spans = true;
    // One build side for all, whose keys can then be sent to the other side's store.
    options.optimizer.repartition_joins = false;
    // It panics over floats (DataFusion 55.2).
    options.optimizer.enable_topk_aggregation = false;
    config
}

//! The settings that sessions begin with.

use datafusion::execution::context::SessionConfig;
use medley_planner::Settings;

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
    config
}

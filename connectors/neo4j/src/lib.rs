//! To be written.
use std::sync::Arc;
use medley_core::{Connector, ConnectorFactory, Result, config::CatalogOptions};
/// Makes connectors.
#[derive(Debug)]
pub struct Factory;
impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str { "x" }
    fn create(&self, _catalog: &str, _options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        Err(medley_core::Error::internal("create", "to be written"))
    }
}

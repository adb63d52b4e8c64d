//! The connector: a path.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::config::CatalogOptions;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorFactory, ConnectorInfo, Error, ErrorKind, ExecuteOptions,
    Fragment, Pushdown, Refusal, RemoteQuery, Result, SourceId, TableDescription, TableName,
    TableStatistics,
};

use crate::config::Config;
use crate::{catalog, execute, statistics, translate};

/// The one schema of a files catalog.
pub(crate) const SCHEMA: &str = "main";

/// Makes files connectors.
#[derive(Debug)]
pub struct Factory;

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        "files"
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let config: Config = options.parse(catalog)?;
        if !config.delimiter.is_ascii() {
            let message = "\"delimiter\" must be one ASCII character";
            return Err(Error::new(ErrorKind::Config, "read configuration", message));
        }
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: SCHEMA.to_owned(),
            source: SourceId::new(self.kind(), &[&config.path.to_string_lossy()]),
        };
        Ok(Arc::new(FilesConnector { info, capabilities: Capabilities::selection(), config }))
    }
}

/// One attached file or folder.
#[derive(Debug)]
pub struct FilesConnector {
    info: ConnectorInfo,
    capabilities: Capabilities,
    pub(crate) config: Config,
}

#[async_trait]
impl Connector for FilesConnector {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        catalog::list_tables(self)
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        catalog::describe_table(self, table).await
    }

    async fn statistics(&self, table: &TableDescription) -> TableStatistics {
        statistics::of(table).await
    }

    fn translate(&self, fragment: &Fragment) -> Result<Pushdown, Refusal> {
        translate::translate(fragment, &self.capabilities)
    }

    fn execute(
        &self,
        query: &RemoteQuery,
        options: ExecuteOptions,
    ) -> Result<SendableRecordBatchStream> {
        execute::execute(self, query, options)
    }
}

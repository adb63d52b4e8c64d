//! The connector: a driver's client, made at first use.

use std::fmt::{self, Debug, Formatter};
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
use mongodb::Client;
use tokio::sync::OnceCell;

use crate::config::Config;
use crate::{catalog, execute, statistics, translate};

/// Makes MongoDB connectors.
#[derive(Debug)]
pub struct Factory;

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        "mongodb"
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let config: Config = options.parse(catalog)?;
        config.full_url()?;
        let (address, user) = config.address();
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: config.database(),
            source: SourceId::new(self.kind(), &[&address, &user]),
        };
        let capabilities = translate::capabilities();
        Ok(Arc::new(MongodbConnector {
            info,
            capabilities,
            handle: Arc::new(Handle { config, client: OnceCell::new() }),
        }))
    }
}

/// One attached deployment.
pub struct MongodbConnector {
    info: ConnectorInfo,
    capabilities: Capabilities,
    pub(crate) handle: Arc<Handle>,
}

impl Debug for MongodbConnector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongodbConnector").field("info", &self.info).finish_non_exhaustive()
    }
}

/// The client and what it was made from.
pub(crate) struct Handle {
    pub(crate) config: Config,
    client: OnceCell<Client>,
}

impl Handle {
    /// The client. It connects by itself when it is first asked for something.
    pub(crate) async fn client(&self) -> Result<&Client> {
        self.client
            .get_or_try_init(|| async {
                Client::with_options(self.config.options().await?).map_err(|_| {
                    Error::new(
                        ErrorKind::Config,
                        "read configuration",
                        "\"url\" holds options that exclude each other",
                    )
                })
            })
            .await
    }

    pub(crate) fn error(&self, operation: &'static str, error: mongodb::error::Error) -> Error {
        crate::error::from_driver(operation, &self.config, error)
    }
}

#[async_trait]
impl Connector for MongodbConnector {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        catalog::list_tables(&self.handle).await
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        catalog::describe_table(&self.handle, table).await
    }

    async fn statistics(&self, table: &TableDescription) -> TableStatistics {
        statistics::of(&self.handle, table).await.unwrap_or_default()
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

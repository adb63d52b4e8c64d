//! The connector: one multiplexed connection, opened at first use.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::capabilities::{Operator, PredicateForm};
use medley_core::config::CatalogOptions;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorFactory, ConnectorInfo, Error, ErrorKind, ExecuteOptions,
    Fragment, Pushdown, Refusal, RemoteQuery, Result, SourceId, TableDescription, TableName,
    TableStatistics,
};
use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::OnceCell;

use crate::config::Config;
use crate::pattern::Pattern;
use crate::{catalog, execute, statistics, translate};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes Redis connectors.
#[derive(Debug)]
pub struct Factory;

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let config: Config = options.parse(catalog)?;
        for (name, table) in &config.tables {
            Pattern::parse(&table.key).map_err(|reason| {
                let message = format!("tables.{name}: key \"{}\": {reason}", table.key);
                Error::new(ErrorKind::Config, "read configuration", message)
            })?;
        }
        let (address, database) = config.address();
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: format!("db{database}"),
            source: SourceId::new(self.kind(), &[&address, &database]),
        };
        let handle =
            Handle { client: config.client()?, address, config, connection: OnceCell::new() };
        Ok(Arc::new(RedisConnector {
            info,
            capabilities: capabilities(),
            handle: Arc::new(handle),
        }))
    }
}

fn capabilities() -> Capabilities {
    use PredicateForm::{And, Equal, InList, Like, Range};
    Capabilities {
        operators: [Operator::Filter, Operator::Project, Operator::Limit, Operator::Aggregate]
            .into(),
        predicates: [Equal, InList, Range, Like, And].into(),
        functions: BTreeSet::new(),
        aggregates: ["count".to_owned()].into(),
        in_list_values_max: 100_000,
        infers_schema: true,
    }
}

/// One attached database.
pub struct RedisConnector {
    info: ConnectorInfo,
    capabilities: Capabilities,
    pub(crate) handle: Arc<Handle>,
}

impl Debug for RedisConnector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnector").field("info", &self.info).finish_non_exhaustive()
    }
}

/// The connection and what it was made from.
pub(crate) struct Handle {
    pub(crate) config: Config,
    client: Client,
    address: String,
    connection: OnceCell<ConnectionManager>,
}

impl Handle {
    /// The connection, which many may use at a time and which reconnects by itself.
    pub(crate) async fn connection(&self) -> Result<ConnectionManager> {
        let connection = self.connection.get_or_try_init(|| async {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                .set_response_timeout(None);
            ConnectionManager::new_with_config(self.client.clone(), config)
                .await
                .map_err(|error| self.error("connect", error))
        });
        connection.await.cloned()
    }

    pub(crate) fn error(&self, operation: &'static str, error: redis::RedisError) -> Error {
        crate::error::from_redis(operation, &self.address, error)
    }
}

#[async_trait]
impl Connector for RedisConnector {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        catalog::list_tables(&self.handle, &self.info.default_schema).await
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        catalog::describe_table(&self.handle, &self.info.default_schema, table).await
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

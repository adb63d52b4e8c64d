//! The connector: a pool of read-only connections to one database file.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::config::CatalogOptions;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorFactory, ConnectorInfo, ExecuteOptions, Fragment, Pushdown,
    Refusal, RemoteQuery, Result, SourceId, TableDescription, TableName, TableStatistics,
};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::config::Config;
use crate::{catalog, execute, statistics, translate};

/// The schema of SQLite's main database.
pub(crate) const SCHEMA: &str = "main";
/// Rows that may wait between SQLite's thread and ours: fewer make the two wait for each other.
const ROW_CHANNEL_ROWS: usize = 4096;

/// More than the scans of one query, which hold a connection each and wait for each other.
const CONNECTIONS_MAX: u32 = 256;

/// Makes SQLite connectors.
#[derive(Debug)]
pub struct Factory;

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let Config { path } = options.parse(catalog)?;
        let text = path.to_string_lossy();
        let path = text.strip_prefix("sqlite://").unwrap_or(&text).to_owned();
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .row_buffer_size(ROW_CHANNEL_ROWS);
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: SCHEMA.to_owned(),
            source: SourceId::new(self.kind(), &[&path]),
        };
        let capabilities = translate::capabilities();
        Ok(Arc::new(SqliteConnector { info, capabilities, path, options, pool: OnceLock::new() }))
    }
}

/// One attached database file.
pub struct SqliteConnector {
    info: ConnectorInfo,
    capabilities: Capabilities,
    path: String,
    options: SqliteConnectOptions,
    pool: OnceLock<SqlitePool>,
}

impl SqliteConnector {
    /// The pool, whose connections are opened when they are needed.
    pub(crate) fn pool(&self) -> &SqlitePool {
        self.pool.get_or_init(|| {
            SqlitePoolOptions::new()
                .max_connections(CONNECTIONS_MAX)
                .connect_lazy_with(self.options.clone())
        })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Debug for SqliteConnector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnector").field("info", &self.info).finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for SqliteConnector {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        catalog::list_tables(self).await
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        catalog::describe_table(self, table).await
    }

    async fn statistics(&self, table: &TableDescription) -> TableStatistics {
        statistics::of(self, table).await
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

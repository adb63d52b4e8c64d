//! The connector and its connections.
//!
//! Each connection knows its server process, so that dropping a query cancels it there: a pool of a library would
//! hide the process id.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::config::CatalogOptions;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorFactory, ConnectorInfo, Error, ExecuteOptions, Fragment,
    Pushdown, Refusal, RemoteQuery, Result, SourceId, TableDescription, TableName, TableStatistics,
};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{Config, Target};
use crate::error::from_sqlx;
use crate::{catalog, execute, functions, statistics, translate};

/// How long a query waits for another to give a connection back.
const PERMIT_WAIT: Duration = Duration::from_secs(1);

/// Makes Postgres connectors.
#[derive(Debug)]
pub struct Factory;

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let config: Config = options.parse(catalog)?;
        let target = config.target()?;
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: "public".to_owned(),
            source: SourceId::new(self.kind(), &[&target.address, &target.database, &target.user]),
        };
        let client = Client {
            permits: Arc::new(Semaphore::new(config.max_connections.max(1))),
            idle: Mutex::default(),
            target,
        };
        let capabilities = functions::capabilities();
        Ok(Arc::new(PostgresConnector { info, capabilities, config, client: Arc::new(client) }))
    }
}

/// One attached database.
pub struct PostgresConnector {
    info: ConnectorInfo,
    capabilities: Capabilities,
    pub(crate) config: Config,
    pub(crate) client: Arc<Client>,
}

impl Debug for PostgresConnector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnector").field("info", &self.info).finish_non_exhaustive()
    }
}

/// Opens connections and keeps those that are idle.
pub(crate) struct Client {
    target: Target,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

struct Connection {
    inner: PgConnection,
    process: i32,
}

impl Client {
    /// A connection, when one may be had.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        // The scans of one query wait for each other: one that never got a connection would stop them all. So the
        // limit is kept as long as waiting helps, and not longer.
        let permit = tokio::time::timeout(PERMIT_WAIT, self.permits.clone().acquire_owned()).await;
        let mut idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        if let Some(connection) = &mut idle
            && connection.inner.ping().await.is_err()
        {
            // One that the server ended meanwhile must not fail a query that has not begun.
            idle = None;
        }
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lease {
            client: self.clone(),
            connection: Some(connection),
            _permit: permit.ok().and_then(Result::ok),
        })
    }

    async fn connect(&self) -> Result<Connection> {
        let fail = |error| from_sqlx("connect", &self.target, error);
        let mut inner = PgConnection::connect_with(&self.target.options).await.map_err(fail)?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut inner)
            .await
            .map_err(fail)?;
        Ok(Connection { inner, process })
    }

    pub(crate) fn error(&self, operation: &'static str, error: sqlx::Error) -> Error {
        from_sqlx(operation, &self.target, error)
    }
}

/// A connection on loan. Unless it was given back with [`Self::finish`], dropping it cancels what runs on it.
pub(crate) struct Lease {
    client: Arc<Client>,
    connection: Option<Connection>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection> {
        self.connection
            .as_mut()
            .map(|connection| &mut connection.inner)
            .ok_or_else(|| Error::internal("use connection", "a lease without a connection"))
    }

    /// Gives the connection back, with nothing left to read on it.
    pub(crate) fn finish(mut self) {
        if let Some(connection) = self.connection.take()
            && let Ok(mut idle) = self.client.idle.lock()
        {
            idle.push(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(Connection { inner, process }) = self.connection.take() else { return };
        let client = self.client.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Ok(mut other) = client.connect().await {
                    let cancel = sqlx::query("SELECT pg_cancel_backend($1)").bind(process);
                    // The query may have ended by itself; then there is nothing to cancel.
                    cancel.execute(&mut other.inner).await.ok();
                    other.inner.close().await.ok();
                }
                drop(inner);
            });
        }
    }
}

#[async_trait]
impl Connector for PostgresConnector {
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
        statistics::of(self, table).await.unwrap_or_default()
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

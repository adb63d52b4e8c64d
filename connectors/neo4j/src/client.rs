//! The connector: a driver's pool, made at first use.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::config::CatalogOptions;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorFactory, ConnectorInfo, Error, ExecuteOptions, Fragment,
    Pushdown, Refusal, RemoteQuery, Result, SourceId, TableDescription, TableName, TableStatistics,
};
use neo4rs::{Graph, Query, Row};

use crate::config::Config;
use crate::{catalog, execute, statistics, translate};

/// Makes Neo4j connectors.
#[derive(Debug)]
pub struct Factory;

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        "neo4j"
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let config: Config = options.parse(catalog)?;
        config.driver()?;
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: config.database.clone(),
            source: SourceId::new(self.kind(), &[&config.address(), &config.database]),
        };
        let capabilities = translate::capabilities();
        let handle = Arc::new(Handle { config, graph: OnceLock::new() });
        Ok(Arc::new(Neo4jConnector { info, capabilities, handle }))
    }
}

/// One attached database.
pub struct Neo4jConnector {
    info: ConnectorInfo,
    capabilities: Capabilities,
    pub(crate) handle: Arc<Handle>,
}

impl Debug for Neo4jConnector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neo4jConnector").field("info", &self.info).finish_non_exhaustive()
    }
}

/// The pool and what it was made from.
pub(crate) struct Handle {
    pub(crate) config: Config,
    graph: OnceLock<Graph>,
}

impl Handle {
    /// The pool, whose connections are opened when they are needed.
    pub(crate) fn graph(&self) -> Result<&Graph> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph);
        }
        let graph =
            Graph::connect(self.config.driver()?).map_err(|error| self.error("connect", error))?;
        Ok(self.graph.get_or_init(|| graph))
    }

    /// All rows of a small answer.
    pub(crate) async fn rows(&self, operation: &'static str, query: Query) -> Result<Vec<Row>> {
        let fail = |error| self.error(operation, error);
        let mut stream = self.graph()?.execute_read(query).await.map_err(fail)?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await.map_err(fail)? {
            rows.push(row);
        }
        Ok(rows)
    }

    pub(crate) fn error(&self, operation: &'static str, error: neo4rs::Error) -> Error {
        crate::error::from_driver(operation, &self.config.address(), error)
    }
}

#[async_trait]
impl Connector for Neo4jConnector {
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

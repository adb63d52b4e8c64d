//! One attached catalog: its connector, made at first use, and what is remembered of its tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::DataFusionError;
use medley_core::config::nearest;
use medley_core::table::TableListing;
use medley_core::{
    Connector, ConnectorFactory, Error, ErrorKind, Result, TableDescription, TableName,
};

use super::table::RemoteTable;
use crate::config::CatalogConfig;

/// How long a table's description is taken for true.
const DESCRIPTION_TTL: Duration = Duration::from_secs(30);

/// An attached store.
#[derive(Debug)]
pub(crate) struct RemoteCatalog {
    config: CatalogConfig,
    factory: Arc<dyn ConnectorFactory>,
    connector: OnceLock<Arc<dyn Connector>>,
    described: Mutex<HashMap<TableName, (Instant, Arc<RemoteTable>)>>,
}

impl RemoteCatalog {
    pub(crate) fn new(config: CatalogConfig, factory: Arc<dyn ConnectorFactory>) -> Self {
        Self { config, factory, connector: OnceLock::new(), described: Mutex::default() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.factory.kind()
    }

    /// The connector. Secrets are read here, so that a missing one is an error of this catalog only.
    pub(crate) fn connector(&self) -> Result<&Arc<dyn Connector>> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector);
        }
        let options = self.config.resolve().map_err(|error| error.in_catalog(self.name()))?;
        let connector = self
            .factory
            .create(self.name(), options)
            .map_err(|error| error.in_catalog(self.name()))?;
        let connector = if self.config.pushdown {
            connector
        } else {
            Arc::new(medley_layers::Mask::nothing(connector))
        };
        Ok(self.connector.get_or_init(|| connector))
    }

    pub(crate) async fn list_tables(&self) -> Result<Vec<TableListing>> {
        let mut tables =
            self.connector()?.list_tables().await.map_err(|error| error.in_catalog(self.name()))?;
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tables)
    }

    /// The table of a name; of one that differs in case only, if that is unique.
    pub(crate) async fn table(&self, name: &TableName) -> Result<Arc<RemoteTable>> {
        if let Some(table) = self.remembered(name) {
            return Ok(table);
        }
        let described = match self.describe(name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let name = self.similar(name).await?;
                self.describe(&name).await
            }
            described => described,
        }?;
        let connector = self.connector()?.clone();
        let statistics = connector.statistics(&described).await;
        let table = Arc::new(RemoteTable::new(connector, Arc::new(described), statistics));
        if let Ok(mut described) = self.described.lock() {
            described.insert(name.clone(), (Instant::now(), table.clone()));
        }
        Ok(table)
    }

    async fn describe(&self, name: &TableName) -> Result<TableDescription> {
        self.connector()?.describe_table(name).await.map_err(|error| error.in_catalog(self.name()))
    }

    fn remembered(&self, name: &TableName) -> Option<Arc<RemoteTable>> {
        let described = self.described.lock().ok()?;
        described
            .get(name)
            .filter(|(at, _)| at.elapsed() < DESCRIPTION_TTL)
            .map(|(_, table)| table.clone())
    }

    /// The one table whose name differs in case only; or the error, with what was probably meant.
    async fn similar(&self, name: &TableName) -> Result<TableName> {
        // A store that cannot list its tables is down, which says more than that one was not found.
        let tables = self.list_tables().await?;
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let mut matches = tables
            .iter()
            .map(|listing| &listing.name)
            .filter(|known| same(&known.schema, &name.schema) && same(&known.table, &name.table));
        match (matches.next(), matches.next()) {
            (Some(found), None) => return Ok(found.clone()),
            (Some(first), Some(second)) => {
                let message = format!(
                    "\"{name}\" may be \"{first}\" or \"{second}\": write the name in double quotes"
                );
                return Err(Error::new(ErrorKind::NotFound, "resolve table", message)
                    .in_catalog(self.name()));
            }
            (None, _) => {}
        }
        let schema_exists = tables.iter().any(|listing| same(&listing.name.schema, &name.schema));
        let hint = if schema_exists {
            let names = tables
                .iter()
                .filter(|t| same(&t.name.schema, &name.schema))
                .map(|t| t.name.table.as_str());
            nearest(&name.table, names).map(|near| format!("{}.{near}", name.schema))
        } else {
            let schemas = tables.iter().map(|listing| listing.name.schema.as_str());
            nearest(&name.schema, schemas).map(|near| format!("{near}.{}", name.table)).or_else(
                || {
                    tables
                        .iter()
                        .find(|t| same(&t.name.table, &name.table))
                        .map(|t| t.name.to_string())
                },
            )
        };
        let hint = hint.map_or_else(
            || format!("SHOW TABLES FROM {} lists what there is", self.name()),
            |near| format!("did you mean \"{}.{near}\"?", self.name()),
        );
        let message = format!("no table \"{name}\"; {hint}");
        Err(Error::new(ErrorKind::NotFound, "resolve table", message).in_catalog(self.name()))
    }
}

impl CatalogProvider for super::list::Attached {
    fn schema_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(RemoteSchema { catalog: self.0.clone(), schema: name.to_owned() }))
    }
}

/// A schema of an attached catalog, which may turn out not to exist.
#[derive(Debug)]
struct RemoteSchema {
    catalog: Arc<RemoteCatalog>,
    schema: String,
}

#[async_trait::async_trait]
impl SchemaProvider for RemoteSchema {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(
        &self,
        name: &str,
    ) -> datafusion::error::Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let table = self.catalog.table(&TableName::new(&self.schema, name)).await?;
        Ok(Some(table))
    }

    fn table_exist(&self, _name: &str) -> bool {
        false
    }
}

//! The session's own catalog: its views, and what short names mean.
//!
//! A name of one part is a view of the session, or else a table of the current catalog and schema. A name of two
//! parts is `catalog.table`, in that catalog's default schema, or else `schema.table` of the current catalog.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::DataFusionError;
use medley_core::config::nearest;
use medley_core::{Error, ErrorKind, TableName};

use super::list::Catalogs;
use super::remote::RemoteCatalog;
use super::system::{SYSTEM_CATALOG, SystemCatalog};

/// The catalog that short names are looked up in.
pub(crate) const HOME_CATALOG: &str = "medley";
/// Its schema.
pub(crate) const HOME_SCHEMA: &str = "main";

/// The session's own catalog.
#[derive(Debug)]
pub(crate) struct Home {
    catalogs: Arc<Catalogs>,
    tables: RwLock<BTreeMap<String, Arc<dyn TableProvider>>>,
    current: RwLock<Option<(String, Option<String>)>>,
}

impl Home {
    pub(crate) fn new(catalogs: Arc<Catalogs>) -> Self {
        Self { catalogs, tables: RwLock::default(), current: RwLock::default() }
    }

    /// Makes a catalog, and a schema of it, the one that short names mean.
    pub(crate) fn set_current(
        &self,
        catalog: &str,
        schema: Option<&str>,
    ) -> medley_core::Result<()> {
        if self.catalogs.get(catalog).is_none() {
            return Err(self.catalogs.missing(catalog));
        }
        if let Ok(mut current) = self.current.write() {
            *current = Some((catalog.to_owned(), schema.map(str::to_owned)));
        }
        Ok(())
    }

    /// The current catalog and schema: the one that was set, or the only one that is attached.
    pub(crate) fn current(&self) -> Option<(Arc<RemoteCatalog>, Option<String>)> {
        let set = self.current.read().ok()?.clone();
        if let Some((catalog, schema)) = set {
            return Some((self.catalogs.get(&catalog)?, schema));
        }
        match self.catalogs.all().as_slice() {
            [only] => Some((only.clone(), None)),
            _ => None,
        }
    }

    pub(crate) fn own_tables(&self) -> Vec<String> {
        self.tables.read().map(|tables| tables.keys().cloned().collect()).unwrap_or_default()
    }

    fn own_table(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        self.tables.read().ok()?.get(name).cloned()
    }

    async fn one_part(&self, table: &str) -> medley_core::Result<Arc<dyn TableProvider>> {
        if let Some(own) = self.own_table(table) {
            return Ok(own);
        }
        let Some((catalog, schema)) = self.current() else { return Err(self.unknown(table)) };
        let schema = match schema {
            Some(schema) => schema,
            None => catalog.connector()?.info().default_schema.clone(),
        };
        Ok(catalog.table(&TableName::new(schema, table)).await?)
    }

    async fn two_parts(
        &self,
        first: &str,
        table: &str,
    ) -> medley_core::Result<Arc<dyn TableProvider>> {
        if let Some(catalog) = self.catalogs.get(first) {
            let schema = catalog.connector()?.info().default_schema.clone();
            return Ok(catalog.table(&TableName::new(schema, table)).await?);
        }
        match self.current() {
            Some((catalog, _)) => Ok(catalog.table(&TableName::new(first, table)).await?),
            None => Err(self.catalogs.missing(first)),
        }
    }

    fn unknown(&self, table: &str) -> Error {
        let own = self.own_tables();
        let hint = match nearest(table, own.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write it as catalog.schema.table, or choose a catalog with USE".to_owned(),
        };
        Error::new(ErrorKind::NotFound, "resolve table", format!("no table \"{table}\"; {hint}"))
    }
}

/// The home as a catalog of DataFusion.
#[derive(Debug)]
pub(super) struct HomeCatalog(pub(super) Arc<Home>);

impl CatalogProvider for HomeCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![HOME_SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let system = SystemCatalog::new(self.0.catalogs.clone());
        match name {
            "information_schema" => system.schema(name),
            SYSTEM_CATALOG => system.schema(HOME_SCHEMA),
            _ => Some(Arc::new(HomeSchema::new(self.0.clone(), name))),
        }
    }
}

/// Where short names are looked up.
#[derive(Clone, Debug)]
struct HomeSchema {
    home: Arc<Home>,
    /// The first part of a name of two parts; none for [`HOME_SCHEMA`].
    first: Option<String>,
}

impl HomeSchema {
    fn new(home: Arc<Home>, schema: &str) -> Self {
        Self { home, first: (schema != HOME_SCHEMA).then(|| schema.to_owned()) }
    }
}

#[async_trait::async_trait]
impl SchemaProvider for HomeSchema {
    fn table_names(&self) -> Vec<String> {
        if self.first.is_some() { Vec::new() } else { self.home.own_tables() }
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let table = match &self.first {
            Some(first) => self.home.two_parts(first, name).await?,
            None => self.home.one_part(name).await?,
        };
        Ok(Some(table))
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> datafusion::error::Result<Option<Arc<dyn TableProvider>>> {
        if let Some(first) = &self.first {
            let message = format!(
                "\"{first}\" is not the session's own: views and tables can be made there only"
            );
            return Err(Error::new(ErrorKind::Unsupported, "create table", message).into());
        }
        Ok(self.home.tables.write().ok().and_then(|mut tables| tables.insert(name, table)))
    }

    fn deregister_table(
        &self,
        name: &str,
    ) -> datafusion::error::Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.home.tables.write().ok().and_then(|mut tables| tables.remove(name)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.first.is_none() && self.home.own_table(name).is_some()
    }
}

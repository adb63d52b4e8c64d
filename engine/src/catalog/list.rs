//! The catalogs by name: those attached to the engine, and what a name that is not there answers.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::error::DataFusionError;
use medley_core::config::nearest;
use medley_core::{Error, ErrorKind, Result};

use super::home::{HOME_CATALOG, Home, HomeCatalog};
use super::remote::RemoteCatalog;
use super::system::{SYSTEM_CATALOG, SystemCatalog};

/// The attached catalogs, shared by all sessions of an engine.
#[derive(Debug, Default)]
pub(crate) struct Catalogs(RwLock<BTreeMap<String, Arc<RemoteCatalog>>>);

impl Catalogs {
    pub(crate) fn all(&self) -> Vec<Arc<RemoteCatalog>> {
        self.0.read().map(|catalogs| catalogs.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<RemoteCatalog>> {
        self.0.read().ok()?.get(name).cloned()
    }

    pub(crate) fn attach(&self, catalog: RemoteCatalog, replace: bool) -> Result<()> {
        let name = catalog.name().to_owned();
        if name == HOME_CATALOG || name == SYSTEM_CATALOG {
            let message = format!("the name \"{name}\" is Medley's own, choose another");
            return Err(Error::new(ErrorKind::Config, "attach catalog", message));
        }
        let mut catalogs = self.0.write().map_err(|_| poisoned())?;
        if catalogs.contains_key(&name) && !replace {
            let message = format!("a catalog \"{name}\" is attached already; DETACH it first");
            return Err(Error::new(ErrorKind::Config, "attach catalog", message));
        }
        catalogs.insert(name, Arc::new(catalog));
        Ok(())
    }

    pub(crate) fn detach(&self, name: &str) -> Result<()> {
        let found = self.0.write().map_err(|_| poisoned())?.remove(name);
        found.map(drop).ok_or_else(|| self.missing(name))
    }

    /// The error for a catalog that is not there.
    pub(crate) fn missing(&self, name: &str) -> Error {
        let names: Vec<String> =
            self.all().iter().map(|catalog| catalog.name().to_owned()).collect();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names.is_empty() => {
                "none is attached: name one in medley.toml, or use ATTACH".to_owned()
            }
            None => format!("attached are {}", names.join(", ")),
        };
        Error::new(ErrorKind::NotFound, "resolve catalog", format!("no catalog \"{name}\"; {hint}"))
    }
}

fn poisoned() -> Error {
    Error::internal("attach catalog", "the list of catalogs was left half changed")
}

/// What DataFusion looks catalogs up in, for one session.
#[derive(Debug)]
pub(crate) struct CatalogList {
    catalogs: Arc<Catalogs>,
    home: Arc<Home>,
}

impl CatalogList {
    pub(crate) fn new(catalogs: Arc<Catalogs>, home: Arc<Home>) -> Self {
        Self { catalogs, home }
    }
}

impl CatalogProviderList for CatalogList {
    fn register_catalog(
        &self,
        _name: String,
        _catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        self.catalogs.all().iter().map(|catalog| catalog.name().to_owned()).collect()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        if name == HOME_CATALOG {
            return Some(Arc::new(HomeCatalog(self.home.clone())));
        }
        if name == SYSTEM_CATALOG {
            return Some(Arc::new(SystemCatalog::new(self.catalogs.clone())));
        }
        match self.catalogs.get(name) {
            Some(catalog) => Some(Arc::new(Attached(catalog))),
            None => {
                Some(Arc::new(Missing { catalogs: self.catalogs.clone(), name: name.to_owned() }))
            }
        }
    }
}

/// An attached catalog.
#[derive(Debug)]
pub(super) struct Attached(pub(super) Arc<RemoteCatalog>);

/// A catalog that is not attached: any table of it is an error that says so.
#[derive(Clone, Debug)]
struct Missing {
    catalogs: Arc<Catalogs>,
    name: String,
}

impl CatalogProvider for Missing {
    fn schema_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, _name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl SchemaProvider for Missing {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, _name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        Err(self.catalogs.missing(&self.name).into())
    }

    fn table_exist(&self, _name: &str) -> bool {
        false
    }
}

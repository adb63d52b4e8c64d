//! The engine: attached catalogs and the resources that all sessions share.

use std::path::Path;
use std::sync::Arc;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use medley_core::ConnectorFactory;

use crate::catalog::{Catalogs, RemoteCatalog};
use crate::config::{CatalogConfig, Config};
use crate::connectors::Registry;
use crate::{Result, Session};

/// A federated query engine. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) runtime: Arc<RuntimeEnv>,
    default_catalog: Option<String>,
}

impl Engine {
    /// Begins an engine with the built-in stores and no catalogs.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder { config: Config::default(), registry: Registry::built_in() }
    }

    /// A new session. Sessions see the same catalogs, and have settings and views of their own.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(self.clone(), self.default_catalog.as_deref())
    }

    /// Attaches a catalog. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// The kind is unknown, or the name is taken.
    pub fn attach(&self, config: CatalogConfig) -> Result<()> {
        let factory = self.registry.get(&config.kind)?.clone();
        Ok(self.catalogs.attach(RemoteCatalog::new(config, factory), false)?)
    }

    /// Detaches a catalog. Queries that run on it go on.
    ///
    /// # Errors
    /// There is no such catalog.
    pub fn detach(&self, name: &str) -> Result<()> {
        Ok(self.catalogs.detach(name)?)
    }

    /// The names of the attached catalogs, in order.
    #[must_use]
    pub fn catalog_names(&self) -> Vec<String> {
        self.catalogs.all().iter().map(|catalog| catalog.name().to_owned()).collect()
    }
}

/// Collects catalogs and kinds of stores for an [`Engine`].
#[derive(Debug)]
pub struct EngineBuilder {
    config: Config,
    registry: Registry,
}

impl EngineBuilder {
    /// Adds what a `medley.toml` says.
    ///
    /// # Errors
    /// The file cannot be read, or is wrong: the message names the line.
    pub fn config_file(self, path: impl AsRef<Path>) -> Result<Self> {
        Ok(self.config(Config::read(path.as_ref())?))
    }

    /// Adds a configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config.catalogs.extend(config.catalogs);
        self.config.default_catalog = config.default_catalog.or(self.config.default_catalog);
        self.config.memory_limit_bytes =
            config.memory_limit_bytes.or(self.config.memory_limit_bytes);
        self
    }

    /// Adds a catalog.
    #[must_use]
    pub fn catalog(mut self, catalog: CatalogConfig) -> Self {
        self.config.catalogs.push(catalog);
        self
    }

    /// Adds a kind of store, or replaces a built-in one.
    #[must_use]
    pub fn connector(mut self, factory: Arc<dyn ConnectorFactory>) -> Self {
        self.registry.register(factory);
        self
    }

    /// The engine.
    ///
    /// # Errors
    /// A catalog of an unknown kind, or two of one name.
    pub fn build(self) -> Result<Engine> {
        let mut runtime = RuntimeEnvBuilder::new();
        if let Some(bytes) = self.config.memory_limit_bytes {
            runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
        }
        let engine = Engine {
            catalogs: Arc::default(),
            registry: Arc::new(self.registry),
            runtime: runtime.build_arc()?,
            default_catalog: self.config.default_catalog,
        };
        for catalog in self.config.catalogs {
            engine.attach(catalog)?;
        }
        if let Some(name) = &engine.default_catalog
            && engine.catalogs.get(name).is_none()
        {
            return Err(engine.catalogs.missing(name).into());
        }
        Ok(engine)
    }
}

//! The stores that are built in. Nothing else in the engine names one.

use std::collections::BTreeMap;
use std::sync::Arc;

use medley_core::config::nearest;
use medley_core::{ConnectorFactory, Error, ErrorKind, Result};

/// Connector factories by kind.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    factories: BTreeMap<String, Arc<dyn ConnectorFactory>>,
}

impl Registry {
    /// All built-in stores.
    #[must_use]
    pub fn built_in() -> Self {
        let mut registry = Self::default();
        registry.register(Arc::new(medley_postgres::Factory));
        registry.register(Arc::new(medley_mongodb::Factory));
        registry.register(Arc::new(medley_redis::Factory));
        registry.register(Arc::new(medley_neo4j::Factory));
        registry.register(Arc::new(medley_sqlite::Factory));
        registry.register(Arc::new(medley_files::Factory));
        registry
    }

    /// Adds a kind of store, or replaces one.
    pub fn register(&mut self, factory: Arc<dyn ConnectorFactory>) {
        self.factories.insert(factory.kind().to_owned(), factory);
    }

    /// The factory of a kind.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) with the kinds that there are.
    pub fn get(&self, kind: &str) -> Result<&Arc<dyn ConnectorFactory>> {
        self.factories.get(kind).ok_or_else(|| {
            let kinds = || self.factories.keys().map(String::as_str);
            let hint = match nearest(kind, kinds()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known are {}", kinds().collect::<Vec<_>>().join(", ")),
            };
            Error::new(
                ErrorKind::Config,
                "attach catalog",
                format!("unknown type \"{kind}\", {hint}"),
            )
        })
    }

    /// The kind that a URL or path stands for, by its scheme or ending; none if that does not tell.
    #[must_use]
    pub fn kind_of(url: &str) -> Option<&'static str> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("postgres" | "postgresql") => Some("postgres"),
            Some("mongodb" | "mongodb+srv") => Some("mongodb"),
            Some("redis" | "rediss") => Some("redis"),
            Some("bolt" | "bolt+s" | "bolt+ssc" | "neo4j" | "neo4j+s" | "neo4j+ssc") => {
                Some("neo4j")
            }
            Some("sqlite") => Some("sqlite"),
            Some(_) => None,
            None if url.ends_with(".db")
                || url.ends_with(".sqlite")
                || url.ends_with(".sqlite3") =>
            {
                Some("sqlite")
            }
            None => Some("files"),
        }
    }
}

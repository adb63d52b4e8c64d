//! The options of a Neo4j catalog.

use std::time::Duration;

use medley_core::config::Secret;
use medley_core::{Error, ErrorKind, Result};
use neo4rs::{Config as DriverConfig, ConfigBuilder};
use serde::Deserialize;
use url::Url;

/// Rows of one server batch.
const FETCH_ROWS: usize = 8192;
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// `type = "neo4j"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `bolt://user@host:port`, or with `neo4j`, and `+s` or `+ssc` for TLS.
    url: Secret,
    /// The user, if the URL names none.
    user: Option<String>,
    /// The password, if the URL holds none.
    password: Option<Secret>,
    /// The database.
    #[serde(default = "database")]
    pub(crate) database: String,
    /// The most connections that queries may hold at one time.
    #[serde(default = "max_connections")]
    max_connections: usize,
}

fn database() -> String {
    "neo4j".to_owned()
}

/// More than the scans of one query, which hold a connection each and wait for each other.
fn max_connections() -> usize {
    64
}

impl Config {
    fn parsed(&self) -> Result<Url> {
        let fail = || {
            let message = "\"url\" must look like bolt://user@host:7687";
            Error::new(ErrorKind::Config, "read configuration", message)
        };
        let url = Url::parse(self.url.expose()).map_err(|_| fail())?;
        let known = ["bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"];
        if known.contains(&url.scheme()) && url.host_str().is_some() {
            Ok(url)
        } else {
            Err(fail())
        }
    }

    pub(crate) fn driver(&self) -> Result<DriverConfig> {
        let url = self.parsed()?;
        let user = self.user.clone().unwrap_or_else(|| url.username().to_owned());
        let password = match (&self.password, url.password()) {
            (Some(password), _) => password.expose().to_owned(),
            (None, password) => password.unwrap_or_default().to_owned(),
        };
        let port = url.port().unwrap_or(7687);
        ConfigBuilder::default()
            .uri(format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default()))
            .user(user)
            .password(password)
            .db(self.database.as_str())
            .fetch_size(FETCH_ROWS)
            .max_connections(self.max_connections.max(1))
            .connection_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|_| {
                Error::new(
                    ErrorKind::Config,
                    "read configuration",
                    "the options do not fit together",
                )
            })
    }

    /// Host and port, which print nothing secret.
    pub(crate) fn address(&self) -> String {
        self.parsed().map_or_else(
            |_| String::new(),
            |url| format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(7687)),
        )
    }
}

//! The options of a Redis catalog.

use std::collections::BTreeMap;
use std::path::PathBuf;

use medley_core::config::Secret;
use medley_core::inference::Shape;
use medley_core::{Error, ErrorKind, Result};
use redis::{Client, IntoConnectionInfo, TlsCertificates};
use serde::{Deserialize, Serialize};
use url::Url;

/// `type = "redis"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `redis://user@host:port/database`, or `rediss://` for TLS.
    url: Secret,
    /// The password, if the URL holds none.
    password: Option<Secret>,
    /// The file, in PEM, of the certificate authority that signed the server's certificate; the well-known ones if none.
    ca_file: Option<PathBuf>,
    /// Declared tables by name.
    #[serde(default)]
    pub(crate) tables: BTreeMap<String, TableConfig>,
    /// Whether tables that are not declared are looked for.
    #[serde(default = "yes")]
    pub(crate) discover: bool,
    /// How many keys are looked at to find tables and their columns.
    #[serde(default = "sample_keys")]
    pub(crate) sample_keys: usize,
}

/// A declared table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableConfig {
    /// The key pattern, as in `session:{user}`.
    pub(crate) key: String,
    /// What the keys hold.
    #[serde(rename = "type")]
    pub(crate) kind: KeyKind,
    /// Types of placeholders and fields, as in `{ user = "bigint" }`; what is left out is found by looking.
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, String>,
}

impl TableConfig {
    pub(crate) fn shape(&self, column: &str) -> Result<Option<Shape>> {
        let Some(text) = self.columns.get(column) else { return Ok(None) };
        Shape::parse(text).map(Some).ok_or_else(|| {
            let message = format!(
                "tables: unknown type \"{text}\" for \"{column}\"; there are {}",
                Shape::NAMES
            );
            Error::new(ErrorKind::Config, "describe table", message)
        })
    }
}

/// What a table's keys hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyKind {
    Hash,
    Json,
    String,
    List,
    Set,
    Zset,
    Stream,
}

impl KeyKind {
    /// The type as SCAN and TYPE name it.
    pub(crate) fn redis_type(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Json | Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Stream => "stream",
        }
    }
}

fn yes() -> bool {
    true
}

fn sample_keys() -> usize {
    10_000
}

impl Config {
    pub(crate) fn client(&self) -> Result<Client> {
        let fail = |message: &str| Error::new(ErrorKind::Config, "read configuration", message);
        let mut url = self.parsed()?;
        if let Some(password) = &self.password {
            url.set_password(Some(password.expose()))
                .map_err(|()| fail("\"url\" takes no password"))?;
        }
        // The parser's own message may repeat the URL, and with it the password.
        let info = url
            .as_str()
            .into_connection_info()
            .map_err(|_| fail("\"url\" must look like redis://user@host:6379/0"))?;
        let client = match &self.ca_file {
            None => Client::open(info),
            Some(file) => {
                let root_cert = std::fs::read(file).map_err(|error| {
                    fail(&format!("\"ca_file\" {} cannot be read: {error}", file.display()))
                })?;
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
                Client::build_with_tls(info, certificates)
            }
        };
        client.map_err(|_| {
            fail("\"url\" holds options that are not known, or asks for no TLS beside \"ca_file\"")
        })
    }

    fn parsed(&self) -> Result<Url> {
        let fail = || {
            let message = "\"url\" must look like redis://user@host:6379/0";
            Error::new(ErrorKind::Config, "read configuration", message)
        };
        let url = Url::parse(self.url.expose()).map_err(|_| fail())?;
        if matches!(url.scheme(), "redis" | "rediss") { Ok(url) } else { Err(fail()) }
    }

    /// Host, port and database, which print nothing secret.
    pub(crate) fn address(&self) -> (String, String) {
        let Ok(url) = self.parsed() else { return (String::new(), String::new()) };
        let database = url.path().trim_start_matches('/');
        let database = if database.is_empty() { "0" } else { database };
        (
            format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(6379)),
            database.to_owned(),
        )
    }
}

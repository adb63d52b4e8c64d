//! The options of a MongoDB catalog.

use std::collections::BTreeMap;

use medley_core::config::Secret;
use medley_core::inference::Shape;
use medley_core::{Error, ErrorKind, Result, TableName};
use mongodb::options::ClientOptions;
use serde::Deserialize;

/// `type = "mongodb"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `mongodb://user@host:port/database?options`, as every MongoDB driver takes it.
    url: Secret,
    /// The password, if the URL holds none.
    password: Option<Secret>,
    /// How many documents are looked at to find a collection's fields.
    #[serde(default = "sample_documents")]
    pub(crate) sample_documents: u32,
    /// `sample` looks at some documents, `complete` at all.
    #[serde(default)]
    pub(crate) infer: Infer,
    /// Types of columns by `collection.field` or `database.collection.field`.
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Infer {
    #[default]
    Sample,
    Complete,
}

fn sample_documents() -> u32 {
    1000
}

impl Config {
    /// The URL with the password, for the driver's own parser, which resolves hosts.
    pub(crate) fn full_url(&self) -> Result<Secret> {
        let url = self.url.expose();
        let fail = |message: &str| Error::new(ErrorKind::Config, "read configuration", message);
        let (scheme, rest) = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "mongodb" | "mongodb+srv"))
            .ok_or_else(|| fail("\"url\" must look like mongodb://user@host:27017/database"))?;
        let Some(password) = &self.password else { return Ok(self.url.clone()) };
        let (user, rest) = rest
            .split_once('@')
            .ok_or_else(|| fail("a password needs a user: mongodb://user@host"))?;
        let user = user.split(':').next().unwrap_or(user);
        Ok(Secret::from(format!("{scheme}://{user}:{}@{rest}", percent_encoded(password.expose()))))
    }

    pub(crate) async fn options(&self) -> Result<ClientOptions> {
        // The parser's own message may repeat the URL, and with it the password.
        let fail = |_| {
            Error::new(
                ErrorKind::Config,
                "read configuration",
                "\"url\" is not a MongoDB URL: check hosts and options",
            )
        };
        let mut options = ClientOptions::parse(self.full_url()?.expose()).await.map_err(fail)?;
        options.app_name.get_or_insert_with(|| "medley".to_owned());
        options.server_selection_timeout.get_or_insert(std::time::Duration::from_secs(5));
        Ok(options)
    }

    /// Hosts and user of the URL, which print nothing secret.
    pub(crate) fn address(&self) -> (String, String) {
        let rest = self.url.expose().split_once("://").map_or("", |(_, rest)| rest);
        let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let hosts = rest.split(['/', '?']).next().unwrap_or("");
        (hosts.to_owned(), user.split(':').next().unwrap_or("").to_owned())
    }

    /// The database that the URL names, or the driver's default.
    pub(crate) fn database(&self) -> String {
        let rest = self.url.expose().split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        let name = path.split('?').next().unwrap_or("");
        if name.is_empty() { "test".to_owned() } else { name.to_owned() }
    }

    /// The type that the user gave a column.
    pub(crate) fn pinned(&self, table: &TableName, column: &str) -> Result<Option<Shape>> {
        let found = self
            .columns
            .get(&format!("{table}.{column}"))
            .or_else(|| self.columns.get(&format!("{}.{column}", table.table)));
        let Some(text) = found else { return Ok(None) };
        Shape::parse(text).map(Some).ok_or_else(|| {
            let message = format!(
                "columns: unknown type \"{text}\" for \"{column}\"; there are {}",
                Shape::NAMES
            );
            Error::new(ErrorKind::Config, "describe table", message)
        })
    }

    /// The columns that the user named for a table, whether or not a document has them.
    pub(crate) fn pinned_columns(&self, table: &TableName) -> impl Iterator<Item = &str> {
        let (long, short) = (format!("{table}."), format!("{}.", table.table));
        self.columns
            .keys()
            .filter_map(move |key| key.strip_prefix(&long).or_else(|| key.strip_prefix(&short)))
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

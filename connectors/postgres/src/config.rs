//! The options of a Postgres catalog.

use std::collections::BTreeMap;

use medley_core::config::Secret;
use medley_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;
use url::Url;

/// `type = "postgres"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `postgres://user@host:port/database?sslmode=verify-full`, with any option that sqlx knows.
    url: Secret,
    /// The password, if the URL holds none.
    password: Option<Secret>,
    /// The user, if the URL names none.
    user: Option<String>,
    /// The connections that queries may hold at one time, unless they wait for each other.
    #[serde(default = "max_connections")]
    pub(crate) max_connections: usize,
    /// Types of columns by `table.column` or `schema.table.column`: `text` or `decimal(p,s)`.
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, String>,
}

fn max_connections() -> usize {
    8
}

/// What a connection needs, and what tells the source apart; neither prints the password.
pub(crate) struct Target {
    pub(crate) options: PgConnectOptions,
    pub(crate) address: String,
    pub(crate) database: String,
    pub(crate) user: String,
}

impl Config {
    pub(crate) fn target(&self) -> Result<Target> {
        let fail = |message: &str| Error::new(ErrorKind::Config, "read configuration", message);
        // The parser's own message may repeat the URL, and with it the password.
        let mut url = Url::parse(self.url.expose())
            .map_err(|_| fail("\"url\" must look like postgres://user@host:5432/database"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(fail("\"url\" must begin with postgres://"));
        }
        if let Some(user) = &self.user {
            url.set_username(user).map_err(|()| fail("\"url\" takes no user"))?;
        }
        if let Some(password) = &self.password {
            url.set_password(Some(password.expose()))
                .map_err(|()| fail("\"url\" takes no password"))?;
        }
        let options: PgConnectOptions = url
            .as_str()
            .parse()
            .map_err(|_| fail("\"url\" holds an option that is not known or not valid"))?;
        let options = options.application_name("medley").options([
            ("default_transaction_read_only", "on"),
            ("standard_conforming_strings", "on"),
            ("IntervalStyle", "iso_8601"),
        ]);
        Ok(Target {
            address: format!(
                "{}:{}",
                url.host_str().unwrap_or("localhost"),
                url.port().unwrap_or(5432)
            ),
            database: url.path().trim_start_matches('/').to_owned(),
            user: url.username().to_owned(),
            options,
        })
    }
}

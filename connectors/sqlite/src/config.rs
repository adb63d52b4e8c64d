//! The options of a SQLite catalog.

use std::path::PathBuf;

use serde::Deserialize;

/// `type = "sqlite"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The database file.
    pub(crate) path: PathBuf,
}

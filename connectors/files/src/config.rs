//! The options of a files catalog.

use std::path::PathBuf;

use serde::Deserialize;

/// `type = "files"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// A file, or a folder of files.
    pub(crate) path: PathBuf,
    /// Whether the first line of a CSV file names its columns.
    #[serde(default = "yes")]
    pub(crate) header: bool,
    /// What stands between the fields of a CSV file.
    #[serde(default = "comma")]
    pub(crate) delimiter: char,
}

fn yes() -> bool {
    true
}

fn comma() -> char {
    ','
}

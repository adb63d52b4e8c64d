//! sqlx's errors in the contract's words.

use medley_core::{Error, ErrorKind};

/// What failed while doing `operation` on the database file.
pub(crate) fn from_sqlx(operation: &'static str, path: &str, error: sqlx::Error) -> Error {
    let text = error.to_string();
    let (kind, message) = if text.contains("unable to open") {
        (
            ErrorKind::Unavailable,
            format!("cannot open the database file {path}: check that it exists and may be read"),
        )
    } else if text.contains("file is not a database") {
        (ErrorKind::Config, format!("{path} is not a SQLite database"))
    } else {
        (ErrorKind::Remote, format!("sqlite failed to {operation}"))
    };
    Error::new(kind, operation, message).with_source(error)
}

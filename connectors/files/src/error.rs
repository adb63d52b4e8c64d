//! Failures of reading files in the contract's words.

use std::path::Path;

use datafusion::error::DataFusionError;
use medley_core::{Error, ErrorKind};

pub(crate) fn from_io(path: &Path, error: std::io::Error) -> Error {
    let message = format!("cannot read {}", path.display());
    Error::new(ErrorKind::Unavailable, "list files", message).with_source(error)
}

pub(crate) fn from_reader(operation: &'static str, table: &str, error: &DataFusionError) -> Error {
    let message = format!("cannot {operation} \"{table}\": {}", error.strip_backtrace());
    Error::new(ErrorKind::Remote, operation, message)
}

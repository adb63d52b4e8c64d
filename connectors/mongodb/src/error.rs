//! The driver's errors in the contract's words.

use medley_core::{Error, ErrorKind};
use mongodb::error::ErrorKind as DriverKind;

use crate::config::Config;

/// The server's codes for a lack of rights.
const UNAUTHORIZED: [i32; 2] = [13, 8000];

/// What failed while doing `operation`. The driver's messages hold no password.
pub(crate) fn from_driver(
    operation: &'static str,
    config: &Config,
    error: mongodb::error::Error,
) -> Error {
    let (address, user) = config.address();
    let (kind, message) = match error.kind.as_ref() {
        DriverKind::Authentication { .. } => (
            ErrorKind::Authentication,
            format!(
                "mongodb at {address} refuses user \"{user}\": check user, password and authSource"
            ),
        ),
        DriverKind::ServerSelection { .. } | DriverKind::Io(_) | DriverKind::DnsResolve { .. } => (
            ErrorKind::Unavailable,
            format!("mongodb at {address} cannot be reached: check that it is up"),
        ),
        DriverKind::Command(command) if UNAUTHORIZED.contains(&command.code) => (
            ErrorKind::Permission,
            format!("user \"{user}\" may not {operation}: grant the role read on the database"),
        ),
        _ => (ErrorKind::Remote, format!("mongodb failed to {operation}")),
    };
    // The driver's own text for an unreachable server lists its whole topology.
    if kind == ErrorKind::Unavailable {
        return Error::new(kind, operation, message);
    }
    Error::new(kind, operation, message).with_source(error)
}

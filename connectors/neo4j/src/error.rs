//! The driver's errors in the contract's words.

use medley_core::{Error, ErrorKind};

/// What failed while doing `operation`. Neo4j's messages hold no password.
pub(crate) fn from_driver(operation: &'static str, address: &str, error: neo4rs::Error) -> Error {
    let text = error.to_string();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (kind, message) =
        if has(&["Security.Unauthorized", "Security.AuthenticationRateLimit", "authentication"]) {
            (
                ErrorKind::Authentication,
                format!("neo4j at {address} refuses user or password: check both"),
            )
        } else if has(&["Security.Forbidden"]) {
            (
                ErrorKind::Permission,
                format!("the user at {address} may not {operation}: grant it the role reader"),
            )
        } else if has(&["DatabaseNotFound"]) {
            (
                ErrorKind::NotFound,
                format!("neo4j at {address} has no such database: check \"database\""),
            )
        } else if matches!(error, neo4rs::Error::IOError { .. } | neo4rs::Error::ConnectionError)
            || has(&["connection", "Connection", "timed out", "timeout"])
        {
            (
                ErrorKind::Unavailable,
                format!("neo4j at {address} cannot be reached: check that it is up"),
            )
        } else {
            (ErrorKind::Remote, format!("neo4j failed to {operation}"))
        };
    Error::new(kind, operation, message).with_source(error)
}

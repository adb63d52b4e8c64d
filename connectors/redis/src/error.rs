//! The client's errors in the contract's words.

use medley_core::{Error, ErrorKind};
use redis::RedisError;

/// What failed while doing `operation`. Redis' messages hold no password.
pub(crate) fn from_redis(operation: &'static str, address: &str, error: RedisError) -> Error {
    let code = error.code().unwrap_or_default();
    let text = error.to_string();
    let refused = matches!(code, "WRONGPASS" | "NOAUTH")
        || text.contains("WRONGPASS")
        || text.contains("NOAUTH")
        || text.contains("authentication failed");
    let (kind, message) = if refused {
        (
            ErrorKind::Authentication,
            format!("redis at {address} refuses the user or password: check both"),
        )
    } else if code == "NOPERM" {
        (
            ErrorKind::Permission,
            format!("the user at {address} may not {operation}: allow its commands with ACL"),
        )
    } else if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() {
        (
            ErrorKind::Unavailable,
            format!("redis at {address} cannot be reached: check that it is up"),
        )
    } else {
        (ErrorKind::Remote, format!("redis failed to {operation}"))
    };
    Error::new(kind, operation, message).with_source(error)
}

//! sqlx's errors in the contract's words.

use medley_core::{Error, ErrorKind};

use crate::config::Target;

/// What failed while doing `operation`. The driver's messages hold no password.
pub(crate) fn from_sqlx(operation: &'static str, target: &Target, error: sqlx::Error) -> Error {
    let address = &target.address;
    let (kind, message) = match &error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            Some("28P01" | "28000") => (
                ErrorKind::Authentication,
                format!(
                    "postgres at {address} refuses user \"{}\": check user and password",
                    target.user
                ),
            ),
            Some("3D000") => (
                ErrorKind::NotFound,
                format!(
                    "there is no database \"{}\" at {address}: check the URL's last part",
                    target.database
                ),
            ),
            Some("42501") => (
                ErrorKind::Permission,
                format!(
                    "user \"{}\" may not read it: GRANT SELECT on the table and USAGE on its schema",
                    target.user
                ),
            ),
            Some("53300") => (
                ErrorKind::Unavailable,
                format!(
                    "postgres at {address} has no connection left: lower max_connections of this catalog"
                ),
            ),
            _ => (ErrorKind::Remote, format!("postgres failed to {operation}")),
        },
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => (
            ErrorKind::Unavailable,
            format!("postgres at {address} cannot be reached: check that it is up"),
        ),
        sqlx::Error::Tls(_) => (
            ErrorKind::Unavailable,
            format!("no TLS connection to postgres at {address}: check sslmode"),
        ),
        _ => (ErrorKind::Remote, format!("postgres failed to {operation}")),
    };
    Error::new(kind, operation, message).with_source(error)
}

//! The one error of the contract: whose fault, whether trying again helps, and what to do.

use std::error::Error as StdError;
use std::fmt::{self, Display, Formatter};

use datafusion::error::DataFusionError;

/// The result of a contract method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The configuration is wrong.
    Config,
    /// The store cannot be reached.
    Unavailable,
    /// The store refuses the user or the password.
    Authentication,
    /// The user may not read the object.
    Permission,
    /// There is no such database, schema or table.
    NotFound,
    /// Medley does not do this.
    Unsupported,
    /// A value cannot be represented.
    Data,
    /// The store failed while it ran the query.
    Remote,
    /// The deadline passed.
    Timeout,
    /// A bug in Medley: the message names the broken invariant.
    Internal,
}

/// What went wrong, where, and what to do about it.
///
/// Messages are lower case, name the catalog and table, and never hold a credential or a row's value.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    retryable: bool,
    operation: &'static str,
    message: String,
    catalog: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of the kind, met while doing `operation`.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        let retryable = kind == ErrorKind::Unavailable;
        Self { kind, retryable, operation, message: message.into(), catalog: None, source: None }
    }

    /// A broken invariant.
    #[must_use]
    pub fn internal(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, operation, message)
    }

    /// Names the catalog, unless a deeper layer did.
    #[must_use]
    pub fn in_catalog(mut self, catalog: &str) -> Self {
        self.catalog.get_or_insert_with(|| catalog.to_owned());
        self
    }

    /// Keeps the driver's own error. It must not print a credential.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The contract's error inside a `DataFusionError`, however deep.
    #[must_use]
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            if let Some(DataFusionError::External(inner)) = error.downcast_ref::<DataFusionError>()
                && let Some(found) = inner.downcast_ref::<Self>()
            {
                return Some(found);
            }
            if let Some(DataFusionError::Shared(inner)) = error.downcast_ref::<DataFusionError>() {
                return Self::find(inner);
            }
            next = error.source();
        }
        None
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(catalog) = &self.catalog {
            write!(f, "catalog \"{catalog}\": ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<datafusion::arrow::error::ArrowError> for Error {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        Self::internal("build batch", "columns that do not fit their schema").with_source(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal("read remote query", "a remote query that is not this connector's")
            .with_source(error)
    }
}

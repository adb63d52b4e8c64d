//! What a translation gives: a native query, or the reason why not.

use std::fmt::{self, Display, Formatter};

use datafusion::arrow::datatypes::SchemaRef;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Result;

/// A query in a store's own language, ready to travel and to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteQuery {
    /// The native query as EXPLAIN shows it. Values are parameters, shown after it.
    pub text: String,
    /// The schema of every batch of the answer.
    pub schema: SchemaRef,
    /// The connector's own form of the query.
    pub payload: serde_json::Value,
}

impl RemoteQuery {
    /// Packs a connector's own plan.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorKind::Internal) if the plan cannot be written as JSON.
    pub fn new(text: String, schema: SchemaRef, plan: &impl Serialize) -> Result<Self> {
        Ok(Self { text, schema, payload: serde_json::to_value(plan)? })
    }

    /// Unpacks the connector's own plan.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorKind::Internal) if it is another connector's.
    pub fn plan<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(T::deserialize(&self.payload)?)
    }
}

/// A fragment that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub enum Pushdown {
    /// The store's answer is the fragment's.
    Exact(RemoteQuery),
    /// The store's answer holds the fragment's rows and perhaps others that its filters would have dropped: they
    /// must be applied again, and nothing but a projection may be pushed on top.
    Superset(RemoteQuery),
}

impl Pushdown {
    /// The native query.
    #[must_use]
    pub fn into_query(self) -> RemoteQuery {
        match self {
            Self::Exact(query) | Self::Superset(query) => query,
        }
    }

    /// Whether the answer needs no filter above.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }
}

/// Why a fragment, or a part of one, stays out of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: String,
}

impl Refusal {
    /// A refusal with the reason that EXPLAIN prints, such as "text ranges follow the store's collation".
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<datafusion::error::DataFusionError> for Refusal {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::new(error.strip_backtrace())
    }
}

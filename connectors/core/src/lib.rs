//! The contract between Medley and a store.
//!
//! A store takes part in a query by implementing [`Connector`]: it lists and describes its tables, says what it
//! can do ([`Capabilities`]), turns a [`Fragment`] of a plan into a [`RemoteQuery`] in its own language, and streams
//! the answer as Arrow record batches. A [`ConnectorFactory`] makes connectors from a catalog's configuration.
//!
//! This crate knows no store, and nothing here talks to one. What several connectors need and no crate offers lies
//! here too: [`predicate`] (the filters that may be pushed), [`sql`] (the emitter for stores that speak SQL),
//! [`column_builder`] (Arrow columns from values typed at run time) and, under the feature `testkit`, the suite that
//! any connector's tests run against a live store.

pub mod capabilities;
pub mod column_builder;
pub mod config;
mod connector;
pub mod error;
pub mod fragment;
pub mod inference;
pub mod predicate;
mod query;
mod report;
pub mod sql;
pub mod statistics;
pub mod stream;
pub mod table;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use capabilities::Capabilities;
pub use connector::{Connector, ConnectorFactory, ConnectorInfo, ExecuteOptions, SourceId};
pub use error::{Error, ErrorKind, Result};
pub use fragment::Fragment;
pub use query::{Pushdown, Refusal, RemoteQuery};
pub use report::{Mismatch, Report};
pub use statistics::{Figure, TableStatistics};
pub use table::{ColumnDescription, TableDescription, TableName};

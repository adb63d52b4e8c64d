//! MongoDB as a Medley store.
//!
//! Databases are schemas, collections and views are tables, top-level fields are columns. Types are inferred from a
//! sample across the collection, or from all of it; see [`medley_core::inference`] for how they widen.
//!
//! | BSON type | Arrow type |
//! |---|---|
//! | bool, int, long, double, string | Boolean, Int32, Int64, Float64, Utf8 |
//! | decimal | Decimal128(38,s), s the largest scale seen |
//! | objectId | Utf8, 24 hex digits |
//! | date | Timestamp(ms, UTC) |
//! | binData | Binary |
//! | object, array | Struct, List |
//! | a mixture that does not widen exactly, and everything else | Utf8, as relaxed Extended JSON |
//!
//! Missing and null are NULL. A value of a type that its column does not take is NULL and counted.

mod catalog;
mod client;
mod config;
mod error;
mod execute;
mod filter;
mod group;
mod statistics;
mod translate;
mod types;

pub use client::{Factory, MongodbConnector};

//! Neo4j as a Medley store (5.13 or later).
//!
//! The database is the schema. Each label is a table of the nodes that carry it, with the column `_id`; each
//! relationship type is a table with the columns `_id`, `_start` and `_end`, of which the latter two join to the
//! nodes' `_id`. Properties are the other columns; their types are found by looking at up to 100,000 entities.
//!
//! | Neo4j type | Arrow type |
//! |---|---|
//! | INTEGER, FLOAT, BOOLEAN, STRING | Int64, Float64, Boolean, Utf8 |
//! | DATE, LOCAL TIME | Date32, Time64(ns) |
//! | LOCAL DATETIME, ZONED DATETIME | Timestamp(us), Timestamp(us, UTC); finer times are read as NULL and counted |
//! | DURATION | Interval(MonthDayNano) |
//! | ZONED TIME, POINT | Utf8, as Cypher writes it |
//! | LIST | List |
//! | a mixture | Utf8, as JSON |
//!
//! A value of a type that its column does not take is NULL and counted.

mod catalog;
mod client;
mod config;
mod cypher;
mod error;
mod execute;
mod filter;
mod statistics;
mod translate;
mod types;

pub use client::{Factory, Neo4jConnector};

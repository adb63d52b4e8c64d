//! PostgreSQL as a Medley store.
//!
//! Rows are read with `COPY (SELECT ...) TO STDOUT (FORMAT binary)`, decoded straight into Arrow.
//!
//! | Postgres type | Arrow type |
//! |---|---|
//! | boolean, smallint, integer, bigint, real, double precision | Boolean, Int16, Int32, Int64, Float32, Float64 |
//! | oid | Int64 |
//! | numeric(p,s), p up to 38 | Decimal128(p,s); NaN is read as NULL and counted |
//! | numeric | Decimal128(38,s), s the largest scale found; text where that does not hold every value |
//! | text, varchar, name, "char", enums, json, jsonb, uuid | Utf8 |
//! | char(n) | Utf8 without the padding, which SQL does not compare |
//! | bytea | Binary |
//! | date, time | Date32, Time64(ns); infinite days are read as NULL and counted |
//! | timestamp, timestamptz | Timestamp(us), Timestamp(us, UTC); infinity is read as NULL and counted |
//! | interval | Interval(MonthDayNano) |
//! | arrays of these | List; an array of several dimensions is read as NULL and counted |
//! | domains | as their base type |
//! | everything else: money, bit, ranges, network types, composites, geometry, xml, tsvector, extensions | Utf8, as Postgres writes it, with a warning |

mod catalog;
mod client;
mod config;
mod error;
mod execute;
mod functions;
mod statistics;
mod translate;
mod types;

pub use client::{Factory, PostgresConnector};

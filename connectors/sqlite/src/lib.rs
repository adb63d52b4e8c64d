//! SQLite as a Medley store.
//!
//! | declared type | Arrow type | stored values it reads |
//! |---|---|---|
//! | contains `INT` | Int64 | integer |
//! | contains `BOOL` | Boolean | integer 0 and 1 |
//! | `DATE` | Date32 | text `YYYY-MM-DD` |
//! | `DATETIME`, `TIMESTAMP` | Timestamp(us) | text `YYYY-MM-DD HH:MM:SS[.f]`, blank or `T` between |
//! | `DECIMAL(p,s)`, `NUMERIC(p,s)` | Decimal128(p,s) | integer and real with at most s digits after the point |
//! | contains `REAL`, `FLOA`, `DOUB` | Float64 | real, and integers that a float holds exactly |
//! | contains `CHAR`, `CLOB`, `TEXT` | Utf8 | text |
//! | contains `BLOB` | Binary | blob |
//! | none, or another | by what the first thousand rows hold | |
//!
//! SQLite stores any value in any column. A stored value of another class is read as NULL and counted.

mod catalog;
mod client;
mod config;
mod error;
mod execute;
mod statistics;
mod translate;
mod types;

pub use client::{Factory, SqliteConnector};

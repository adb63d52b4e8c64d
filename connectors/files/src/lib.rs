//! Files as a Medley store: CSV, JSON lines, Parquet and Arrow, by DataFusion's own readers.
//!
//! A catalog is a file or a folder. Each file of a known ending is a table named like it; each subfolder that holds
//! such files is one table over all of them.

mod catalog;
mod client;
mod config;
mod error;
mod execute;
mod statistics;
mod translate;
mod types;

pub use client::{Factory, FilesConnector};

//! Medley as a library: one SQL question over many live databases.
//!
//! ```no_run
//! # async fn ask() -> medley_engine::Result<()> {
//! use futures::TryStreamExt;
//! use medley_engine::Engine;
//!
//! let engine = Engine::builder().config_file("medley.toml")?.build()?;
//! let session = engine.session();
//! let answer = session.sql("SELECT count(*) FROM shop.public.orders").await?;
//! let batches: Vec<_> = answer.stream.try_collect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! An [`Engine`] holds the attached catalogs; a [`Session`] holds settings, views and the current catalog, and runs
//! statements. The engine knows stores only through the contract in `medley_core`; the one list of those that are
//! built in is [`connectors`].

mod answer;
mod bind_join;
mod catalog;
pub mod config;
pub mod connectors;
mod engine;
pub mod error;
mod scan;
mod session;
mod settings;
mod sql_types;
pub mod statement;

pub use answer::Answer;
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, Result};
pub use medley_core as core;
pub use session::Session;
pub use sql_types::SqlTypes;

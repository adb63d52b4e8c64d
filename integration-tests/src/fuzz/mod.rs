//! Differential fuzzing: the same random query with all pushed down, nothing pushed down, some of it, and over the same
//! rows in memory, must give the same rows.
//!
//! Everything follows from a seed, so that a seed is a reproduction. See [`data`] for the rows, [`generate`] for the
//! queries and [`run`] for the comparison. [`sabotage`] plants bugs that it must find.

pub mod data;
pub mod generate;
pub mod run;
pub mod sabotage;

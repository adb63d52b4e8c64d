//! What goes down to a store: decided here, from capabilities and a connector's answers, without knowing any store.
//!
//! [`Federate`] is the one logical rule. It runs after DataFusion's own and turns the largest subplan of each source
//! into a [`Remote`], which the engine scans like a table.

mod average;
mod columns;
mod combine;
mod estimate;
mod federate;
mod grow;
mod remote;
mod settings;

pub use estimate::estimate;
pub use federate::{Federate, Tables};
pub use remote::{Planned, Remote};
pub use settings::Settings;

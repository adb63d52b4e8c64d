//! Development tasks: the real stores, their data, and the checks that keep the house in order.
//!
//! A library beside the `xtask` binary, so that the integration tests start and load the very same stores
//! that `cargo xtask stores up` and `cargo xtask data` do. Nothing that ships depends on it.
#![expect(clippy::print_stderr, reason = "a command line tool reports its progress on stderr")]

pub mod data;
pub mod live;
pub mod stores;
pub mod test;
pub mod tidy;

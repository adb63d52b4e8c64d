//! The tests on live stores, in one program: each needs the same servers, and linking is what takes time.
#![allow(clippy::panic, clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod cancel;
mod capabilities;
mod contract;
mod errors;
mod fuzz;
mod hostile;
mod museum;
mod names;
mod off;
mod tpch;
mod types;

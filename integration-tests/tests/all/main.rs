//! The tests on live stores, in one program: each needs the same servers, and linking is what takes time.

mod contract;
mod errors;
mod hostile;
mod names;
mod tpch;
mod types;

//! Redis as a Medley store.
//!
//! A table is a key pattern such as `customer:{c_custkey}`: each key that fits it gives rows, and its placeholders are
//! columns. Patterns are declared in the configuration, or found by a sampled SCAN that groups keys by prefix and type.
//! `KEYS` is never used.
//!
//! | type of the keys | rows | columns besides the placeholders |
//! |---|---|---|
//! | `hash` | one a key | one a field |
//! | `json` (strings that hold JSON objects) | one a key | one a field of the object |
//! | `string` | one a key | `value` |
//! | `list` | one an element | `index`, `element` |
//! | `set` | one a member | `member` |
//! | `zset` | one a member | `member`, `score` |
//! | `stream` | one an entry | `id`, and one a field |
//!
//! Every table ends with `_key` and `_ttl_ms`, which is NULL for a key that does not expire. A bigint placeholder takes
//! only numbers as Redis would print them, so that a value has one key. Values that do not fit their column are NULL
//! and counted.

mod catalog;
mod client;
mod config;
mod discover;
mod error;
mod execute;
mod pattern;
mod range;
mod statistics;
mod translate;
mod types;

pub use client::{Factory, RedisConnector};

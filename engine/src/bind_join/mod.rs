//! Joins that send keys: the build side is read first, and the store of the probe side is asked for its keys only.
//!
//! [`rule`] finds the joins, [`exec`] runs them, and [`keys`] makes the keys of a build side a filter of the probe side's
//! fragment, which the connector translates like any other.

mod exec;
mod keys;
mod rule;

pub(crate) use keys::is_bindable;
pub(crate) use rule::BindJoins;

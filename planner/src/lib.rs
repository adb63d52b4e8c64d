//! What goes down to a store: decided here, from capabilities and a connector's answers, without knowing any store.

mod selection;

pub use selection::{Planned, Selection, is_pushable, plan};

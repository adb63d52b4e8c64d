//! The emitter for stores that speak SQL.
//!
//! A [`Dialect`] says how one store writes names, values, functions and comparisons; [`emit`] puts them together from a
//! fragment, one SELECT for each level that needs one. Text and bytes of the query become parameters where the protocol
//! has them; numbers, days and times are written by the dialect from their typed values, so that no text of the user's
//! ever becomes part of a statement.

mod dialect;
mod expression;
mod select;
mod statement;

pub use dialect::{Call, Condition, Dialect, Form, Operand};
pub use expression::{Value, is_text};
pub use select::{Emitted, emit};
pub use statement::{Parameter, Statement, quote};

//! What the tests on live stores share: the stores themselves, sessions over them, and answers as text.

pub mod answers;
pub mod fuzz;
pub mod reference;
pub mod stores;

//! Behaviour around any connector: each layer wraps one and is one.

mod mask;

pub use mask::Mask;

//! A statement with its parameters, and names in it.

use serde::{Deserialize, Serialize};

/// A value that travels beside the statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A finite float.
    Real(f64),
}

/// A statement and its parameters, in the order of their placeholders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The text.
    pub text: String,
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

impl Statement {
    /// The statement and its parameters, for EXPLAIN.
    #[must_use]
    pub fn display(&self) -> String {
        if self.parameters.is_empty() {
            return self.text.clone();
        }
        let shown: Vec<_> = self
            .parameters
            .iter()
            .map(|parameter| match parameter {
                Parameter::Text(text) => format!("{text:?}"),
                Parameter::Binary(bytes) => format!("{} bytes", bytes.len()),
                Parameter::Real(value) => value.to_string(),
            })
            .collect();
        format!("{} [{}]", self.text, shown.join(", "))
    }
}

/// A quoted identifier.
#[must_use]
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

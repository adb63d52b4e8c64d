//! A catalog's options, checked with a "did you mean".

use std::fmt::{self, Debug, Formatter};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Result};

/// The options of one catalog, secrets filled in. `Debug` prints only their names.
#[derive(Clone, Default)]
pub struct CatalogOptions(pub Map<String, Value>);

impl Debug for CatalogOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl CatalogOptions {
    /// Reads the options into a connector's configuration.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config): an unknown option with the nearest known one, or a value of the wrong type.
    pub fn parse<T: DeserializeOwned>(self, catalog: &str) -> Result<T> {
        T::deserialize(Value::Object(self.0)).map_err(|error| {
            let message = with_suggestion(&error.to_string());
            Error::new(ErrorKind::Config, "read configuration", message).in_catalog(catalog)
        })
    }
}

/// Text that must not be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the driver only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Adds "did you mean" to serde's message for an unknown field, from the fields that it lists.
fn with_suggestion(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = names.split_first() else { return message.to_owned() };
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("unknown key \"{unknown}\", did you mean \"{near}\"?"),
        None => format!("unknown key \"{unknown}\"; known are {}", known.join(", ")),
    }
}

/// The candidate that a misspelt name most likely means, if any is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

//! Key patterns: literal text with placeholders, such as `session:{user}:{device}`.

use serde::{Deserialize, Serialize};

/// A key pattern. Between two placeholders there is always text, so that a key is read in one way only: a placeholder
/// takes the characters up to the first occurrence of the text behind it, and the last one takes the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    /// The text before the first placeholder; the whole key if there is none.
    pub(crate) prefix: String,
    /// Each placeholder with the text behind it.
    pub(crate) placeholders: Vec<(String, String)>,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split('{');
        let prefix = parts.next().unwrap_or_default().to_owned();
        let mut placeholders: Vec<(String, String)> = Vec::new();
        for part in parts {
            let (name, behind) = part.split_once('}').ok_or("a \"{\" without its \"}\"")?;
            if name.is_empty() {
                return Err("a placeholder needs a name".to_owned());
            }
            if placeholders.last().is_some_and(|(_, behind)| behind.is_empty()) {
                return Err("there must be text between two placeholders".to_owned());
            }
            if placeholders.iter().any(|(known, _)| known == name) {
                return Err(format!("the placeholder \"{name}\" stands twice"));
            }
            placeholders.push((name.to_owned(), behind.to_owned()));
        }
        if prefix.is_empty() && placeholders.is_empty() {
            return Err("a key pattern needs some text".to_owned());
        }
        Ok(Self { prefix, placeholders })
    }

    /// The values of the placeholders in a key; none if the key does not fit. No value is empty.
    pub(crate) fn values<'k>(&self, key: &'k str) -> Option<Vec<&'k str>> {
        let mut rest = key.strip_prefix(self.prefix.as_str())?;
        let mut values = Vec::with_capacity(self.placeholders.len());
        for (index, (_, behind)) in self.placeholders.iter().enumerate() {
            let is_last = index + 1 == self.placeholders.len();
            let (value, after) = if is_last {
                (rest.strip_suffix(behind.as_str())?, "")
            } else {
                rest.split_once(behind.as_str())?
            };
            if value.is_empty() {
                return None;
            }
            values.push(value);
            rest = after;
        }
        rest.is_empty().then_some(values)
    }

    /// The key of some values; none if that key would be read in another way.
    pub(crate) fn key(&self, values: &[&str]) -> Option<String> {
        let mut key = self.prefix.clone();
        for ((_, behind), value) in self.placeholders.iter().zip(values) {
            key.push_str(value);
            key.push_str(behind);
        }
        (self.values(&key)? == values).then_some(key)
    }

    /// The pattern for SCAN's MATCH, in which stars stand for the placeholders, after what these must begin with.
    pub(crate) fn glob(&self, beginnings: &[String]) -> String {
        let mut glob = escaped(&self.prefix);
        for (index, (_, behind)) in self.placeholders.iter().enumerate() {
            glob.push_str(&beginnings.get(index).map_or_else(String::new, |text| escaped(text)));
            glob.push('*');
            glob.push_str(&escaped(behind));
        }
        glob
    }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut glob, c| {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            glob.push('\\');
        }
        glob.push(c);
        glob
    })
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn keys_are_read_in_one_way_only() {
        let pattern = Pattern::parse("session:{user}:{device}:end").unwrap();
        assert_eq!(pattern.values("session:a:b:c:end"), Some(vec!["a", "b:c"]));
        assert_eq!(pattern.key(&["a", "b:c"]), Some("session:a:b:c:end".to_owned()));
        assert_eq!(pattern.key(&["a:b", "c"]), None, "that key means user a");
        assert_eq!(pattern.values("session::b:end"), None);
        assert_eq!(pattern.values("other:a:b:end"), None);
    }

    #[test]
    fn stars_in_a_pattern_are_meant_literally() {
        assert_eq!(Pattern::parse("a*b?:{x}").unwrap().glob(&[]), "a\\*b\\?:*");
        assert!(Pattern::parse("{a}{b}").is_err());
        assert!(Pattern::parse("x:{a").is_err());
    }
}

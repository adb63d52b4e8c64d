//! Cypher with its parameters, and names in it.

use neo4rs::{BoltList, BoltType, Query};
use serde::{Deserialize, Serialize};

/// A value that travels beside the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Parameter {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Parameter>),
}

impl Parameter {
    fn bolt(&self) -> BoltType {
        match self {
            Self::Boolean(value) => BoltType::from(*value),
            Self::Integer(value) => BoltType::from(*value),
            Self::Float(value) => BoltType::from(*value),
            Self::Text(text) => BoltType::from(text.as_str()),
            Self::List(values) => {
                let mut list = BoltList::with_capacity(values.len());
                values.iter().for_each(|value| list.push(value.bolt()));
                BoltType::List(list)
            }
        }
    }

    fn display(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::List(values) => {
                format!("[{}]", values.iter().map(Self::display).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Parameters by number: the first is `$p0`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parameters(Vec<Parameter>);

impl Parameters {
    /// Adds a parameter. Answers with its place in the text.
    pub(crate) fn push(&mut self, parameter: Parameter) -> String {
        self.0.push(parameter);
        format!("$p{}", self.0.len() - 1)
    }

    pub(crate) fn query(&self, text: &str) -> Query {
        self.0.iter().enumerate().fold(Query::new(text.to_owned()), |query, (index, parameter)| {
            query.param(&format!("p{index}"), parameter.bolt())
        })
    }

    pub(crate) fn display(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let shown: Vec<_> = self
            .0
            .iter()
            .enumerate()
            .map(|(index, p)| format!("p{index}: {}", p.display()))
            .collect();
        format!("{text} {{{}}}", shown.join(", "))
    }

    /// A property of `entity`. Cypher replaces `\uXXXX` even inside backticks, so a name with a backslash goes as a
    /// parameter.
    pub(crate) fn property(&mut self, entity: &str, name: &str) -> String {
        match quoted(name) {
            Some(name) => format!("{entity}.{name}"),
            None => {
                let place = self.push(Parameter::Text(name.to_owned()));
                format!("{entity}[{place}]")
            }
        }
    }

    /// The pattern that matches a table's entities, and the condition that it needs besides.
    pub(crate) fn pattern(&mut self, entity: Entity, name: &str) -> (String, Option<String>) {
        self.pattern_of(entity, name, ["s", "n", "e"])
    }

    /// The same with other variables: for the start, the entity and the end.
    pub(crate) fn pattern_of(
        &mut self,
        entity: Entity,
        name: &str,
        [s, n, e]: [&str; 3],
    ) -> (String, Option<String>) {
        match (entity, quoted(name)) {
            (Entity::Node, Some(label)) => (format!("({n}:{label})"), None),
            (Entity::Node, None) => {
                let place = self.push(Parameter::Text(name.to_owned()));
                (format!("({n})"), Some(format!("{place} IN labels({n})")))
            }
            (Entity::Relationship, Some(kind)) => (format!("({s})-[{n}:{kind}]->({e})"), None),
            (Entity::Relationship, None) => {
                let place = self.push(Parameter::Text(name.to_owned()));
                (format!("({s})-[{n}]->({e})"), Some(format!("type({n}) = {place}")))
            }
        }
    }
}

/// What a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entity {
    Node,
    Relationship,
}

/// A name in backticks; none if it cannot stand in Cypher's text.
pub(crate) fn quoted(name: &str) -> Option<String> {
    (!name.contains(['\\', '\0'])).then(|| format!("`{}`", name.replace('`', "``")))
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn names_cannot_leave_their_backticks() {
        let mut parameters = Parameters::default();
        assert_eq!(parameters.property("n", "a`b"), "n.`a``b`");
        assert_eq!(parameters.property("n", "a\\u0060b"), "n[$p0]");
    }
}

//! Values and predicates as Cypher, and why they mean the same there.
//!
//! * Each comparison is guarded by the property's type, so that what passes is what is read as a value and not as
//!   NULL. Missing properties are null in Cypher, and compare to nothing, as in SQL.
//! * NaN is above all numbers in Arrow's order and compares to nothing in Cypher, so it is named where a range has no
//!   end above. Zero is not compared: `-0.0 = 0.0` there, and not in Arrow.
//! * Text ranges stay here: nothing promises Cypher's order of text to be that of its bytes. LIKE becomes STARTS WITH,
//!   ENDS WITH, CONTAINS, or a regular expression in which a dot is any character.
//! * Finer times than microseconds are read as NULL, so times of day and instants are not compared there.

use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::{Comparison, PatternPart, Predicate};
use medley_core::{ColumnDescription, Refusal};
use serde::{Deserialize, Serialize};

use crate::cypher::{Parameter, Parameters, quoted};
use crate::types::cypher_type;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A property of an entity.
    Property(String),
    /// The id of a node.
    Id,
    /// The id of a relationship, which is no node's, whatever its number.
    RelationshipId,
    /// What a WITH made, under the variable's own name.
    Made,
}

/// A column while a query is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The variable in the query.
    pub(crate) variable: String,
    pub(crate) origin: Origin,
    pub(crate) shape: Shape,
    /// Whether the value is read as Cypher writes it.
    pub(crate) as_text: bool,
}

pub(crate) fn place(column: &ColumnDescription) -> Result<Place, Refusal> {
    Place::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

/// Writes values, and keeps the parameters.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    pub(crate) parameters: Parameters,
}

impl Emitter {
    /// A value as it is returned.
    pub(crate) fn output(&mut self, column: &ColumnDescription) -> Result<String, Refusal> {
        let Place { shape, as_text, .. } = place(column)?;
        let value = self.reference(column)?;
        if as_text {
            return Ok(format!("toStringOrNull({value})"));
        }
        // The driver knows no time zones by their names, and does not show a duration's parts.
        if shape == Shape::InstantMicros {
            return Ok(format!(
                "CASE WHEN {value} IS :: ZONED DATETIME NOT NULL THEN [{value}.epochSeconds, {value}.nanosecond] \
                 ELSE {value} END"
            ));
        }
        if shape == Shape::Interval {
            return Ok(format!(
                "CASE WHEN {value} IS :: DURATION NOT NULL THEN \
                 [{value}.months, {value}.days, {value}.seconds, {value}.nanosecondsOfSecond] ELSE {value} END"
            ));
        }
        Ok(value)
    }

    fn reference(&mut self, column: &ColumnDescription) -> Result<String, Refusal> {
        let Place { variable, origin, .. } = place(column)?;
        Ok(match origin {
            Origin::Property(name) => self.parameters.property(&variable, &name),
            Origin::Id | Origin::RelationshipId => format!("id({variable})"),
            Origin::Made => quoted(&variable)
                .ok_or_else(|| Refusal::new(format!("\"{variable}\" is no name in Cypher")))?,
        })
    }

    /// The value, null where it is read as NULL.
    pub(crate) fn clean(&mut self, column: &ColumnDescription) -> Result<String, Refusal> {
        let reference = self.reference(column)?;
        Ok(match self.guard(column)? {
            Some(guard) => format!("CASE WHEN {guard} THEN {reference} END"),
            None => reference,
        })
    }

    pub(crate) fn predicate(&mut self, predicate: &Predicate<'_>) -> Result<String, Refusal> {
        match predicate {
            Predicate::Compare(column, comparison, value) => {
                self.compare(column, *comparison, value)
            }
            Predicate::InList(column, values) => {
                let guard = self.guard(column)?;
                let reference = self.reference(column)?;
                let values = values.iter().map(parameter).collect::<Result<_, _>>()?;
                let place = self.parameters.push(Parameter::List(values));
                let list = match column.data_type {
                    datafusion::arrow::datatypes::DataType::Date32 => {
                        format!("[d IN {place} | date(d)]")
                    }
                    _ => place,
                };
                Ok(guarded(guard, &format!("{reference} IN {list}")))
            }
            Predicate::IsNull(column) => match self.guard(column)? {
                Some(guard) => Ok(format!("NOT ({guard})")),
                None if place(column)?.origin == Origin::Made => {
                    Ok(format!("{} IS NULL", self.reference(column)?))
                }
                None => Ok("false".to_owned()),
            },
            Predicate::IsNotNull(column) if place(column)?.origin == Origin::Made => {
                Ok(format!("{} IS NOT NULL", self.reference(column)?))
            }
            Predicate::IsNotNull(column) => {
                Ok(self.guard(column)?.unwrap_or_else(|| "true".to_owned()))
            }
            Predicate::Like(column, parts, negated) => self.like(column, parts, *negated),
            Predicate::And(parts) => self.combine(parts, " AND "),
            Predicate::Or(parts) => self.combine(parts, " OR "),
        }
    }

    fn combine(&mut self, parts: &[Predicate<'_>], with: &str) -> Result<String, Refusal> {
        let parts = parts.iter().map(|part| self.predicate(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("({})", parts.join(with)))
    }

    fn compare(
        &mut self,
        column: &ColumnDescription,
        comparison: Comparison,
        value: &ScalarValue,
    ) -> Result<String, Refusal> {
        let shape = place(column)?.shape;
        let equality = comparison.is_equality();
        if !equality && matches!(shape, Shape::Text | Shape::Boolean) {
            return Err(Refusal::new(format!("{shape:?} is not ordered alike")));
        }
        let guard = self.guard(column)?;
        let reference = self.reference(column)?;
        let place = self.parameters.push(parameter(value)?);
        let place = if shape == Shape::Date { format!("date({place})") } else { place };
        let comparison_text = format!("{reference} {} {place}", comparison.symbol());
        let upward = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        if shape == Shape::Double && upward {
            return Ok(guarded(guard, &format!("({comparison_text} OR isNaN({reference}))")));
        }
        Ok(guarded(guard, &comparison_text))
    }

    fn like(
        &mut self,
        column: &ColumnDescription,
        parts: &[PatternPart],
        negated: bool,
    ) -> Result<String, Refusal> {
        use PatternPart::{Any, Text};
        if place(column)?.shape != Shape::Text {
            return Err(Refusal::new("LIKE over what is no text in Neo4j"));
        }
        let guard = self.guard(column)?;
        let reference = self.reference(column)?;
        let (word, text) = match parts {
            [Text(text)] => ("=", text.clone()),
            [Text(text), Any] => ("STARTS WITH", text.clone()),
            [Any, Text(text)] => ("ENDS WITH", text.clone()),
            [Any, Text(text), Any] => ("CONTAINS", text.clone()),
            parts => ("=~", expression(parts)),
        };
        let place = self.parameters.push(Parameter::Text(text));
        let not = if negated { "NOT " } else { "" };
        Ok(guarded(guard, &format!("{not}({reference} {word} {place})")))
    }

    /// The test for the values that are read as such; none for ids, which always are.
    fn guard(&mut self, column: &ColumnDescription) -> Result<Option<String>, Refusal> {
        let Place { origin, shape, as_text, .. } = place(column)?;
        if !matches!(origin, Origin::Property(_)) {
            return Ok(None);
        }
        let kind = cypher_type(&shape)
            .filter(|_| !as_text)
            .ok_or_else(|| Refusal::new(format!("{shape:?} is not compared in Neo4j")))?;
        let reference = self.reference(column)?;
        Ok(Some(format!("{reference} IS :: {kind} NOT NULL")))
    }
}

/// A pattern as a regular expression of Java's, which matches whole values.
fn expression(parts: &[PatternPart]) -> String {
    let mut text = "(?s)".to_owned();
    for part in parts {
        match part {
            PatternPart::Text(part) => {
                for c in part.chars() {
                    if c.is_ascii_punctuation() {
                        text.push('\\');
                    }
                    text.push(c);
                }
            }
            PatternPart::One => text.push('.'),
            PatternPart::Any => text.push_str(".*"),
        }
    }
    text
}

fn guarded(guard: Option<String>, comparison: &str) -> String {
    match guard {
        Some(guard) => format!("({guard} AND {comparison})"),
        None => comparison.to_owned(),
    }
}

fn parameter(value: &ScalarValue) -> Result<Parameter, Refusal> {
    match value {
        ScalarValue::Boolean(Some(value)) => Ok(Parameter::Boolean(*value)),
        ScalarValue::Int64(Some(value)) => Ok(Parameter::Integer(*value)),
        ScalarValue::Float64(Some(value)) if *value != 0.0 && value.is_finite() => {
            Ok(Parameter::Float(*value))
        }
        ScalarValue::Utf8(Some(text)) => Ok(Parameter::Text(text.clone())),
        ScalarValue::Date32(Some(_)) => {
            let text = value.to_string();
            if text.len() != 10 || text.starts_with("0000") {
                return Err(Refusal::new("a day before the year 1 or after 9999"));
            }
            Ok(Parameter::Text(text))
        }
        other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
    }
}

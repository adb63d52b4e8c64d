//! Filters in MongoDB's match language, so that indexes serve; and why they mean the same there.
//!
//! * A comparison in MongoDB looks into arrays, and only at values of the compared kind. Each comparison is therefore
//!   guarded by `$type` for the very types that the column takes, and against arrays on the way: what passes is what
//!   is read as a value and not as NULL.
//! * Missing and null compare to nothing in SQL, also under negation; the guard keeps them out.
//! * NaN is above all numbers in Arrow's order and beside them in MongoDB's, so it is named where a range has no end
//!   above. Zero is not compared: `-0.0 = 0.0` there, and not in Arrow.
//! * Text is compared by bytes under the simple collation, which every query asks for. Patterns become anchored regular
//!   expressions in which a dot is any character, newlines too.
//! * Decimals that do not fit the column are read as NULL but compare as numbers. No literal is one of them; for ranges an
//!   expression beside the match keeps them out.
//! * Fields whose names hold a dot, begin with a dollar or are empty have no path: nothing is pushed down on them.

use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::{Comparison, PatternPart, Predicate};
use medley_core::{ColumnDescription, Refusal};
use mongodb::bson::{Bson, DateTime, Document, Regex, doc, oid::ObjectId};
use serde::Deserialize;

use crate::types::to_decimal128;

/// Where a column's values are in the documents of a stage, and what is read of them.
#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
pub(crate) struct Place {
    /// The path, its parts joined by dots.
    pub(crate) path: String,
    pub(crate) shape: Shape,
    /// Whether a stage before has made NULL of everything that is read as NULL.
    pub(crate) is_clean: bool,
}

pub(crate) fn place(column: &ColumnDescription) -> Result<Place, Refusal> {
    Place::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

/// Whether a name can be part of a path.
pub(crate) fn has_path(name: &str) -> bool {
    !name.is_empty() && !name.contains(['.', '\0']) && !name.starts_with('$')
}

pub(crate) fn condition(predicate: &Predicate<'_>) -> Result<Document, Refusal> {
    match predicate {
        Predicate::Compare(column, comparison, value) => compare(column, *comparison, value),
        Predicate::InList(column, values) => {
            let values =
                values.iter().map(|value| literal(column, value)).collect::<Result<Vec<_>, _>>()?;
            Ok(guarded(column, &comparable(column)?, doc! { "$in": values }))
        }
        Predicate::IsNull(column) => Ok(doc! { "$nor": [read(column)?] }),
        Predicate::IsNotNull(column) => read(column),
        Predicate::Like(column, parts, negated) => like(column, parts, *negated),
        Predicate::And(parts) => combine("$and", parts),
        Predicate::Or(parts) => combine("$or", parts),
    }
}

/// The documents whose value is read as one.
fn read(column: &ColumnDescription) -> Result<Document, Refusal> {
    fitting(column, guarded(column, &value_types(column)?, Document::new()))
}

/// The filter, without decimals that do not fit the column.
fn fitting(column: &ColumnDescription, filter: Document) -> Result<Document, Refusal> {
    Ok(match fit(column)? {
        Some(fit) => doc! { "$and": [filter, { "$expr": fit }] },
        None => filter,
    })
}

/// For numbers of a column: whether they have no more digits than it, as an expression; none if all have.
pub(crate) fn fit(column: &ColumnDescription) -> Result<Option<Document>, Refusal> {
    let Place { path, shape, is_clean } = place(column)?;
    let Shape::Decimal(precision, scale) = shape else { return Ok(None) };
    if is_clean {
        return Ok(None);
    }
    let exponent = i8::try_from(precision).unwrap_or(i8::MAX) - scale;
    let limit = |sign| to_decimal128(sign, -exponent).map(Bson::Decimal128);
    let (Some(low), Some(high)) = (limit(-1), limit(1)) else {
        return Err(Refusal::new("a decimal beyond MongoDB's"));
    };
    let value = || Bson::String(format!("${path}"));
    // NaN is below all numbers there, and so not above the lowest.
    Ok(Some(doc! { "$and": [
        { "$gt": [value(), low] },
        { "$lt": [value(), high] },
        { "$eq": [value(), { "$round": [value(), i32::from(scale)] }] },
    ] }))
}

fn combine(operator: &str, parts: &[Predicate<'_>]) -> Result<Document, Refusal> {
    let parts = parts.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    Ok(doc! { operator: parts })
}

fn compare(
    column: &ColumnDescription,
    comparison: Comparison,
    value: &ScalarValue,
) -> Result<Document, Refusal> {
    let types = comparable(column)?;
    if matches!(value, ScalarValue::Boolean(_)) && !comparison.is_equality() {
        return Err(Refusal::new("booleans are not ordered alike"));
    }
    let operator = match comparison {
        Comparison::Equal => "$eq",
        Comparison::NotEqual => "$ne",
        Comparison::Less => "$lt",
        Comparison::LessOrEqual => "$lte",
        Comparison::Greater => "$gt",
        Comparison::GreaterOrEqual => "$gte",
    };
    let filter = guarded(column, &types, doc! { operator: literal(column, value)? });
    let upward = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
    if upward && place(column)?.shape == Shape::Double {
        let nan = guarded(column, &types, doc! { "$eq": f64::NAN });
        return Ok(doc! { "$or": [filter, nan] });
    }
    // No literal is a decimal that does not fit.
    if comparison == Comparison::Equal { Ok(filter) } else { fitting(column, filter) }
}

fn like(
    column: &ColumnDescription,
    parts: &[PatternPart],
    negated: bool,
) -> Result<Document, Refusal> {
    let types = comparable(column)?;
    if types != ["string"] {
        return Err(Refusal::new("LIKE over what is no text in MongoDB"));
    }
    let mut pattern = "^".to_owned();
    for part in parts {
        match part {
            PatternPart::Text(text) => {
                for c in text.chars() {
                    if c.is_ascii_punctuation() {
                        pattern.push('\\');
                    }
                    if c == '\0' {
                        return Err(Refusal::new("a pattern with a NUL"));
                    }
                    pattern.push(c);
                }
            }
            PatternPart::One => pattern.push('.'),
            PatternPart::Any => pattern.push_str(".*"),
        }
    }
    // A prefix alone is looked up in an index; what follows it need not be read.
    match pattern.strip_suffix(".*") {
        Some(prefix) => pattern = prefix.to_owned(),
        None => pattern.push_str("\\z"),
    }
    let regex = Bson::RegularExpression(Regex { pattern, options: "s".to_owned() });
    let condition = if negated {
        doc! { "$not": regex }
    } else {
        doc! { "$regex": regex }
    };
    Ok(guarded(column, &types, condition))
}

/// The condition on values of the column's types, and on no array, here or on the way.
fn guarded(column: &ColumnDescription, types: &[&str], mut condition: Document) -> Document {
    let path = place(column).map(|place| place.path).unwrap_or_default();
    condition.insert("$type", types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let no_array = || doc! { "$not": { "$type": "array" } };
    let mut all: Vec<Document> =
        path.match_indices('.').map(|(end, _)| doc! { &path[..end]: no_array() }).collect();
    if !types.contains(&"array") {
        match condition.contains_key("$not") {
            true => all.push(doc! { &path: no_array() }),
            false => {
                condition.insert("$not", doc! { "$type": "array" });
            }
        }
    }
    all.insert(0, doc! { &path: condition });
    if all.len() == 1 {
        all.remove(0)
    } else {
        doc! { "$and": all }
    }
}

/// The types that the column takes, if they compare in MongoDB as in SQL.
pub(crate) fn comparable(column: &ColumnDescription) -> Result<Vec<&'static str>, Refusal> {
    if place(column)?.path.is_empty() {
        return Err(Refusal::new(format!("field \"{}\" has no path in MongoDB", column.name)));
    }
    match place(column)?.shape {
        Shape::Boolean => Ok(vec!["bool"]),
        Shape::Int32 => Ok(vec!["int"]),
        Shape::Int64 => Ok(vec!["int", "long"]),
        Shape::Double => Ok(vec!["double", "int"]),
        Shape::Decimal(..) => Ok(vec!["decimal", "int", "long"]),
        Shape::Text => Ok(vec!["string"]),
        Shape::ObjectId => Ok(vec!["objectId"]),
        Shape::Instant => Ok(vec!["date"]),
        other => Err(Refusal::new(format!("{other:?} is not compared in MongoDB"))),
    }
}

/// The types that are read as values; the others are NULL.
fn value_types(column: &ColumnDescription) -> Result<Vec<&'static str>, Refusal> {
    let types = comparable(column);
    let Place { path, shape, .. } = place(column)?;
    match shape {
        Shape::Struct(_) if !path.is_empty() => Ok(vec!["object"]),
        Shape::List(_) if !path.is_empty() => Ok(vec!["array"]),
        Shape::Binary if !path.is_empty() => Ok(vec!["binData"]),
        _ => types,
    }
}

fn literal(column: &ColumnDescription, value: &ScalarValue) -> Result<Bson, Refusal> {
    match (place(column)?.shape, value) {
        (_, ScalarValue::Boolean(Some(value))) => Ok(Bson::Boolean(*value)),
        (_, ScalarValue::Int32(Some(value))) => Ok(Bson::Int32(*value)),
        (_, ScalarValue::Int64(Some(value))) => Ok(Bson::Int64(*value)),
        (_, ScalarValue::Float64(Some(value))) if *value != 0.0 && !value.is_nan() => {
            Ok(Bson::Double(*value))
        }
        (_, ScalarValue::Decimal128(Some(unscaled), _, scale)) => to_decimal128(*unscaled, *scale)
            .map(Bson::Decimal128)
            .ok_or_else(|| Refusal::new("a decimal of more than 34 digits")),
        (_, ScalarValue::TimestampMillisecond(Some(millis), _)) => {
            Ok(Bson::DateTime(DateTime::from_millis(*millis)))
        }
        (Shape::ObjectId, ScalarValue::Utf8(Some(text))) => {
            let id = ObjectId::parse_str(text).ok().filter(|id| id.to_hex() == *text);
            id.map(Bson::ObjectId).ok_or_else(|| Refusal::new("text that is not an object id"))
        }
        (Shape::Text, ScalarValue::Utf8(Some(text))) => Ok(Bson::String(text.clone())),
        (_, other) => Err(Refusal::new(format!("a {} literal", other.data_type()))),
    }
}

//! From Redis' text to typed values, and the types that text looks like.

use chrono::{NaiveDate, NaiveDateTime};
use medley_core::Result;
use medley_core::column_builder::{ColumnBuilder, Scalar, parse_decimal};
use medley_core::inference::{Kind, Sample, Shape};
use redis::Value;
use serde_json::Value as Json;

use crate::client::Handle;
use crate::config::KeyKind;
use crate::discover::PAGE_KEYS;

/// An integer as Redis prints it: no sign but minus, no leading zeros.
pub(crate) fn canonical_integer(text: &str) -> Option<i64> {
    let value: i64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// The columns that every table of a kind has.
pub(crate) fn fixed_columns(kind: KeyKind) -> Vec<(&'static str, Shape)> {
    match kind {
        KeyKind::Hash | KeyKind::Json => Vec::new(),
        KeyKind::String => vec![("value", Shape::Text)],
        KeyKind::List => vec![("index", Shape::Int64), ("element", Shape::Text)],
        KeyKind::Set => vec![("member", Shape::Text)],
        KeyKind::Zset => vec![("member", Shape::Text), ("score", Shape::Double)],
        KeyKind::Stream => vec![("id", Shape::Text)],
    }
}

/// The shape of a field: what its text looks like everywhere, or text. JSON has types of its own.
pub(crate) fn field_shape(kind: KeyKind, sample: &Sample) -> Shape {
    match (kind, sample.shape()) {
        (KeyKind::Json, shape) => shape,
        (_, Shape::Json) => Shape::Text,
        (_, shape) => shape,
    }
}

/// Looks at the fields of some keys.
pub(crate) async fn observe(
    handle: &Handle,
    kind: KeyKind,
    keys: &[String],
    fields: &mut Sample,
) -> Result<()> {
    let mut connection = handle.connection().await?;
    for page in keys.chunks(PAGE_KEYS) {
        let mut pipeline = redis::pipe();
        for key in page {
            match kind {
                KeyKind::Hash => pipeline.cmd("HGETALL").arg(key),
                KeyKind::Json => pipeline.cmd("GET").arg(key),
                KeyKind::Stream => {
                    pipeline.cmd("XRANGE").arg(key).arg("-").arg("+").arg("COUNT").arg(100)
                }
                KeyKind::String | KeyKind::List | KeyKind::Set | KeyKind::Zset => return Ok(()),
            };
        }
        let answers: Vec<Value> = pipeline
            .ignore_errors()
            .query_async(&mut connection)
            .await
            .map_err(|error| handle.error("describe table", error))?;
        for answer in &answers {
            observe_answer(kind, answer, fields);
        }
    }
    Ok(())
}

fn observe_answer(kind: KeyKind, answer: &Value, fields: &mut Sample) {
    match kind {
        KeyKind::Json => {
            if let Value::BulkString(bytes) = answer
                && let Ok(Json::Object(object)) = serde_json::from_slice(bytes)
            {
                object.iter().for_each(|(name, value)| observe_json(fields.field(name), value));
            }
        }
        KeyKind::Stream => {
            for entry in elements(answer) {
                if let [_, pairs] = elements(entry) {
                    observe_pairs(pairs, fields);
                }
            }
        }
        _ => observe_pairs(answer, fields),
    }
}

fn observe_pairs(answer: &Value, fields: &mut Sample) {
    for (name, value) in pairs(answer) {
        if let Some(name) = text(name) {
            observe_text(fields.field(name), text(value));
        }
    }
}

fn observe_text(sample: &mut Sample, text: Option<&str>) {
    let Some(text) = text else { return sample.observe(Kind::Binary, "bytes") };
    if canonical_integer(text).is_some() {
        return sample.observe(Kind::Int64, "integer");
    }
    match parse_decimal(text) {
        // As a number is printed: leading zeros and bare points belong to codes and versions.
        Some((unscaled, scale)) if is_plain(text) => {
            let digits = unscaled.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
            let integer = i64::from(digits) - i64::from(scale);
            let digits = u8::try_from(integer.max(1)).ok().zip(u8::try_from(scale).ok());
            sample.observe(Kind::Decimal, "decimal");
            sample.observe_digits(digits);
        }
        _ => sample.observe(Kind::Text, "text"),
    }
}

fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let Some((integer, fraction)) = digits.split_once('.') else { return false };
    !fraction.is_empty() && (integer == "0" || (!integer.is_empty() && !integer.starts_with('0')))
}

fn observe_json(sample: &mut Sample, value: &Json) {
    match value {
        Json::Null => sample.observe(Kind::Null, "null"),
        Json::Bool(_) => sample.observe(Kind::Boolean, "boolean"),
        Json::Number(number) if number.as_i64().is_some() => sample.observe(Kind::Int64, "integer"),
        Json::Number(_) => sample.observe(Kind::Double, "number"),
        Json::String(_) => sample.observe(Kind::Text, "string"),
        Json::Array(values) => {
            sample.observe(Kind::Array, "array");
            values.iter().for_each(|value| observe_json(sample.elements(), value));
        }
        Json::Object(object) => {
            sample.observe(Kind::Document, "object");
            object.iter().for_each(|(name, value)| observe_json(sample.field(name), value));
        }
    }
}

/// Appends text as the column's type, or NULL and `false`.
pub(crate) fn append_bytes(column: &mut ColumnBuilder, bytes: &[u8]) -> bool {
    if let ColumnBuilder::Binary(_) = column {
        return column.append(Scalar::Binary(bytes));
    }
    let scalar = std::str::from_utf8(bytes).ok().and_then(|text| scalar(column, text));
    match scalar {
        Some(scalar) => column.append(scalar),
        None => {
            column.append_null();
            false
        }
    }
}

fn scalar<'a>(column: &ColumnBuilder, text: &'a str) -> Option<Scalar<'a>> {
    Some(match column {
        ColumnBuilder::Text(_) => Scalar::Text(text),
        ColumnBuilder::Json(_) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
            Scalar::Text(text)
        }
        ColumnBuilder::ObjectId(_) => Scalar::ObjectId(text),
        ColumnBuilder::Int64(_) => Scalar::Int64(canonical_integer(text)?),
        ColumnBuilder::Int32(_) => Scalar::Int32(i32::try_from(canonical_integer(text)?).ok()?),
        ColumnBuilder::Int16(_) => Scalar::Int16(i16::try_from(canonical_integer(text)?).ok()?),
        ColumnBuilder::Double(_) => Scalar::Double(text.parse().ok()?),
        ColumnBuilder::Float(_) => Scalar::Float(text.parse().ok()?),
        ColumnBuilder::Decimal(..) => {
            let (unscaled, scale) = parse_decimal(text)?;
            Scalar::Decimal(unscaled, scale)
        }
        ColumnBuilder::Boolean(_) => match text {
            "true" | "1" => Scalar::Boolean(true),
            "false" | "0" => Scalar::Boolean(false),
            _ => return None,
        },
        ColumnBuilder::Date(_) => {
            let days = text
                .parse::<NaiveDate>()
                .ok()?
                .signed_duration_since(NaiveDate::default())
                .num_days();
            Scalar::Date(i32::try_from(days).ok()?)
        }
        ColumnBuilder::Micros(_) => {
            let time = text
                .trim_end_matches('Z')
                .replace(' ', "T")
                .parse::<NaiveDateTime>()
                .ok()?
                .and_utc();
            (time.timestamp_subsec_nanos() % 1000 == 0)
                .then(|| Scalar::Micros(time.timestamp_micros()))?
        }
        ColumnBuilder::Millis(_)
        | ColumnBuilder::Time(_)
        | ColumnBuilder::Interval(_)
        | ColumnBuilder::Binary(_)
        | ColumnBuilder::Struct(_)
        | ColumnBuilder::List(_) => return None,
    })
}

/// Appends a JSON value. Answers with the type of a value that does not fit, which became NULL.
pub(crate) fn append_json(column: &mut ColumnBuilder, value: &Json) -> Option<&'static str> {
    let fits = match (&mut *column, value) {
        (_, Json::Null) => {
            column.append_null();
            true
        }
        (ColumnBuilder::Json(_), value) => column.append(Scalar::Text(&value.to_string())),
        (ColumnBuilder::Struct(fields), Json::Object(object)) => {
            let index = fields.index.clone();
            let row = fields.children.first().map_or(0, ColumnBuilder::len);
            let mut misfit = None;
            for (hint, (name, value)) in object.iter().enumerate() {
                if let Some(position) = index.find(name, hint)
                    && fields.children[position].len() == row
                {
                    misfit = append_json(&mut fields.children[position], value).or(misfit);
                }
            }
            fields.close();
            return misfit;
        }
        (ColumnBuilder::List(list), Json::Array(values)) => {
            let mut misfit = None;
            for value in values {
                misfit = append_json(&mut list.child, value).or(misfit);
            }
            list.close(true);
            return misfit;
        }
        (ColumnBuilder::Boolean(_), Json::Bool(value)) => column.append(Scalar::Boolean(*value)),
        (ColumnBuilder::Text(_), Json::String(text)) => column.append(Scalar::Text(text)),
        (ColumnBuilder::Double(_), Json::Number(number)) => match number.as_f64() {
            Some(value) => column.append(Scalar::Double(value)),
            None => append_bytes(column, b""),
        },
        (_, Json::Number(number)) => append_bytes(column, number.to_string().as_bytes()),
        (_, Json::String(text)) => append_bytes(column, text.as_bytes()),
        (_, _) => {
            column.append_null();
            false
        }
    };
    (!fits).then_some(match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    })
}

/// The elements of an array answer; none of another.
pub(crate) fn elements(answer: &Value) -> &[Value] {
    match answer {
        Value::Array(values) | Value::Set(values) => values,
        _ => &[],
    }
}

/// The pairs of an answer, in either protocol's form.
pub(crate) fn pairs(answer: &Value) -> Vec<(&Value, &Value)> {
    match answer {
        Value::Map(entries) => entries.iter().map(|(name, value)| (name, value)).collect(),
        other => elements(other).chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect(),
    }
}

/// The bytes of a string answer.
pub(crate) fn bytes(answer: &Value) -> Option<&[u8]> {
    match answer {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// The text of a string answer; none if it is not UTF-8.
pub(crate) fn text(answer: &Value) -> Option<&str> {
    std::str::from_utf8(bytes(answer)?).ok()
}

//! From Cypher's types to Arrow's.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use medley_core::column_builder::{ColumnBuilder, Scalar};
use medley_core::inference::{Kind, Sample, Shape};
use neo4rs::BoltType;

/// Counts a property's type as `valueType` tells it.
pub(crate) fn observe(sample: &mut Sample, native: &str, count: u64) {
    let native = native.trim_end_matches(" NOT NULL");
    let kind = match native {
        "NULL" | "NOTHING" => Kind::Null,
        "BOOLEAN" => Kind::Boolean,
        "INTEGER" => Kind::Int64,
        "FLOAT" => Kind::Double,
        "STRING" => Kind::Text,
        "DATE" => Kind::Date,
        "LOCAL TIME" => Kind::Time,
        "LOCAL DATETIME" => Kind::Timestamp,
        "ZONED DATETIME" => Kind::InstantMicros,
        "DURATION" => Kind::Interval,
        list if list.starts_with("LIST<") => Kind::Array,
        _ => Kind::Other,
    };
    sample.observe_many(kind, native, count);
    if let Some(elements) = native.strip_prefix("LIST<").and_then(|rest| rest.strip_suffix('>')) {
        for element in elements.split(" | ") {
            observe(sample.elements(), element, count);
        }
    }
}

/// Cypher's name of the type that a shape takes; none if it takes several or is not compared.
pub(crate) fn cypher_type(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::Boolean => Some("BOOLEAN"),
        Shape::Int64 => Some("INTEGER"),
        Shape::Double => Some("FLOAT"),
        Shape::Text => Some("STRING"),
        Shape::Date => Some("DATE"),
        Shape::Int16
        | Shape::Int32
        | Shape::Float
        | Shape::Decimal(..)
        | Shape::Binary
        | Shape::ObjectId
        | Shape::Instant
        | Shape::InstantMicros
        | Shape::Timestamp
        | Shape::Time
        | Shape::Interval
        | Shape::Json
        | Shape::Struct(_)
        | Shape::List(_) => None,
    }
}

/// Appends a value. Answers with the type of one that does not fit, which became NULL.
pub(crate) fn append(column: &mut ColumnBuilder, value: &BoltType) -> Option<&'static str> {
    let fits = match (&mut *column, value) {
        (_, BoltType::Null(_)) => {
            column.append_null();
            true
        }
        (ColumnBuilder::Json(_), value) => {
            let json = json(value).to_string();
            column.append(Scalar::Text(&json))
        }
        (ColumnBuilder::Interval(_), BoltType::List(parts)) => {
            append_interval(column, &parts.value)
        }
        (ColumnBuilder::Micros(_), BoltType::List(parts)) => append_instant(column, &parts.value),
        (ColumnBuilder::List(list), BoltType::List(values)) => {
            let mut misfit = None;
            for value in values.iter() {
                misfit = append(&mut list.child, value).or(misfit);
            }
            list.close(true);
            return misfit;
        }
        (_, BoltType::Boolean(value)) => column.append(Scalar::Boolean(value.value)),
        (_, BoltType::Integer(value)) => column.append(Scalar::Int64(value.value)),
        (_, BoltType::Float(value)) => {
            // One NaN, as in the other stores.
            column.append(Scalar::Double(if value.value.is_nan() { f64::NAN } else { value.value }))
        }
        (_, BoltType::String(text)) => column.append(Scalar::Text(&text.value)),
        (_, BoltType::Bytes(bytes)) => column.append(Scalar::Binary(&bytes.value)),
        (_, value) => append_time(column, value),
    };
    (!fits).then(|| type_name(value))
}

fn integer(parts: &[BoltType], index: usize) -> Option<i64> {
    match parts.get(index) {
        Some(BoltType::Integer(value)) => Some(value.value),
        _ => None,
    }
}

/// Months, days, seconds and nanoseconds.
fn append_interval(column: &mut ColumnBuilder, parts: &[BoltType]) -> bool {
    let interval = || {
        let months = i32::try_from(integer(parts, 0)?).ok()?;
        let days = i32::try_from(integer(parts, 1)?).ok()?;
        let nanos =
            integer(parts, 2)?.checked_mul(1_000_000_000)?.checked_add(integer(parts, 3)?)?;
        Some(Scalar::Interval(months, days, nanos))
    };
    append_some(column, interval())
}

/// Seconds since 1970 and nanoseconds; none if the time is finer than a microsecond.
fn append_instant(column: &mut ColumnBuilder, parts: &[BoltType]) -> bool {
    let instant = || {
        let nanos = integer(parts, 1).filter(|nanos| nanos % 1000 == 0)?;
        integer(parts, 0)?.checked_mul(1_000_000)?.checked_add(nanos / 1000).map(Scalar::Micros)
    };
    append_some(column, instant())
}

fn append_some(column: &mut ColumnBuilder, scalar: Option<Scalar<'_>>) -> bool {
    match scalar {
        Some(scalar) => column.append(scalar),
        None => {
            column.append_null();
            false
        }
    }
}

fn append_time(column: &mut ColumnBuilder, value: &BoltType) -> bool {
    let scalar = match (&*column, value) {
        (ColumnBuilder::Date(_), BoltType::Date(_)) => {
            NaiveDate::try_from(value.clone()).ok().and_then(days)
        }
        (ColumnBuilder::Time(_), BoltType::LocalTime(_)) => {
            let time = <(NaiveTime, Option<FixedOffset>)>::try_from(value.clone()).ok();
            time.map(|(time, _)| {
                let seconds = i64::from(time.num_seconds_from_midnight());
                Scalar::Time(seconds * 1_000_000_000 + i64::from(time.nanosecond()))
            })
        }
        (ColumnBuilder::Micros(_), BoltType::LocalDateTime(_)) => {
            NaiveDateTime::try_from(value.clone())
                .ok()
                .and_then(|time| micros(time.and_utc().fixed_offset()))
        }
        _ => None,
    };
    append_some(column, scalar)
}

fn days(date: NaiveDate) -> Option<Scalar<'static>> {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok().map(Scalar::Date)
}

/// Microseconds, if the time is no finer.
fn micros(time: DateTime<FixedOffset>) -> Option<Scalar<'static>> {
    time.timestamp_subsec_nanos()
        .is_multiple_of(1000)
        .then(|| Scalar::Micros(time.timestamp_micros()))
}

fn json(value: &BoltType) -> serde_json::Value {
    match value {
        BoltType::Boolean(value) => value.value.into(),
        BoltType::Integer(value) => value.value.into(),
        BoltType::Float(value) => value.value.into(),
        BoltType::String(text) => text.value.as_str().into(),
        BoltType::List(values) => values.iter().map(json).collect(),
        other => type_name(other).into(),
    }
}

fn type_name(value: &BoltType) -> &'static str {
    match value {
        BoltType::String(_) => "STRING",
        BoltType::Boolean(_) => "BOOLEAN",
        BoltType::Map(_) => "MAP",
        BoltType::Null(_) => "NULL",
        BoltType::Integer(_) => "INTEGER",
        BoltType::Float(_) => "FLOAT",
        BoltType::List(_) => "LIST",
        BoltType::Node(_) => "NODE",
        BoltType::Relation(_) | BoltType::UnboundedRelation(_) => "RELATIONSHIP",
        BoltType::Point2D(_) | BoltType::Point3D(_) => "POINT",
        BoltType::Bytes(_) => "BYTES",
        BoltType::Path(_) => "PATH",
        BoltType::Duration(_) => "DURATION",
        BoltType::Date(_) => "DATE",
        BoltType::Time(_) => "ZONED TIME",
        BoltType::LocalTime(_) => "LOCAL TIME",
        BoltType::DateTime(_) | BoltType::DateTimeZoneId(_) => "ZONED DATETIME",
        BoltType::LocalDateTime(_) => "LOCAL DATETIME",
    }
}

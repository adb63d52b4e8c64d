//! From declared types to Arrow types, and from stored values to Arrow values.

use chrono::{NaiveDate, NaiveDateTime};
use medley_core::column_builder::{ColumnBuilder, Scalar, parse_decimal};
use medley_core::inference::Shape;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteValueRef;
use sqlx::{Decode, Sqlite, TypeInfo, ValueRef};

/// What the translator needs to know of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) shape: Shape,
    /// Whether text is stored as UTF-8, so that its binary order is ours.
    pub(crate) utf8: bool,
}

/// Integers beyond this are not all floats.
const EXACT_INTEGER_MAX: u64 = 1 << 53;

/// The shape of a declared type; none if it does not say what is stored.
pub(crate) fn declared(declared: &str) -> Option<Shape> {
    let upper = declared.trim().to_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if upper == "DATE" {
        return Some(Shape::Date);
    }
    if has(&["DATETIME", "TIMESTAMP"]) {
        return Some(Shape::Timestamp);
    }
    if upper.starts_with("DECIMAL(") || upper.starts_with("NUMERIC(") {
        let with_scale = if upper.contains(',') { upper } else { upper.replace(')', ",0)") };
        return Shape::parse(&with_scale);
    }
    // From here on the order is SQLite's own for affinities.
    if has(&["INT"]) {
        Some(Shape::Int64)
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Some(Shape::Text)
    } else if has(&["BLOB"]) {
        Some(Shape::Binary)
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Some(Shape::Double)
    } else if has(&["BOOL"]) {
        Some(Shape::Boolean)
    } else {
        None
    }
}

/// Appends a stored value. Answers with the class of a value that does not fit, which became NULL.
pub(crate) fn append(
    column: &mut ColumnBuilder,
    value: SqliteValueRef<'_>,
) -> Result<Option<&'static str>, sqlx::error::BoxDynError> {
    if value.is_null() {
        column.append_null();
        return Ok(None);
    }
    let class = value.type_info().name().to_owned();
    match class.as_str() {
        "INTEGER" => {
            let fits = append_integer(column, <i64 as Decode<Sqlite>>::decode(value)?);
            Ok((!fits).then_some("an integer"))
        }
        "REAL" => {
            let fits = append_real(column, <f64 as Decode<Sqlite>>::decode(value)?);
            Ok((!fits).then_some("a real"))
        }
        "BLOB" => {
            let fits = column.append(Scalar::Binary(<&[u8] as Decode<Sqlite>>::decode(value)?));
            Ok((!fits).then_some("a blob"))
        }
        _ => {
            // SQLite does not check that text is UTF-8.
            let bytes = <&[u8] as Decode<Sqlite>>::decode(value)?;
            let fits = match std::str::from_utf8(bytes) {
                Ok(text) => append_text(column, text),
                Err(_) => {
                    column.append_null();
                    false
                }
            };
            Ok((!fits).then_some("text"))
        }
    }
}

fn append_integer(column: &mut ColumnBuilder, value: i64) -> bool {
    match column {
        ColumnBuilder::Boolean(_) if value == 0 || value == 1 => {
            column.append(Scalar::Boolean(value == 1))
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "the guard admits only integers that floats hold"
        )]
        ColumnBuilder::Double(_) if value.unsigned_abs() <= EXACT_INTEGER_MAX => {
            column.append(Scalar::Double(value as f64))
        }
        ColumnBuilder::Json(_) => column.append(Scalar::Text(&value.to_string())),
        _ => column.append(Scalar::Int64(value)),
    }
}

fn append_real(column: &mut ColumnBuilder, value: f64) -> bool {
    match column {
        // The shortest text that reads back as the float is what was meant by a decimal of up to 15 digits.
        ColumnBuilder::Decimal(..) => match parse_decimal(&value.to_string()) {
            Some((unscaled, scale)) => column.append(Scalar::Decimal(unscaled, scale)),
            None => column.append(Scalar::Double(value)),
        },
        ColumnBuilder::Json(_) => column.append(Scalar::Text(&value.to_string())),
        _ => column.append(Scalar::Double(value)),
    }
}

fn append_text(column: &mut ColumnBuilder, text: &str) -> bool {
    match column {
        ColumnBuilder::Date(_) => match parse_date(text) {
            Some(days) => column.append(Scalar::Date(days)),
            None => column.append(Scalar::Text(text)),
        },
        ColumnBuilder::Micros(_) => match parse_timestamp(text) {
            Some(micros) => column.append(Scalar::Micros(micros)),
            None => column.append(Scalar::Text(text)),
        },
        _ => column.append(Scalar::Text(text)),
    }
}

/// Only the canonical form, so that text order is date order.
fn parse_date(text: &str) -> Option<i32> {
    if text.len() != 10 {
        return None;
    }
    let days = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()?
        .signed_duration_since(NaiveDate::default());
    i32::try_from(days.num_days()).ok()
}

fn parse_timestamp(text: &str) -> Option<i64> {
    let separator = text.as_bytes().get(10)?;
    let format = if *separator == b'T' { "%Y-%m-%dT%H:%M:%S%.f" } else { "%Y-%m-%d %H:%M:%S%.f" };
    let parsed = NaiveDateTime::parse_from_str(text, format).ok()?;
    (parsed.and_utc().timestamp_subsec_nanos() % 1000 == 0)
        .then(|| parsed.and_utc().timestamp_micros())
}

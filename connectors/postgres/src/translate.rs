//! Postgres' dialect: what goes down, and why it means the same there.
//!
//! * Text is equal under a deterministic collation only if it is the same text; ranges go down under `COLLATE "C"`,
//!   whose order is that of UTF-8's bytes, which is Arrow's. Equality stays without a collation, so that indexes serve.
//! * `char(n)` is read without its padding, which Postgres does not compare either.
//! * NaN in a numeric, and infinite times, are read as NULL: a guard keeps them out where a range would let them in.
//! * Floats order NaN above all numbers in both. Zero is not compared: `-0.0 = 0.0` there, and not in Arrow.
//!
//! COPY takes no parameters. Numbers and times are written from their typed values; text is written as a Unicode
//! escape literal, in which every character but letters, digits and a few marks is its code point.

use std::fmt::Write;

use datafusion::scalar::ScalarValue;
use medley_core::predicate::Comparison;
use medley_core::sql::{Condition, Dialect, Operand, Parameter, emit, quote};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::types::{Detail, Numeric, Reading};

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) sql: String,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Reading)>,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let (selection, statement, exact) = emit(&Postgres, fragment, capabilities)?;
    let columns = selection
        .columns
        .iter()
        .map(|index| {
            let column = &selection.table.columns[*index];
            Ok((column.name.clone(), detail(column)?.reading))
        })
        .collect::<Result<_, Refusal>>()?;
    let schema = selection.table.schema_of(selection.columns.iter().copied());
    let plan = Plan { sql: statement.text, table: selection.table.name.clone(), columns };
    let query = RemoteQuery::new(plan.sql.clone(), schema, &plan)?;
    Ok(if exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

fn detail(column: &ColumnDescription) -> Result<Detail, Refusal> {
    Detail::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

struct Postgres;

impl Dialect for Postgres {
    fn placeholder(&self, index: usize) -> String {
        format!("${index}")
    }

    fn output(&self, column: &ColumnDescription) -> String {
        let name = quote(&column.name);
        match detail(column).map(|detail| detail.reading) {
            Ok(Reading::AsText | Reading::PaddedText) => format!("{name}::text"),
            // Pinned columns may be of any type that can be a numeric.
            Ok(Reading::Numeric(Numeric { constrained: false, .. })) => format!("{name}::numeric"),
            _ => name,
        }
    }

    fn operand(
        &self,
        column: &ColumnDescription,
        comparison: Comparison,
    ) -> Result<Operand, Refusal> {
        let Detail { reading, utf8, deterministic } = detail(column)?;
        let name = quote(&column.name);
        let exact = |text: String| Operand { text, guard: None, exact: true };
        let equality = comparison == Comparison::Equal;
        match reading {
            Reading::Boolean if !equality => Err(Refusal::new("booleans are not ordered alike")),
            Reading::Boolean
            | Reading::Int2
            | Reading::Int4
            | Reading::Int8
            | Reading::Float4
            | Reading::Float8 => Ok(exact(name)),
            Reading::Numeric(Numeric { constrained, .. }) => {
                let guard = (constrained && !equality).then(|| format!("{name} <> 'NaN'"));
                Ok(Operand { text: name, guard, exact: constrained })
            }
            Reading::Date | Reading::Timestamp | Reading::TimestampTz => {
                let guard = (!equality).then(|| format!("isfinite({name})"));
                Ok(Operand { text: name, guard, exact: true })
            }
            Reading::Text if equality && deterministic => Ok(exact(name)),
            Reading::Text if utf8 => Ok(exact(format!("{name} COLLATE \"C\""))),
            Reading::PaddedText if equality && deterministic => Ok(exact(name)),
            Reading::PaddedText | Reading::Label if utf8 || equality => {
                Ok(exact(format!("{name}::text COLLATE \"C\"")))
            }
            Reading::Uuid if equality => Ok(exact(name)),
            Reading::Bytes => Ok(exact(name)),
            other => Err(Refusal::new(format!(
                "{} ({other:?}) is not compared alike",
                column.native_type
            ))),
        }
    }

    fn literal(
        &self,
        column: &ColumnDescription,
        value: &ScalarValue,
        _parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        match (detail(column)?.reading, value) {
            (_, ScalarValue::Boolean(Some(value))) => Ok(value.to_string()),
            (_, ScalarValue::Int16(Some(value))) => Ok(value.to_string()),
            (_, ScalarValue::Int32(Some(value))) => Ok(value.to_string()),
            (_, ScalarValue::Int64(Some(value))) => Ok(value.to_string()),
            (_, ScalarValue::Float32(Some(value))) if *value != 0.0 => {
                Ok(format!("'{value:e}'::float4"))
            }
            (_, ScalarValue::Float64(Some(value))) if *value != 0.0 => {
                Ok(format!("'{value:e}'::float8"))
            }
            (_, ScalarValue::Decimal128(Some(unscaled), _, scale)) => {
                Ok(format!("{unscaled}e{}", -i32::from(*scale)))
            }
            (_, ScalarValue::Date32(_)) => time_literal(value, "date"),
            (_, ScalarValue::TimestampMicrosecond(_, None)) => time_literal(value, "timestamp"),
            (_, ScalarValue::TimestampMicrosecond(..)) => time_literal(value, "timestamptz"),
            (_, ScalarValue::Binary(Some(bytes))) => {
                let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                    // Writing to a string cannot fail.
                    write!(hex, "{byte:02x}").ok();
                    hex
                });
                Ok(format!("'\\x{hex}'::bytea"))
            }
            (Reading::Uuid, ScalarValue::Utf8(Some(text))) => {
                let canonical = text.len() == 36
                    && text.char_indices().all(|(index, c)| match index {
                        8 | 13 | 18 | 23 => c == '-',
                        _ => matches!(c, '0'..='9' | 'a'..='f'),
                    });
                if !canonical {
                    return Err(Refusal::new("text that is not a UUID as Postgres writes it"));
                }
                Ok(format!("'{text}'::uuid"))
            }
            (Reading::PaddedText, ScalarValue::Utf8(Some(text))) if text.ends_with(' ') => {
                Err(Refusal::new("text that ends with a blank, compared with char(n)"))
            }
            (Reading::PaddedText, ScalarValue::Utf8(Some(text))) => {
                Ok(format!("{}::bpchar", text_literal(text)?))
            }
            (_, ScalarValue::Utf8(Some(text))) => text_literal(text),
            (_, other) => Err(Refusal::new(format!("a {} literal", other.data_type()))),
        }
    }

    fn null_test(&self, column: &ColumnDescription, is_null: bool) -> Result<Condition, Refusal> {
        let name = quote(&column.name);
        let text = match (detail(column)?.reading, is_null) {
            (Reading::Numeric(Numeric { constrained: true, .. }), true) => {
                format!("({name} IS NULL OR {name} = 'NaN')")
            }
            (Reading::Numeric(Numeric { constrained: true, .. }), false) => {
                format!("{name} <> 'NaN'")
            }
            (Reading::Date | Reading::Timestamp | Reading::TimestampTz, true) => {
                format!("({name} IS NULL OR NOT isfinite({name}))")
            }
            (Reading::Date | Reading::Timestamp | Reading::TimestampTz, false) => {
                format!("isfinite({name})")
            }
            (reading, true) if reading.may_misfit() => {
                return Err(Refusal::new(format!(
                    "which values of {} are read as NULL shows only here",
                    column.native_type
                )));
            }
            (reading, false) if reading.may_misfit() => {
                return Ok(Condition { text: format!("{name} IS NOT NULL"), exact: false });
            }
            (_, true) => format!("{name} IS NULL"),
            (_, false) => format!("{name} IS NOT NULL"),
        };
        Ok(Condition::exact(text))
    }
}

/// Text in which no character of the user's can end the literal.
fn text_literal(text: &str) -> Result<String, Refusal> {
    if text.contains('\0') {
        return Err(Refusal::new("text with a NUL, which Postgres cannot hold"));
    }
    let mut literal = String::with_capacity(text.len() + 8);
    let mut escaped = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || " -_.,:#/@%".contains(c) {
            literal.push(c);
        } else {
            escaped = true;
            // Writing to a string cannot fail.
            write!(literal, "\\+{:06x}", u32::from(c)).ok();
        }
    }
    Ok(format!("{}'{literal}'", if escaped { "U&" } else { "" }))
}

/// A day or time of the years 1 to 9999, which both sides write alike.
fn time_literal(value: &ScalarValue, kind: &str) -> Result<String, Refusal> {
    let array = value.to_array().map_err(|error| Refusal::new(error.to_string()))?;
    let text = datafusion::arrow::util::display::array_value_to_string(&array, 0)
        .map_err(|error| Refusal::new(error.to_string()))?;
    let plain = text.as_bytes().get(4) == Some(&b'-') && !text.starts_with("0000");
    if !plain {
        return Err(Refusal::new("a time before the year 1 or after 9999"));
    }
    Ok(format!("'{text}'::{kind}"))
}

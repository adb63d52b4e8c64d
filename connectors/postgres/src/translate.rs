//! Postgres' dialect: what goes down, and why it means the same there.
//!
//! * Text is equal under a deterministic collation only if it is the same text; ranges, sorts and extremes go down under
//!   `COLLATE "C"`, whose order is that of UTF-8's bytes, which is Arrow's. Equality stays without a collation, so that
//!   indexes serve.
//! * `char(n)` is read without its padding, which Postgres does not compare either.
//! * NaN in a numeric, and infinite times, are read as NULL: a guard keeps them out.
//! * Floats order NaN above all numbers in both. Zero is not compared: `-0.0 = 0.0` there, and not in Arrow; for the
//!   same reason floats are no keys of groups and joins.
//! * Integer and decimal arithmetic is exact in both. Where Arrow would wrap around, Postgres says so. Float arithmetic
//!   stays here: Postgres fails where IEEE 754 has an infinity. Division stays here: its scale is another.
//! * A sum of integers is a numeric there and is turned back into a bigint, or fails.
//!
//! COPY takes no parameters. Numbers and times are written from their typed values; text is written as a Unicode
//! escape literal, in which every character but letters, digits and a few marks is its code point.

use std::fmt::Write;

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::Operator;
use datafusion::scalar::ScalarValue;
use medley_core::predicate::Comparison;
use medley_core::sql::{Call, Condition, Dialect, Form, Operand, Parameter, Value, emit, is_text};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::functions;
use crate::types::{Detail, Numeric, Reading};

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) sql: String,
    /// The table of the answer's stored columns, for reports.
    pub(crate) table: TableName,
    pub(crate) columns: Vec<Column>,
}

/// A column of the answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) reading: Reading,
    /// Whether a value that does not fit is an error, and not read as NULL.
    pub(crate) computed: bool,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let emitted = emit(&Postgres, fragment, capabilities)?;
    let mut columns = Vec::new();
    let mut fields = Vec::new();
    for (name, value) in &emitted.outputs {
        let (reading, computed) = match &value.stored {
            Some(column) => (detail(column)?.reading, false),
            None => (wire(&value.data_type)?.0, true),
        };
        let data_type = reading.shape().data_type();
        fields.push(datafusion::arrow::datatypes::Field::new(name, data_type, true));
        columns.push(Column { name: name.clone(), reading, computed });
    }
    let schema = datafusion::arrow::datatypes::Schema::new(fields).into();
    let table = fragment.first_table().map(|table| table.name.clone());
    let table = table.ok_or_else(|| Refusal::new("nothing is read"))?;
    let plan = Plan { sql: emitted.statement.text, table, columns };
    let query = RemoteQuery::new(plan.sql.clone(), schema, &plan)?;
    Ok(if emitted.exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

fn detail(column: &ColumnDescription) -> Result<Detail, Refusal> {
    Detail::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

/// How a computed value of an Arrow type is sent: its reading, and the type that it is cast to.
pub(crate) fn wire(data_type: &DataType) -> Result<(Reading, &'static str), Refusal> {
    Ok(match data_type {
        DataType::Boolean => (Reading::Boolean, "boolean"),
        DataType::Int16 => (Reading::Int2, "int2"),
        DataType::Int32 => (Reading::Int4, "int4"),
        DataType::Int64 => (Reading::Int8, "int8"),
        DataType::Float32 => (Reading::Float4, "float4"),
        DataType::Float64 => (Reading::Float8, "float8"),
        DataType::Decimal128(precision, scale) if *scale >= 0 => {
            let numeric = Numeric { precision: *precision, scale: *scale, constrained: false };
            (Reading::Numeric(numeric), "numeric")
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (Reading::Text, "text"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            (Reading::Bytes, "bytea")
        }
        DataType::Date32 => (Reading::Date, "date"),
        DataType::Timestamp(_, None) => (Reading::Timestamp, "timestamp"),
        DataType::Timestamp(_, Some(zone)) if is_utc(zone) => (Reading::TimestampTz, "timestamptz"),
        other => return Err(Refusal::new(format!("a computed {other} has no form in Postgres"))),
    })
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "+00:00" | "Z")
}

struct Postgres;

impl Dialect for Postgres {
    fn placeholder(&self, index: usize) -> String {
        format!("${index}")
    }

    fn output(&self, value: &Value) -> Result<String, Refusal> {
        let Some(column) = &value.stored else {
            return Ok(format!("({})::{}", value.text, wire(&value.data_type)?.1));
        };
        Ok(match detail(column)?.reading {
            Reading::AsText | Reading::PaddedText => format!("{}::text", value.text),
            // Pinned columns may be of any type that can be a numeric.
            Reading::Numeric(Numeric { constrained: false, .. }) => {
                format!("{}::numeric", value.text)
            }
            _ => value.text.clone(),
        })
    }

    fn form(&self, column: &ColumnDescription, text: &str) -> Result<Form, Refusal> {
        let Detail { reading, utf8, deterministic } = detail(column)?;
        match reading {
            Reading::Boolean
            | Reading::Int2
            | Reading::Int4
            | Reading::Int8
            | Reading::Float4
            | Reading::Float8
            | Reading::Bytes => Ok(Form::always(text)),
            Reading::Oid => Ok(Form::always(format!("{text}::int8"))),
            Reading::Numeric(numeric) => Ok(numeric_form(numeric, text)),
            Reading::Date | Reading::Timestamp | Reading::TimestampTz => {
                Ok(Form { text: text.to_owned(), fit: Some(format!("isfinite({text})")) })
            }
            _ if !utf8 => Err(Refusal::new("the database's text is not UTF-8")),
            Reading::Text if deterministic => Ok(Form::always(text)),
            Reading::Text => Ok(Form::always(format!("{text} COLLATE \"C\""))),
            Reading::PaddedText | Reading::Label => {
                Ok(Form::always(format!("{text}::text COLLATE \"C\"")))
            }
            Reading::Json | Reading::Jsonb | Reading::Uuid | Reading::AsText => {
                Ok(Form::always(format!("{text}::text")))
            }
            other => Err(Refusal::new(format!(
                "{} ({other:?}) is not computed with alike",
                column.native_type
            ))),
        }
    }

    fn operand(
        &self,
        column: &ColumnDescription,
        text: &str,
        comparison: Comparison,
    ) -> Result<Operand, Refusal> {
        let Detail { reading, utf8, deterministic } = detail(column)?;
        let exact = |text: String| Operand { text, guard: None, exact: true };
        let equality = comparison.is_equality();
        match reading {
            Reading::Boolean if !equality => Err(Refusal::new("booleans are not ordered alike")),
            Reading::Boolean
            | Reading::Int2
            | Reading::Int4
            | Reading::Int8
            | Reading::Float4
            | Reading::Float8
            | Reading::Bytes => Ok(exact(text.to_owned())),
            Reading::Uuid if equality => Ok(exact(text.to_owned())),
            // No literal is NaN, so that equality needs no guard.
            Reading::Numeric(Numeric { constrained: true, .. })
                if comparison == Comparison::Equal =>
            {
                Ok(exact(text.to_owned()))
            }
            Reading::Numeric(numeric) => {
                let Form { text, fit } = numeric_form(numeric, text);
                Ok(Operand { text, guard: fit, exact: true })
            }
            Reading::Date | Reading::Timestamp | Reading::TimestampTz => {
                let guard = (comparison != Comparison::Equal).then(|| format!("isfinite({text})"));
                Ok(Operand { text: text.to_owned(), guard, exact: true })
            }
            Reading::Text | Reading::PaddedText if equality && deterministic => {
                Ok(exact(text.to_owned()))
            }
            Reading::Text if utf8 => Ok(exact(format!("{text} COLLATE \"C\""))),
            Reading::PaddedText | Reading::Label if utf8 || equality => {
                Ok(exact(format!("{text}::text COLLATE \"C\"")))
            }
            other => Err(Refusal::new(format!(
                "{} ({other:?}) is not compared alike",
                column.native_type
            ))),
        }
    }

    fn operand_literal(
        &self,
        column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        match (detail(column)?.reading, value) {
            (Reading::Uuid, ScalarValue::Utf8(Some(text))) => {
                if !is_canonical_uuid(text) {
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
            // Untyped, so that an index over the column's own integers serves.
            (_, ScalarValue::Int64(Some(value))) => Ok(signed(value)),
            (Reading::Float4, ScalarValue::Float64(_)) => {
                Err(Refusal::new("a float compared with a double"))
            }
            (_, other) => self.literal(other, parameters),
        }
    }

    fn null_test(
        &self,
        column: &ColumnDescription,
        text: &str,
        is_null: bool,
    ) -> Result<Condition, Refusal> {
        let reading = detail(column)?.reading;
        if let Ok(Form { fit: Some(fit), .. }) = self.form(column, text) {
            let condition = if is_null { format!("({text} IS NULL OR NOT ({fit}))") } else { fit };
            return Ok(Condition::exact(condition));
        }
        if reading.may_misfit() {
            if is_null {
                return Err(Refusal::new(format!(
                    "which values of {} are read as NULL shows only here",
                    column.native_type
                )));
            }
            return Ok(Condition { text: format!("{text} IS NOT NULL"), exact: false });
        }
        let negation = if is_null { "" } else { "NOT " };
        Ok(Condition::exact(format!("{text} IS {negation}NULL")))
    }

    fn literal(
        &self,
        value: &ScalarValue,
        _parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        if value.is_null() {
            return match wire(&value.data_type()) {
                Ok((_, kind)) => Ok(format!("NULL::{kind}")),
                Err(_) if value.data_type() == DataType::Null => Ok("NULL".to_owned()),
                Err(refusal) => Err(refusal),
            };
        }
        match value {
            ScalarValue::Boolean(Some(value)) => Ok(value.to_string()),
            ScalarValue::Int16(Some(value)) => Ok(signed(value)),
            ScalarValue::Int32(Some(value)) => Ok(signed(value)),
            ScalarValue::Int64(Some(value)) => Ok(format!("{}::int8", signed(value))),
            ScalarValue::Float32(Some(value)) if *value != 0.0 => {
                Ok(format!("'{value:e}'::float4"))
            }
            ScalarValue::Float64(Some(value)) if *value != 0.0 => {
                Ok(format!("'{value:e}'::float8"))
            }
            ScalarValue::Decimal128(Some(unscaled), _, scale) if *scale >= 0 => {
                Ok(format!("'{}'::numeric", decimal(*unscaled, *scale)))
            }
            ScalarValue::Date32(_) => time_literal(value, "date"),
            ScalarValue::TimestampMicrosecond(_, None) => time_literal(value, "timestamp"),
            ScalarValue::TimestampNanosecond(Some(nanos), None) if nanos % 1000 == 0 => {
                let micros = ScalarValue::TimestampMicrosecond(Some(nanos / 1000), None);
                time_literal(&micros, "timestamp")
            }
            ScalarValue::TimestampMicrosecond(_, Some(zone)) if is_utc(zone) => {
                time_literal(value, "timestamptz")
            }
            ScalarValue::Binary(Some(bytes)) => {
                let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                    // Writing to a string cannot fail.
                    write!(hex, "{byte:02x}").ok();
                    hex
                });
                Ok(format!("'\\x{hex}'::bytea"))
            }
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)) => Ok(format!("{}::text", text_literal(text)?)),
            other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
        }
    }

    fn compare(
        &self,
        left: &str,
        operator: Operator,
        right: &str,
        data_type: &DataType,
    ) -> Result<String, Refusal> {
        functions::compare(left, operator, right, data_type)
    }

    fn arithmetic(
        &self,
        left: &Value,
        operator: Operator,
        right: &Value,
        data_type: &DataType,
    ) -> Result<String, Refusal> {
        functions::arithmetic(left, operator, right, data_type)
    }

    fn cast(&self, text: &str, from: &DataType, to: &DataType) -> Result<String, Refusal> {
        functions::cast(text, from, to)
    }

    fn function(&self, call: &Call<'_>) -> Result<String, Refusal> {
        functions::scalar(call)
    }

    fn like(&self, text: &str, pattern: &str, negated: bool) -> Result<String, Refusal> {
        let not = if negated { "NOT " } else { "" };
        Ok(format!("({text} {not}LIKE {})", text_literal(pattern)?))
    }

    fn aggregate(&self, call: &Call<'_>) -> Result<String, Refusal> {
        functions::aggregate(call)
    }

    fn group_key(&self, text: &str, data_type: &DataType) -> Result<String, Refusal> {
        if data_type.is_floating() {
            return Err(Refusal::new("floats as grouping keys: -0.0 and 0.0 are one there"));
        }
        wire(data_type).map(|_| text.to_owned())
    }

    fn sort_key(
        &self,
        text: &str,
        data_type: &DataType,
        ascending: bool,
        nulls_first: bool,
    ) -> Result<String, Refusal> {
        wire(data_type)?;
        let collation = if is_text(data_type) { " COLLATE \"C\"" } else { "" };
        let direction = if ascending { "ASC" } else { "DESC" };
        let nulls = if nulls_first { "FIRST" } else { "LAST" };
        // A bare literal would be a column's position.
        let key = format!("({text}){collation} {direction} NULLS {nulls}");
        if data_type.is_floating() {
            // The two zeros are equal there, and in order here.
            let way = if ascending { "DESC" } else { "ASC" };
            return Ok(format!("{key}, (({text})::text = '-0') {way}"));
        }
        Ok(key)
    }
}

/// A numeric without NaN, and without what its column has no room for.
fn numeric_form(numeric: Numeric, text: &str) -> Form {
    let Numeric { precision, scale, constrained } = numeric;
    if constrained {
        return Form { text: text.to_owned(), fit: Some(format!("{text} <> 'NaN'")) };
    }
    let text = format!("{text}::numeric");
    let integers = i16::from(precision) - i16::from(scale);
    let fit = format!(
        "({text} <> 'NaN' AND abs({text}) < 1e{integers}::numeric AND {text} = round({text}, {scale}))"
    );
    Form { text, fit: Some(fit) }
}

fn signed(value: impl std::fmt::Display) -> String {
    let text = value.to_string();
    // A minus would bind less than the cast that may follow.
    if text.starts_with('-') { format!("({text})") } else { text }
}

fn decimal(unscaled: i128, scale: i8) -> String {
    format!("{unscaled}e{}", -i32::from(scale))
}

fn is_canonical_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == '-',
            _ => matches!(c, '0'..='9' | 'a'..='f'),
        })
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

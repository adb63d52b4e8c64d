//! How each Postgres type is selected, decoded and compared.

mod array;
mod numeric;
mod scalar;

use medley_core::column_builder::ColumnBuilder;
use medley_core::inference::Shape;
use serde::{Deserialize, Serialize};

/// A type as the system catalogs tell it, domains resolved.
pub(crate) struct NativeType {
    pub(crate) name: String,
    /// `pg_type.typtype`
    pub(crate) kind: String,
    /// The type modifier, -1 for none.
    pub(crate) modifier: i32,
    pub(crate) element: Option<String>,
    pub(crate) element_kind: Option<String>,
}

/// What the translator needs to know of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) reading: Reading,
    /// Whether the database's text is UTF-8, so that its binary order is ours.
    pub(crate) utf8: bool,
    /// Whether equal text is the same text under the column's collation.
    pub(crate) deterministic: bool,
}

/// A decimal column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numeric {
    pub(crate) precision: u8,
    pub(crate) scale: i8,
    /// Whether the server keeps values to this form; it never keeps out NaN.
    pub(crate) constrained: bool,
}

/// How a column is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reading {
    Boolean,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric(Numeric),
    /// A numeric whose scale is still to be found.
    UnsizedNumeric,
    Text,
    /// `char(n)`: read without its padding.
    PaddedText,
    /// `name`, `"char"` and enums: text of their own types.
    Label,
    Json,
    Jsonb,
    Uuid,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Array(Box<Reading>),
    /// As the server writes it.
    AsText,
}

/// The length of a type modifier's own header.
const MODIFIER_HEADER: i32 = 4;

impl NativeType {
    pub(crate) fn reading(&self) -> Reading {
        if let Some(element) = &self.element {
            let element = Self {
                name: element.clone(),
                kind: self.element_kind.clone().unwrap_or_default(),
                modifier: self.modifier,
                element: None,
                element_kind: None,
            };
            return match element.reading() {
                // Arrays are decoded in binary, where these have no text form.
                Reading::AsText | Reading::UnsizedNumeric | Reading::PaddedText => Reading::AsText,
                reading => Reading::Array(Box::new(reading)),
            };
        }
        match (self.kind.as_str(), self.name.as_str()) {
            ("e", _) => Reading::Label,
            ("b", name) => self.base(name),
            _ => Reading::AsText,
        }
    }

    fn base(&self, name: &str) -> Reading {
        match name {
            "bool" => Reading::Boolean,
            "int2" => Reading::Int2,
            "int4" => Reading::Int4,
            "int8" => Reading::Int8,
            "oid" => Reading::Oid,
            "float4" => Reading::Float4,
            "float8" => Reading::Float8,
            "numeric" => self.numeric(),
            "text" | "varchar" => Reading::Text,
            "bpchar" => Reading::PaddedText,
            "name" => Reading::Label,
            "json" => Reading::Json,
            "jsonb" => Reading::Jsonb,
            "uuid" => Reading::Uuid,
            "bytea" => Reading::Bytes,
            "date" => Reading::Date,
            "time" => Reading::Time,
            "timestamp" => Reading::Timestamp,
            "timestamptz" => Reading::TimestampTz,
            "interval" => Reading::Interval,
            _ => Reading::AsText,
        }
    }

    fn numeric(&self) -> Reading {
        if self.modifier < MODIFIER_HEADER {
            return Reading::UnsizedNumeric;
        }
        let modifier = self.modifier - MODIFIER_HEADER;
        let precision = (modifier >> 16) & 0xffff;
        // Eleven bits with a sign: scales may be negative since version 15.
        let scale = ((modifier & 0x7ff) ^ 1024) - 1024;
        let digits = if scale < 0 { precision - scale } else { precision.max(scale) };
        match (u8::try_from(digits), i8::try_from(scale.max(0))) {
            (Ok(precision @ 1..=38), Ok(scale)) => {
                Reading::Numeric(Numeric { precision, scale, constrained: true })
            }
            _ => Reading::AsText,
        }
    }
}

impl Reading {
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Boolean => Shape::Boolean,
            Self::Int2 => Shape::Int16,
            Self::Int4 => Shape::Int32,
            Self::Int8 | Self::Oid => Shape::Int64,
            Self::Float4 => Shape::Float,
            Self::Float8 => Shape::Double,
            Self::Numeric(Numeric { precision, scale, .. }) => Shape::Decimal(*precision, *scale),
            Self::UnsizedNumeric
            | Self::Text
            | Self::PaddedText
            | Self::Label
            | Self::Json
            | Self::Jsonb
            | Self::Uuid
            | Self::AsText => Shape::Text,
            Self::Bytes => Shape::Binary,
            Self::Date => Shape::Date,
            Self::Time => Shape::Time,
            Self::Timestamp => Shape::Timestamp,
            Self::TimestampTz => Shape::InstantMicros,
            Self::Interval => Shape::Interval,
            Self::Array(element) => Shape::List(Box::new(element.shape())),
        }
    }

    /// Whether the type has values without an Arrow form, such as NaN.
    pub(crate) fn may_misfit(&self) -> bool {
        match self {
            Self::Numeric(_)
            | Self::Date
            | Self::Time
            | Self::Timestamp
            | Self::TimestampTz
            | Self::Interval
            | Self::Array(_) => true,
            Self::Boolean
            | Self::Int2
            | Self::Int4
            | Self::Int8
            | Self::Oid
            | Self::Float4
            | Self::Float8
            | Self::UnsizedNumeric
            | Self::Text
            | Self::PaddedText
            | Self::Label
            | Self::Json
            | Self::Jsonb
            | Self::Uuid
            | Self::Bytes
            | Self::AsText => false,
        }
    }

    /// Appends a value in Postgres' binary form; none is NULL. Answers with what a value is that does not fit, which
    /// became NULL. An error is a value that is not in the form of its type.
    pub(crate) fn append(
        &self,
        column: &mut ColumnBuilder,
        bytes: Option<&[u8]>,
    ) -> Result<Option<&'static str>, Malformed> {
        let Some(bytes) = bytes else {
            column.append_null();
            return Ok(None);
        };
        match self {
            Self::Array(element) => array::append(element, column, bytes),
            Self::Numeric(Numeric { scale, .. }) => numeric::append(column, bytes, *scale),
            scalar => scalar::append(scalar, column, bytes),
        }
    }
}

/// Bytes that are not in the form of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The first `N` bytes, which are taken away.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (first, rest) = bytes.split_first_chunk::<N>().ok_or(Malformed)?;
    *bytes = rest;
    Ok(*first)
}

/// A value that follows its length; none if the length is -1.
pub(crate) fn take_value<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
    let length = i32::from_be_bytes(take(bytes)?);
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    let (value, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
    *bytes = rest;
    Ok(Some(value))
}

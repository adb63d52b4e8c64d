//! Column types found by looking at values.
//!
//! A connector feeds what it sees into a [`Sample`] (kinds of values by path), and reads from it the [`Shape`] of each
//! column. Types widen only where that is exact: int with long or double, int and long with decimal. Any other
//! mixture becomes JSON text, so that nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Field, Fields, IntervalUnit, TimeUnit,
};
use serde::{Deserialize, Serialize};

use crate::table::Observation;

/// More fields than this in one document are keys of a map, not columns.
const FIELDS_MAX: usize = 1_000;

/// The kinds of values that stores without a schema hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Null or missing.
    Null,
    /// True or false.
    Boolean,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A 64-bit float.
    Double,
    /// A decimal number.
    Decimal,
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// A MongoDB object id.
    ObjectId,
    /// An instant in milliseconds.
    Instant,
    /// An instant in microseconds.
    InstantMicros,
    /// A date and time without a zone, in microseconds.
    Timestamp,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// Months, days and nanoseconds.
    Interval,
    /// Named fields.
    Document,
    /// Elements in order.
    Array,
    /// What has no Arrow type.
    Other,
}

/// How a column or a part of one is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `Boolean`
    Boolean,
    /// `Int16`
    Int16,
    /// `Int32`
    Int32,
    /// `Int64`
    Int64,
    /// `Float32`
    Float,
    /// `Float64`
    Double,
    /// `Decimal128` of a precision and scale.
    Decimal(u8, i8),
    /// `Utf8`
    Text,
    /// `Binary`
    Binary,
    /// `Utf8` of 24 hex digits.
    ObjectId,
    /// `Timestamp(ms, UTC)`
    Instant,
    /// `Timestamp(us, UTC)`
    InstantMicros,
    /// `Timestamp(us)`
    Timestamp,
    /// `Date32`
    Date,
    /// `Time64(ns)`
    Time,
    /// `Interval(MonthDayNano)`
    Interval,
    /// `Utf8` that holds JSON: values of several types, or of one without an Arrow type.
    Json,
    /// `Struct`
    Struct(Vec<(String, Shape)>),
    /// `List`
    List(Box<Shape>),
}

impl Shape {
    /// The Arrow type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        let utc = || Some(Arc::from("UTC"));
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::Text | Self::ObjectId | Self::Json => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Instant => DataType::Timestamp(TimeUnit::Millisecond, utc()),
            Self::InstantMicros => DataType::Timestamp(TimeUnit::Microsecond, utc()),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Nanosecond),
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, shape)| Field::new(name, shape.data_type(), true))
                    .collect::<Fields>(),
            ),
            Self::List(element) => {
                DataType::List(Arc::new(Field::new_list_field(element.data_type(), true)))
            }
        }
    }

    /// Reads a type as a user pins it: `bigint`, `decimal(12,2)`, `text[]` and so on.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        if let Some(element) = text.strip_suffix("[]") {
            return Some(Self::List(Box::new(Self::parse(element)?)));
        }
        if let Some(arguments) =
            text.strip_prefix("decimal(").or_else(|| text.strip_prefix("numeric("))
        {
            let (precision, scale) = arguments.strip_suffix(')')?.split_once(',')?;
            let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
            let valid =
                (1..=DECIMAL128_MAX_PRECISION).contains(&precision) && (0..=38).contains(&scale);
            return valid.then_some(Self::Decimal(precision, scale));
        }
        Some(match text.as_str() {
            "boolean" | "bool" => Self::Boolean,
            "int" | "integer" | "int32" => Self::Int32,
            "bigint" | "long" | "int64" => Self::Int64,
            "double" | "double precision" | "float" | "float64" => Self::Double,
            "text" | "varchar" | "string" => Self::Text,
            "binary" | "bytea" | "blob" => Self::Binary,
            "objectid" => Self::ObjectId,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::InstantMicros,
            "date" => Self::Date,
            "time" => Self::Time,
            "interval" => Self::Interval,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// The types that [`Self::parse`] reads, for messages.
    pub const NAMES: &'static str = "boolean, int, bigint, double, decimal(p,s), text, binary, objectid, timestamp, \
                                     timestamptz, date, time, interval, json, or one of these with []";
}

/// What was seen at one path: kinds with their counts, and what lies below.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    kinds: BTreeMap<(Kind, String), u64>,
    fields: Vec<(String, Sample)>,
    elements: Option<Box<Sample>>,
    integer_digits_max: u8,
    scale_max: u8,
    decimals_unfit: bool,
}

impl Sample {
    /// Counts a value of a kind; `native` is its type in the store's words.
    pub fn observe(&mut self, kind: Kind, native: &str) {
        self.observe_many(kind, native, 1);
    }

    /// Counts several values of a kind.
    pub fn observe_many(&mut self, kind: Kind, native: &str, count: u64) {
        match kind {
            Kind::Int32 => self.integer_digits_max = self.integer_digits_max.max(10),
            Kind::Int64 => self.integer_digits_max = self.integer_digits_max.max(19),
            _ => {}
        }
        if let Some(found) = self.kinds.get_mut(&(kind, native.to_owned())) {
            *found += count;
        } else {
            self.kinds.insert((kind, native.to_owned()), count);
        }
    }

    /// Notes the digits of a decimal value before and after its point; none if it has no finite exact form of at
    /// most 38 digits.
    pub fn observe_digits(&mut self, digits: Option<(u8, u8)>) {
        match digits {
            Some((integer, scale)) => {
                self.integer_digits_max = self.integer_digits_max.max(integer);
                self.scale_max = self.scale_max.max(scale);
            }
            None => self.decimals_unfit = true,
        }
    }

    /// The field of a name below this path.
    pub fn field(&mut self, name: &str) -> &mut Self {
        let position =
            self.fields.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                self.fields.push((name.to_owned(), Self::default()));
                self.fields.len() - 1
            });
        &mut self.fields[position].1
    }

    /// The elements of the arrays at this path.
    pub fn elements(&mut self) -> &mut Self {
        self.elements.get_or_insert_default()
    }

    /// The fields below, in the order in which they were first seen.
    #[must_use]
    pub fn fields(&self) -> &[(String, Self)] {
        &self.fields
    }

    /// The types seen here, in the store's words, the most frequent first.
    #[must_use]
    pub fn native_type(&self) -> String {
        let mut kinds: Vec<_> =
            self.kinds.iter().filter(|((kind, _), _)| *kind != Kind::Null).collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        kinds.iter().map(|((_, native), _)| native.as_str()).collect::<Vec<_>>().join(" or ")
    }

    /// The narrowest shape that reads everything seen without loss.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let mut kinds: Vec<Kind> =
            self.kinds.keys().map(|(kind, _)| *kind).filter(|k| *k != Kind::Null).collect();
        kinds.dedup();
        match kinds.as_slice() {
            [] => Shape::Text,
            [kind] => self.shape_of(*kind),
            [Kind::Int32, Kind::Int64] => Shape::Int64,
            [Kind::Int32, Kind::Double] => Shape::Double,
            [Kind::Int32 | Kind::Int64, Kind::Decimal]
            | [Kind::Int32, Kind::Int64, Kind::Decimal] => self.decimal(),
            _ => Shape::Json,
        }
    }

    fn shape_of(&self, kind: Kind) -> Shape {
        match kind {
            Kind::Null | Kind::Text => Shape::Text,
            Kind::Boolean => Shape::Boolean,
            Kind::Int32 => Shape::Int32,
            Kind::Int64 => Shape::Int64,
            Kind::Double => Shape::Double,
            Kind::Decimal => self.decimal(),
            Kind::Binary => Shape::Binary,
            Kind::ObjectId => Shape::ObjectId,
            Kind::Instant => Shape::Instant,
            Kind::InstantMicros => Shape::InstantMicros,
            Kind::Timestamp => Shape::Timestamp,
            Kind::Date => Shape::Date,
            Kind::Time => Shape::Time,
            Kind::Interval => Shape::Interval,
            Kind::Document if self.fields.is_empty() || self.fields.len() > FIELDS_MAX => {
                Shape::Json
            }
            Kind::Document => Shape::Struct(
                self.fields.iter().map(|(name, sample)| (name.clone(), sample.shape())).collect(),
            ),
            Kind::Array => {
                Shape::List(Box::new(self.elements.as_ref().map_or(Shape::Text, |e| e.shape())))
            }
            Kind::Other => Shape::Json,
        }
    }

    fn decimal(&self) -> Shape {
        if self.decimals_unfit
            || self.integer_digits_max.saturating_add(self.scale_max) > DECIMAL128_MAX_PRECISION
        {
            return Shape::Json;
        }
        Shape::Decimal(DECIMAL128_MAX_PRECISION, i8::try_from(self.scale_max).unwrap_or(i8::MAX))
    }

    /// Appends what was seen here and below, `path` first.
    pub fn observations(&self, path: &str, sampled: u64, into: &mut Vec<Observation>) {
        for ((_, native_type), count) in &self.kinds {
            into.push(Observation {
                path: path.to_owned(),
                native_type: native_type.clone(),
                count: *count,
                sampled,
            });
        }
        for (name, sample) in &self.fields {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            sample.observations(&below, sampled, into);
        }
        if let Some(elements) = &self.elements {
            elements.observations(&format!("{path}[]"), sampled, into);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kinds: &[Kind]) -> Sample {
        let mut sample = Sample::default();
        for kind in kinds {
            sample.observe(*kind, "x");
        }
        sample
    }

    #[test]
    fn types_widen_only_where_that_is_exact() {
        assert_eq!(sample(&[Kind::Null, Kind::Int32]).shape(), Shape::Int32);
        assert_eq!(sample(&[Kind::Int64, Kind::Int32]).shape(), Shape::Int64);
        assert_eq!(sample(&[Kind::Double, Kind::Int32]).shape(), Shape::Double);
        assert_eq!(sample(&[Kind::Double, Kind::Int64]).shape(), Shape::Json);
        assert_eq!(sample(&[Kind::Text, Kind::Int64]).shape(), Shape::Json);
        assert_eq!(sample(&[]).shape(), Shape::Text);
    }

    #[test]
    fn a_decimal_that_does_not_fit_makes_the_column_text() {
        let mut prices = sample(&[Kind::Decimal, Kind::Int32]);
        prices.observe_digits(Some((3, 2)));
        assert_eq!(prices.shape(), Shape::Decimal(38, 2));
        prices.observe_digits(Some((1, 30)));
        assert_eq!(prices.shape(), Shape::Json);
    }

    #[test]
    fn pinned_types_are_read_as_sql_writes_them() {
        assert_eq!(Shape::parse("DECIMAL(12, 2)"), Some(Shape::Decimal(12, 2)));
        assert_eq!(Shape::parse("bigint[]"), Some(Shape::List(Box::new(Shape::Int64))));
        assert_eq!(Shape::parse("decimal(99,2)"), None);
        assert_eq!(Shape::parse("foo"), None);
    }
}

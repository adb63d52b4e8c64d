//! Arrow columns from values whose types are known only at run time.
//!
//! A [`ColumnBuilder`] is made from a [`Shape`] and takes [`Scalar`]s. A value that the shape cannot hold exactly is
//! appended as NULL and answered with `false`, so that the connector can count it. Documents and arrays are taken
//! apart by the connector, which knows their layout, along [`ColumnBuilder::Struct`] and [`ColumnBuilder::List`].

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayBuilder, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
    Float32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder,
    IntervalMonthDayNanoBuilder, ListArray, StringBuilder, StructArray, Time64NanosecondBuilder,
    TimestampMicrosecondBuilder, TimestampMillisecondBuilder,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalMonthDayNano, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::inference::Shape;
use crate::{Error, Result};

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// True or false.
    Boolean(bool),
    /// A 16-bit integer.
    Int16(i16),
    /// A 32-bit integer.
    Int32(i32),
    /// A 64-bit integer.
    Int64(i64),
    /// A 32-bit float.
    Float(f32),
    /// A float.
    Double(f64),
    /// `unscaled / 10^scale`.
    Decimal(i128, i32),
    /// Text; also JSON, for columns of it.
    Text(&'a str),
    /// The hex digits of an object id.
    ObjectId(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// Days since 1970-01-01.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(i64),
    /// Microseconds since 1970, of an instant or of a local time as if it were UTC.
    Micros(i64),
    /// Milliseconds since 1970.
    Millis(i64),
    /// Months, days, nanoseconds.
    Interval(i32, i32, i64),
}

/// A column in the making.
#[derive(Debug)]
pub enum ColumnBuilder {
    /// [`Shape::Boolean`]
    Boolean(BooleanBuilder),
    /// [`Shape::Int16`]
    Int16(Int16Builder),
    /// [`Shape::Int32`]
    Int32(Int32Builder),
    /// [`Shape::Int64`]
    Int64(Int64Builder),
    /// [`Shape::Float`]
    Float(Float32Builder),
    /// [`Shape::Double`]
    Double(Float64Builder),
    /// [`Shape::Decimal`], with its precision and scale.
    Decimal(Decimal128Builder, u8, i8),
    /// [`Shape::Text`]
    Text(StringBuilder),
    /// [`Shape::ObjectId`]
    ObjectId(StringBuilder),
    /// [`Shape::Json`]
    Json(StringBuilder),
    /// [`Shape::Binary`]
    Binary(BinaryBuilder),
    /// [`Shape::Instant`]
    Millis(TimestampMillisecondBuilder),
    /// [`Shape::InstantMicros`] and [`Shape::Timestamp`]
    Micros(TimestampMicrosecondBuilder),
    /// [`Shape::Date`]
    Date(Date32Builder),
    /// [`Shape::Time`]
    Time(Time64NanosecondBuilder),
    /// [`Shape::Interval`]
    Interval(IntervalMonthDayNanoBuilder),
    /// [`Shape::Struct`]
    Struct(StructColumn),
    /// [`Shape::List`]
    List(ListColumn),
}

impl ColumnBuilder {
    /// An empty column.
    #[must_use]
    pub fn new(shape: &Shape) -> Self {
        match shape {
            Shape::Boolean => Self::Boolean(BooleanBuilder::new()),
            Shape::Int16 => Self::Int16(Int16Builder::new()),
            Shape::Int32 => Self::Int32(Int32Builder::new()),
            Shape::Int64 => Self::Int64(Int64Builder::new()),
            Shape::Float => Self::Float(Float32Builder::new()),
            Shape::Double => Self::Double(Float64Builder::new()),
            Shape::Decimal(precision, scale) => Self::Decimal(
                Decimal128Builder::new().with_data_type(DataType::Decimal128(*precision, *scale)),
                *precision,
                *scale,
            ),
            Shape::Text => Self::Text(StringBuilder::new()),
            Shape::ObjectId => Self::ObjectId(StringBuilder::new()),
            Shape::Json => Self::Json(StringBuilder::new()),
            Shape::Binary => Self::Binary(BinaryBuilder::new()),
            Shape::Instant => {
                Self::Millis(TimestampMillisecondBuilder::new().with_data_type(shape.data_type()))
            }
            Shape::InstantMicros | Shape::Timestamp => {
                Self::Micros(TimestampMicrosecondBuilder::new().with_data_type(shape.data_type()))
            }
            Shape::Date => Self::Date(Date32Builder::new()),
            Shape::Time => Self::Time(Time64NanosecondBuilder::new()),
            Shape::Interval => Self::Interval(IntervalMonthDayNanoBuilder::new()),
            Shape::Struct(fields) => Self::Struct(StructColumn::new(fields)),
            Shape::List(element) => Self::List(ListColumn::new(element)),
        }
    }

    /// The number of rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Boolean(b) => b.len(),
            Self::Int16(b) => b.len(),
            Self::Int32(b) => b.len(),
            Self::Int64(b) => b.len(),
            Self::Float(b) => b.len(),
            Self::Double(b) => b.len(),
            Self::Decimal(b, ..) => b.len(),
            Self::Text(b) | Self::ObjectId(b) | Self::Json(b) => b.len(),
            Self::Binary(b) => b.len(),
            Self::Millis(b) => b.len(),
            Self::Micros(b) => b.len(),
            Self::Date(b) => b.len(),
            Self::Time(b) => b.len(),
            Self::Interval(b) => b.len(),
            Self::Struct(column) => column.validity.len(),
            Self::List(column) => column.validity.len(),
        }
    }

    /// Whether there are no rows yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends NULL.
    pub fn append_null(&mut self) {
        match self {
            Self::Boolean(b) => b.append_null(),
            Self::Int16(b) => b.append_null(),
            Self::Int32(b) => b.append_null(),
            Self::Int64(b) => b.append_null(),
            Self::Float(b) => b.append_null(),
            Self::Double(b) => b.append_null(),
            Self::Decimal(b, ..) => b.append_null(),
            Self::Text(b) | Self::ObjectId(b) | Self::Json(b) => b.append_null(),
            Self::Binary(b) => b.append_null(),
            Self::Millis(b) => b.append_null(),
            Self::Micros(b) => b.append_null(),
            Self::Date(b) => b.append_null(),
            Self::Time(b) => b.append_null(),
            Self::Interval(b) => b.append_null(),
            Self::Struct(column) => {
                column.validity.push(false);
                column.children.iter_mut().for_each(Self::append_null);
            }
            Self::List(column) => column.close(false),
        }
    }

    /// Appends a value, or NULL and `false` if the column cannot hold it exactly. An int fits a long, a double or a
    /// decimal; a long fits a decimal; nothing else changes its type.
    pub fn append(&mut self, value: Scalar<'_>) -> bool {
        match (&mut *self, value) {
            (Self::Boolean(b), Scalar::Boolean(v)) => b.append_value(v),
            (Self::Int16(b), Scalar::Int16(v)) => b.append_value(v),
            (Self::Int32(b), Scalar::Int32(v)) => b.append_value(v),
            (Self::Int64(b), Scalar::Int64(v)) => b.append_value(v),
            (Self::Int64(b), Scalar::Int32(v)) => b.append_value(i64::from(v)),
            (Self::Float(b), Scalar::Float(v)) => b.append_value(v),
            (Self::Double(b), Scalar::Double(v)) => b.append_value(v),
            (Self::Double(b), Scalar::Int32(v)) => b.append_value(f64::from(v)),
            (Self::Decimal(..), Scalar::Int32(v)) => return self.append_decimal(i128::from(v), 0),
            (Self::Decimal(..), Scalar::Int64(v)) => return self.append_decimal(i128::from(v), 0),
            (Self::Decimal(..), Scalar::Decimal(unscaled, scale)) => {
                return self.append_decimal(unscaled, scale);
            }
            (Self::Text(b) | Self::Json(b), Scalar::Text(v)) => b.append_value(v),
            (Self::ObjectId(b), Scalar::ObjectId(v)) => b.append_value(v),
            (Self::Binary(b), Scalar::Binary(v)) => b.append_value(v),
            (Self::Millis(b), Scalar::Millis(v)) => b.append_value(v),
            (Self::Micros(b), Scalar::Micros(v)) => b.append_value(v),
            (Self::Date(b), Scalar::Date(v)) => b.append_value(v),
            (Self::Time(b), Scalar::Time(v)) => b.append_value(v),
            (Self::Interval(b), Scalar::Interval(months, days, nanoseconds)) => {
                b.append_value(IntervalMonthDayNano { months, days, nanoseconds });
            }
            _ => {
                self.append_null();
                return false;
            }
        }
        true
    }

    fn append_decimal(&mut self, unscaled: i128, from_scale: i32) -> bool {
        let Self::Decimal(builder, precision, scale) = self else { return false };
        match rescale(unscaled, from_scale, i32::from(*scale))
            .filter(|v| fits_precision(*v, *precision))
        {
            Some(value) => builder.append_value(value),
            None => builder.append_null(),
        }
        builder.validity_slice().is_none_or(|bits| {
            let last = builder.len() - 1;
            bits[last / 8] & (1 << (last % 8)) != 0
        })
    }

    /// The column as an array, leaving an empty one.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorKind::Internal) if parts of a struct or list went out of step.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Boolean(b) => Arc::new(b.finish()),
            Self::Int16(b) => Arc::new(b.finish()),
            Self::Int32(b) => Arc::new(b.finish()),
            Self::Int64(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Double(b) => Arc::new(b.finish()),
            Self::Decimal(b, ..) => Arc::new(b.finish()),
            Self::Text(b) | Self::ObjectId(b) | Self::Json(b) => Arc::new(b.finish()),
            Self::Binary(b) => Arc::new(b.finish()),
            Self::Millis(b) => Arc::new(b.finish()),
            Self::Micros(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Interval(b) => Arc::new(b.finish()),
            Self::Struct(column) => column.finish()?,
            Self::List(column) => column.finish()?,
        })
    }
}

/// `unscaled / 10^from` as a number over `10^to`, if that is exact and has at most 38 digits.
#[must_use]
pub fn rescale(unscaled: i128, from: i32, to: i32) -> Option<i128> {
    if unscaled == 0 {
        return Some(0);
    }
    if to >= from {
        let factor = 10_i128.checked_pow(u32::try_from(to - from).ok()?)?;
        return unscaled.checked_mul(factor);
    }
    let factor = 10_i128.checked_pow(u32::try_from(from - to).ok()?)?;
    (unscaled % factor == 0).then(|| unscaled / factor)
}

/// Whether a number has at most so many digits.
#[must_use]
pub fn fits_precision(unscaled: i128, precision: u8) -> bool {
    10_u128.checked_pow(u32::from(precision)).is_none_or(|limit| unscaled.unsigned_abs() < limit)
}

/// Reads `-12.340` as `(-12340, 3)`; none for anything but plain decimal notation of at most 38 digits.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<(i128, i32)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let empty = integer.is_empty() && fraction.is_empty();
    if empty || !all_digits(integer) || !all_digits(fraction) {
        return None;
    }
    let unscaled: i128 = format!("{integer}{fraction}").parse().ok()?;
    if !fits_precision(unscaled, 38) {
        return None;
    }
    Some((if negative { -unscaled } else { unscaled }, i32::try_from(fraction.len()).ok()?))
}

/// The names of fields, found fast when documents keep one order.
#[derive(Debug)]
pub struct FieldIndex {
    names: Vec<String>,
    positions: HashMap<String, usize>,
}

impl FieldIndex {
    /// An index over unique names.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        let positions =
            names.iter().enumerate().map(|(position, name)| (name.clone(), position)).collect();
        Self { names, positions }
    }

    /// The position of a name, which is probably `hint`.
    #[must_use]
    pub fn find(&self, name: &str, hint: usize) -> Option<usize> {
        if self.names.get(hint).is_some_and(|known| known == name) {
            return Some(hint);
        }
        self.positions.get(name).copied()
    }

    /// The name at a position; empty beyond the last.
    #[must_use]
    pub fn name(&self, position: usize) -> &str {
        self.names.get(position).map_or("", String::as_str)
    }
}

/// A struct column: its children take the fields of each document.
#[derive(Debug)]
pub struct StructColumn {
    /// The fields' names.
    pub index: Arc<FieldIndex>,
    /// One column a field.
    pub children: Vec<ColumnBuilder>,
    validity: Vec<bool>,
    fields: Fields,
}

impl StructColumn {
    fn new(fields: &[(String, Shape)]) -> Self {
        Self {
            index: Arc::new(FieldIndex::new(fields.iter().map(|(name, _)| name.clone()).collect())),
            children: fields.iter().map(|(_, shape)| ColumnBuilder::new(shape)).collect(),
            validity: Vec::new(),
            fields: fields
                .iter()
                .map(|(name, shape)| Field::new(name, shape.data_type(), true))
                .collect(),
        }
    }

    /// Ends a row: fields that got no value are NULL.
    pub fn close(&mut self) {
        self.validity.push(true);
        let rows = self.validity.len();
        for child in &mut self.children {
            if child.len() < rows {
                child.append_null();
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let children =
            self.children.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>>>()?;
        let validity = NullBuffer::from(std::mem::take(&mut self.validity));
        Ok(Arc::new(StructArray::try_new(self.fields.clone(), children, Some(validity))?))
    }
}

/// A list column: its child takes the elements, and [`Self::close`] ends a row.
#[derive(Debug)]
pub struct ListColumn {
    /// The elements.
    pub child: Box<ColumnBuilder>,
    ends: Vec<usize>,
    validity: Vec<bool>,
    field: Arc<Field>,
}

impl ListColumn {
    fn new(element: &Shape) -> Self {
        Self {
            child: Box::new(ColumnBuilder::new(element)),
            ends: Vec::new(),
            validity: Vec::new(),
            field: Arc::new(Field::new_list_field(element.data_type(), true)),
        }
    }

    /// Ends a row, whose elements were appended to the child.
    pub fn close(&mut self, valid: bool) {
        self.ends.push(self.child.len());
        self.validity.push(valid);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let mut lengths = Vec::with_capacity(self.ends.len());
        let mut previous = 0;
        for end in std::mem::take(&mut self.ends) {
            lengths.push(end - previous);
            previous = end;
        }
        let validity = NullBuffer::from(std::mem::take(&mut self.validity));
        let offsets = OffsetBuffer::from_lengths(lengths);
        let child = self.child.finish()?;
        Ok(Arc::new(ListArray::try_new(self.field.clone(), offsets, child, Some(validity))?))
    }
}

/// The columns of a batch in the making, with their names.
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    /// The columns' names in the store.
    pub index: Arc<FieldIndex>,
    /// The columns.
    pub columns: Vec<ColumnBuilder>,
    rows: usize,
}

impl BatchBuilder {
    /// An empty batch. `fields` are the names in the store and the shapes of the schema's columns.
    #[must_use]
    pub fn new(schema: SchemaRef, fields: &[(String, Shape)]) -> Self {
        Self {
            schema,
            index: Arc::new(FieldIndex::new(fields.iter().map(|(name, _)| name.clone()).collect())),
            columns: fields.iter().map(|(_, shape)| ColumnBuilder::new(shape)).collect(),
            rows: 0,
        }
    }

    /// Ends a row: columns that got no value are NULL.
    pub fn close_row(&mut self) {
        self.rows += 1;
        for column in &mut self.columns {
            if column.len() < self.rows {
                column.append_null();
            }
        }
    }

    /// The complete rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as a batch, leaving none.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorKind::Internal) if columns do not fit the schema.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let columns =
            self.columns.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>>>()?;
        let options =
            RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit_or_become_null() {
        let mut column = ColumnBuilder::new(&Shape::Decimal(5, 2));
        assert!(column.append(Scalar::Decimal(123, 1)));
        assert!(column.append(Scalar::Decimal(12_300, 3)));
        assert!(!column.append(Scalar::Decimal(12_345, 3)), "a third digit after the point");
        assert!(!column.append(Scalar::Decimal(1_000, 0)), "a fourth digit before it");
        assert!(column.append(Scalar::Int32(-7)));
        assert_eq!(column.len(), 5);
        assert_eq!(column.finish().unwrap().null_count(), 2);
    }

    #[test]
    fn plain_decimal_notation_is_read_and_nothing_else() {
        assert_eq!(parse_decimal("-12.340"), Some((-12_340, 3)));
        assert_eq!(parse_decimal("7"), Some((7, 0)));
        for text in ["", ".", "-", "1e5", " 1", "+1", "1.2.3", "NaN", &"9".repeat(39)] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }
}

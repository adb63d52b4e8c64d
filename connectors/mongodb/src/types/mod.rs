//! From BSON to Arrow.

mod decimal;
mod json;

use medley_core::column_builder::{ColumnBuilder, Scalar};
use medley_core::inference::{Kind, Sample};
use medley_core::{Error, ErrorKind, Report, Result, TableName};
use mongodb::bson::spec::ElementType;
use mongodb::bson::{RawBsonRef, RawDocument};

pub(crate) use decimal::to_decimal128;

/// What a document that cannot be read is called.
pub(crate) fn malformed(table: &TableName) -> Error {
    Error::new(
        ErrorKind::Remote,
        "read documents",
        format!("\"{table}\" holds a document that is not valid BSON"),
    )
}

/// The type in MongoDB's words, as `$type` takes it.
pub(crate) fn type_name(element: ElementType) -> &'static str {
    match element {
        ElementType::Double => "double",
        ElementType::String => "string",
        ElementType::EmbeddedDocument => "object",
        ElementType::Array => "array",
        ElementType::Binary => "binData",
        ElementType::Undefined => "undefined",
        ElementType::ObjectId => "objectId",
        ElementType::Boolean => "bool",
        ElementType::DateTime => "date",
        ElementType::Null => "null",
        ElementType::RegularExpression => "regex",
        ElementType::DbPointer => "dbPointer",
        ElementType::JavaScriptCode => "javascript",
        ElementType::Symbol => "symbol",
        ElementType::JavaScriptCodeWithScope => "javascriptWithScope",
        ElementType::Int32 => "int",
        ElementType::Timestamp => "timestamp",
        ElementType::Int64 => "long",
        ElementType::Decimal128 => "decimal",
        ElementType::MinKey => "minKey",
        ElementType::MaxKey => "maxKey",
    }
}

fn kind(element: ElementType) -> Kind {
    match element {
        ElementType::Null | ElementType::Undefined => Kind::Null,
        ElementType::Double => Kind::Double,
        ElementType::String => Kind::Text,
        ElementType::EmbeddedDocument => Kind::Document,
        ElementType::Array => Kind::Array,
        ElementType::Binary => Kind::Binary,
        ElementType::ObjectId => Kind::ObjectId,
        ElementType::Boolean => Kind::Boolean,
        ElementType::DateTime => Kind::Instant,
        ElementType::Int32 => Kind::Int32,
        ElementType::Int64 => Kind::Int64,
        ElementType::Decimal128 => Kind::Decimal,
        ElementType::RegularExpression
        | ElementType::DbPointer
        | ElementType::JavaScriptCode
        | ElementType::Symbol
        | ElementType::JavaScriptCodeWithScope
        | ElementType::Timestamp
        | ElementType::MinKey
        | ElementType::MaxKey => Kind::Other,
    }
}

/// Counts a value and what is below it.
pub(crate) fn observe(sample: &mut Sample, value: RawBsonRef<'_>, table: &TableName) -> Result<()> {
    let element = value.element_type();
    sample.observe(kind(element), type_name(element));
    match value {
        RawBsonRef::Document(document) => {
            for entry in document {
                let (name, value) = entry.map_err(|_| malformed(table))?;
                observe(sample.field(name), value, table)?;
            }
        }
        RawBsonRef::Array(array) => {
            for value in array {
                observe(sample.elements(), value.map_err(|_| malformed(table))?, table)?;
            }
        }
        RawBsonRef::Decimal128(decimal) => sample.observe_digits(decimal::digits(decimal)),
        _ => {}
    }
    Ok(())
}

/// Appends values of one table's documents.
pub(crate) struct Appender<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) report: &'a Report,
    /// Whether values are computed, so that one that does not fit is an error.
    pub(crate) computed: bool,
}

impl Appender<'_> {
    /// Appends a value to the column, whose name or path is `path`.
    pub(crate) fn append(
        &self,
        column: &mut ColumnBuilder,
        value: RawBsonRef<'_>,
        path: &str,
    ) -> Result<()> {
        let fits = match (&mut *column, value) {
            (_, RawBsonRef::Null | RawBsonRef::Undefined) => {
                column.append_null();
                true
            }
            (ColumnBuilder::Json(_), value) => {
                column.append(Scalar::Text(&json::text(value, self.table)?))
            }
            (ColumnBuilder::Struct(fields), RawBsonRef::Document(document)) => {
                let index = fields.index.clone();
                let row = fields.children.first().map_or(0, ColumnBuilder::len);
                self.append_fields(&mut fields.children, &index, document, row, path)?;
                fields.close();
                true
            }
            (ColumnBuilder::List(list), RawBsonRef::Array(array)) => {
                for value in array {
                    self.append(&mut list.child, value.map_err(|_| malformed(self.table))?, path)?;
                }
                list.close(true);
                true
            }
            // With all 34 digits in use the sum may have been rounded.
            (_, RawBsonRef::Decimal128(value)) if self.computed && decimal::is_full(value) => false,
            (_, value) => append_scalar(column, value),
        };
        if fits {
            return Ok(());
        }
        self.report.misfit(self.table, path, type_name(value.element_type()), self.computed)
    }

    /// Appends the fields of a document that are among the columns. Those that it lacks are left to be closed.
    pub(crate) fn append_fields(
        &self,
        columns: &mut [ColumnBuilder],
        index: &medley_core::column_builder::FieldIndex,
        document: &RawDocument,
        row: usize,
        path: &str,
    ) -> Result<()> {
        let mut hint = 0;
        for entry in document {
            let (name, value) = entry.map_err(|_| malformed(self.table))?;
            let Some(position) = index.find(name, hint) else { continue };
            hint = position + 1;
            let column = &mut columns[position];
            // Of fields with one name the first counts, as it does in MongoDB's own queries.
            if column.len() > row {
                continue;
            }
            if path.is_empty() {
                self.append(column, value, name)?;
            } else {
                self.append(column, value, &format!("{path}.{name}"))?;
            }
        }
        Ok(())
    }
}

fn append_scalar(column: &mut ColumnBuilder, value: RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::Boolean(value) => column.append(Scalar::Boolean(value)),
        RawBsonRef::Int32(value) => column.append(Scalar::Int32(value)),
        RawBsonRef::Int64(value) => column.append(Scalar::Int64(value)),
        // One NaN, as in the other stores.
        RawBsonRef::Double(value) => {
            column.append(Scalar::Double(if value.is_nan() { f64::NAN } else { value }))
        }
        RawBsonRef::String(text) => column.append(Scalar::Text(text)),
        RawBsonRef::ObjectId(id) => column.append(Scalar::ObjectId(&id.to_hex())),
        RawBsonRef::DateTime(time) => column.append(Scalar::Millis(time.timestamp_millis())),
        RawBsonRef::Binary(binary) => column.append(Scalar::Binary(binary.bytes)),
        RawBsonRef::Decimal128(value) => match decimal::parts(value) {
            Some((unscaled, scale)) => column.append(Scalar::Decimal(unscaled, scale)),
            None => {
                column.append_null();
                false
            }
        },
        _ => {
            column.append_null();
            false
        }
    }
}

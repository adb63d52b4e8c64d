//! Formats that are written row by row, as the rows come.

use std::io::Write;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::csv::Writer as CsvWriter;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{JsonFormat, Writer as JsonWriter};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use medley_engine::Result;
use parquet::arrow::ArrowWriter;

use super::{Destination, Printer, Reader, outcome, written};

pub(super) struct CsvPrinter(pub(super) CsvWriter<Destination>);

impl Printer for CsvPrinter {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader> {
        let flat = flat(batch).map_err(written)?;
        outcome(self.0.write(&flat))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        outcome(self.0.into_inner().flush().map_err(Into::into)).map(drop)
    }
}

/// CSV has no nested values: they are written as text.
pub(super) fn flat_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let data_type =
                if is_flat(field.data_type()) { field.data_type().clone() } else { DataType::Utf8 };
            Field::new(field.name(), data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn is_flat(data_type: &DataType) -> bool {
    !data_type.is_nested()
        && !matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

fn flat(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            if is_flat(column.data_type()) {
                return Ok(column.clone());
            }
            let formatter = ArrayFormatter::try_new(column, &options)?;
            let texts = (0..column.len())
                .map(|row| (!column.is_null(row)).then(|| formatter.value(row).to_string()));
            Ok(Arc::new(texts.collect::<StringArray>()) as ArrayRef)
        })
        .collect::<Result<Vec<_>, arrow::error::ArrowError>>()?;
    RecordBatch::try_new(flat_schema(&batch.schema()), columns)
}

pub(super) struct JsonPrinter<F: JsonFormat>(pub(super) JsonWriter<Destination, F>);

impl<F: JsonFormat> Printer for JsonPrinter<F> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader> {
        outcome(self.0.write(batch))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        outcome(self.0.finish())?;
        let mut destination = self.0.into_inner();
        outcome(destination.flush().map_err(Into::into)).map(drop)
    }
}

pub(super) struct ParquetPrinter(pub(super) ArrowWriter<Destination>);

impl Printer for ParquetPrinter {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader> {
        outcome(self.0.write(batch).map_err(Into::into))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        outcome(self.0.close().map(drop).map_err(Into::into)).map(drop)
    }
}

pub(super) struct ArrowPrinter(pub(super) StreamWriter<Destination>);

impl Printer for ArrowPrinter {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader> {
        outcome(self.0.write(batch))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        outcome(self.0.finish().and_then(|()| self.0.flush())).map(drop)
    }
}

pub(super) struct MarkdownPrinter(Destination);

impl MarkdownPrinter {
    pub(super) fn new(schema: &SchemaRef, mut destination: Destination) -> Result<Self> {
        let names: Vec<_> = schema.fields().iter().map(|field| escaped(field.name())).collect();
        let rule = "---|".repeat(names.len());
        outcome(writeln!(destination, "| {} |\n|{rule}", names.join(" | ")).map_err(Into::into))?;
        Ok(Self(destination))
    }
}

impl Printer for MarkdownPrinter {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader> {
        let options = FormatOptions::default().with_null("NULL");
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(written)?;
        for row in 0..batch.num_rows() {
            let cells: Vec<_> =
                formatters.iter().map(|cell| escaped(&cell.value(row).to_string())).collect();
            let line = writeln!(self.0, "| {} |", cells.join(" | ")).map_err(Into::into);
            if outcome(line)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        Ok(Reader::Listening)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        outcome(self.0.flush().map_err(Into::into)).map(drop)
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "<br>")
}

//! Writing rows, in one of seven formats.

mod rows;
mod table;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder as JsonBuilder};
use arrow::record_batch::RecordBatch;
use clap::ValueEnum;
use medley_engine::core::{Error as ContractError, ErrorKind};
use medley_engine::{Error, Result};
use parquet::arrow::ArrowWriter;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Boxes for eyes
    Table,
    /// Comma separated values with a header
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Ndjson,
    /// A Markdown table
    Markdown,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl Format {
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "csv" => Self::Csv,
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "md" => Self::Markdown,
            "parquet" => Self::Parquet,
            "arrow" | "arrows" => Self::Arrow,
            "txt" => Self::Table,
            _ => return None,
        })
    }
}

/// Whether anyone still reads what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Listening,
    /// Such as `head`, which has seen enough.
    Gone,
}

/// Writes batches in a format.
pub(crate) trait Printer {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader>;
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Where rows go.
pub(crate) struct Destination(BufWriter<Box<dyn Write + Send>>);

impl Destination {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let inner: Box<dyn Write + Send> = match path {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(File::create(path).map_err(|error| {
                let message = format!("cannot write {}", path.display());
                ContractError::new(ErrorKind::Config, "open output", message).with_source(error)
            })?),
        };
        Ok(Self(BufWriter::new(inner)))
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

pub(crate) fn printer(
    format: Format,
    schema: SchemaRef,
    destination: Destination,
    max_rows: usize,
) -> Result<Box<dyn Printer>> {
    let json = || JsonBuilder::new().with_explicit_nulls(true);
    Ok(match format {
        Format::Table => Box::new(table::TablePrinter::new(schema, destination, max_rows)),
        Format::Markdown => Box::new(rows::MarkdownPrinter::new(&schema, destination)?),
        Format::Csv => {
            // A header stands also above no rows.
            let mut writer = CsvBuilder::new().with_header(true).build(destination);
            writer.write(&RecordBatch::new_empty(rows::flat_schema(&schema))).map_err(written)?;
            Box::new(rows::CsvPrinter(writer))
        }
        Format::Json => Box::new(rows::JsonPrinter(json().build::<_, JsonArray>(destination))),
        Format::Ndjson => {
            Box::new(rows::JsonPrinter(json().build::<_, LineDelimited>(destination)))
        }
        Format::Parquet => Box::new(rows::ParquetPrinter(
            ArrowWriter::try_new(destination, schema, None)
                .map_err(|error| written(error.into()))?,
        )),
        Format::Arrow => Box::new(rows::ArrowPrinter(
            StreamWriter::try_new(destination, &schema).map_err(written)?,
        )),
    })
}

/// A failure to write in words, or the end of the reader.
fn outcome(result: Result<(), arrow::error::ArrowError>) -> Result<Reader> {
    match result {
        Ok(()) => Ok(Reader::Listening),
        Err(error) if is_broken_pipe(&error) => Ok(Reader::Gone),
        Err(error) => Err(written(error)),
    }
}

fn is_broken_pipe(error: &arrow::error::ArrowError) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
        {
            return true;
        }
        next = error.source();
    }
    // Arrow's CSV writer keeps only the words of the error below it.
    error.to_string().contains("Broken pipe")
}

fn written(error: arrow::error::ArrowError) -> Error {
    let message = format!("cannot write the rows: {error}");
    ContractError::new(ErrorKind::Data, "write rows", message).into()
}

//! Boxes for eyes: the first rows, and how many there were.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_schema;
use medley_engine::Result;

use super::{Destination, Printer, Reader, outcome, written};

pub(super) struct TablePrinter {
    schema: SchemaRef,
    destination: Destination,
    max_rows: usize,
    kept: Vec<RecordBatch>,
    kept_rows: usize,
    rows: usize,
}

impl TablePrinter {
    pub(super) fn new(schema: SchemaRef, destination: Destination, max_rows: usize) -> Self {
        let max_rows = if max_rows == 0 { usize::MAX } else { max_rows };
        Self { schema, destination, max_rows, kept: Vec::new(), kept_rows: 0, rows: 0 }
    }
}

impl Printer for TablePrinter {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Reader> {
        self.rows += batch.num_rows();
        let take = batch.num_rows().min(self.max_rows - self.kept_rows);
        if take > 0 {
            self.kept.push(batch.slice(0, take));
            self.kept_rows += take;
        }
        Ok(Reader::Listening)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let options = FormatOptions::default().with_null("NULL").with_display_error(true);
        let text = if self.kept.is_empty() {
            pretty_format_batches_with_schema(self.schema.clone(), &[])
                .map_err(written)?
                .to_string()
        } else {
            arrow::util::pretty::pretty_format_batches_with_options(&self.kept, &options)
                .map_err(written)?
                .to_string()
        };
        let hidden = self.rows - self.kept_rows;
        let more = if hidden > 0 {
            format!("... and {hidden} more rows; --max-rows 0 shows all\n")
        } else {
            String::new()
        };
        let written =
            write!(self.destination, "{text}\n{more}").and_then(|()| self.destination.flush());
        outcome(written.map_err(Into::into)).map(drop)
    }
}

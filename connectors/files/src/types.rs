//! File formats by ending, and the table that reads a source.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::arrow::ArrowFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};
use serde::{Deserialize, Serialize};

/// What a table is read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// A file; or a folder, with a slash at its end.
    pub(crate) path: String,
    pub(crate) format: Format,
    /// The files' ending, which the files of a folder share.
    pub(crate) ending: String,
    pub(crate) header: bool,
    pub(crate) delimiter: u8,
    /// The whole table's schema, once it is known.
    pub(crate) schema: Option<SchemaRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    Csv,
    JsonLines,
    Parquet,
    Arrow,
}

impl Format {
    /// The format of a file name; none if its ending is not one that is read.
    pub(crate) fn of(path: &Path) -> Option<(Self, String)> {
        let ending = path.extension()?.to_str()?;
        let format = match ending.to_lowercase().as_str() {
            "csv" | "tsv" => Self::Csv,
            "json" | "jsonl" | "ndjson" => Self::JsonLines,
            "parquet" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        };
        Some((format, ending.to_owned()))
    }
}

impl Source {
    /// A context of its own: files share nothing with the session that asks.
    pub(crate) fn context(batch_rows: usize) -> SessionContext {
        let mut config =
            SessionConfig::new().with_batch_size(batch_rows).with_collect_statistics(true);
        let options = config.options_mut();
        options.sql_parser.parse_float_as_decimal = true;
        options.execution.parquet.schema_force_view_types = false;
        options.execution.parquet.pushdown_filters = true;
        SessionContext::new_with_config(config)
    }

    pub(crate) async fn table(&self, context: &SessionContext) -> Result<Arc<ListingTable>> {
        let delimiter =
            if self.ending.eq_ignore_ascii_case("tsv") { b'\t' } else { self.delimiter };
        let format: Arc<dyn FileFormat> = match self.format {
            Format::Csv => Arc::new(
                CsvFormat::default().with_has_header(self.header).with_delimiter(delimiter),
            ),
            Format::JsonLines => Arc::new(JsonFormat::default()),
            Format::Parquet => Arc::new(ParquetFormat::default().with_force_view_types(false)),
            Format::Arrow => Arc::new(ArrowFormat),
        };
        let options = ListingOptions::new(format).with_file_extension(format!(".{}", self.ending));
        let config = ListingTableConfig::new(ListingTableUrl::parse(&self.path)?)
            .with_listing_options(options);
        let config = match &self.schema {
            Some(schema) => config.with_schema(schema.clone()),
            None => config.infer_schema(&context.state()).await?,
        };
        Ok(Arc::new(ListingTable::try_new(config)?))
    }
}

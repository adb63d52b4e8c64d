//! Answers as rows of text, which compare across stores.

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use medley_engine::{Error, Session};

/// Rows of text, with the schema they came from.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The schema.
    pub schema: SchemaRef,
    /// Cells in order; NULL is `NULL`.
    pub cells: Vec<Vec<String>>,
}

/// Runs a statement to its end.
///
/// # Errors
/// The statement's own failure.
pub async fn ask(session: &Session, sql: &str) -> Result<Rows, Error> {
    let answer = session.sql(sql).await?;
    let schema = answer.schema();
    let batches: Vec<RecordBatch> = answer.stream.try_collect().await?;
    rows(&schema, &batches).map_err(|error| Error::statement(error.to_string()))
}

/// One column of a statement's answer.
///
/// # Errors
/// The statement's own failure.
pub async fn column(session: &Session, sql: &str) -> Result<Vec<String>, Error> {
    let rows = ask(session, sql).await?;
    Ok(rows.cells.into_iter().filter_map(|row| row.into_iter().next()).collect())
}

/// Batches as text.
///
/// # Errors
/// A value that has no text.
pub fn rows(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Rows> {
    let options = FormatOptions::default().with_null("NULL").with_display_error(false);
    let mut cells = Vec::new();
    for batch in batches {
        let formatters = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c, &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            cells.push(
                formatters
                    .iter()
                    .map(|f| f.value(row).try_to_string())
                    .collect::<Result<Vec<_>, _>>()?,
            );
        }
    }
    Ok(Rows { schema: schema.clone(), cells })
}

/// The rows of two answers, sorted, in a form in which equal values are equal text: decimals without trailing zeros,
/// midnights as days, and columns that are floats in either answer to two digits.
#[must_use]
pub fn comparable(left: &Rows, right: &Rows) -> (Vec<String>, Vec<String>) {
    let is_float = |rows: &Rows, index: usize| {
        rows.schema.fields().get(index).is_some_and(|field| field.data_type().is_floating())
    };
    let columns = left.schema.fields().len();
    let floats: Vec<bool> =
        (0..columns).map(|index| is_float(left, index) || is_float(right, index)).collect();
    let normal = |rows: &Rows| {
        let mut lines: Vec<String> = rows
            .cells
            .iter()
            .map(|row| {
                let cells = row.iter().enumerate().map(|(index, cell)| {
                    let float = floats.get(index).copied().unwrap_or(false);
                    let data_type = rows.schema.field(index).data_type();
                    normalized(cell, float, data_type)
                });
                cells.collect::<Vec<_>>().join("|")
            })
            .collect();
        lines.sort();
        lines
    };
    (normal(left), normal(right))
}

fn normalized(cell: &str, float: bool, data_type: &DataType) -> String {
    if float && let Ok(value) = cell.parse::<f64>() {
        return format!("{value:.2}");
    }
    match data_type {
        DataType::Decimal128(..) if cell.contains('.') => {
            cell.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        DataType::Timestamp(..) => {
            cell.trim_end_matches('Z').trim_end_matches("T00:00:00").to_owned()
        }
        _ => cell.to_owned(),
    }
}

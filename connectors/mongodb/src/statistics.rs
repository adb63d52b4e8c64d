//! Document counts and sizes from the collection's metadata.

use medley_core::{Figure, Result, TableDescription, TableStatistics};
use mongodb::bson::doc;

use crate::client::Handle;

pub(crate) async fn of(handle: &Handle, table: &TableDescription) -> Result<TableStatistics> {
    let database = handle.client().await?.database(&table.name.schema);
    let answer = database
        .run_command(doc! { "collStats": &table.name.table })
        .await
        .map_err(|error| handle.error("read statistics", error))?;
    let number = |key: &str| {
        let value = answer.get(key)?;
        let whole = value.as_i64().or_else(|| value.as_i32().map(i64::from))?;
        u64::try_from(whole).ok()
    };
    let Some(rows) = number("count") else { return Ok(TableStatistics::unknown()) };
    let mut statistics = TableStatistics::of_rows(Figure::Estimated(rows));
    statistics.bytes = number("size").map_or(Figure::Unknown, Figure::Estimated);
    Ok(statistics)
}

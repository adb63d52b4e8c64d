//! Row counts from Neo4j's count store.

use medley_core::{Figure, Result, TableDescription, TableStatistics};
use serde::Deserialize;

use crate::catalog::count;
use crate::client::Handle;
use crate::cypher::Entity;

pub(crate) async fn of(handle: &Handle, table: &TableDescription) -> Result<TableStatistics> {
    let Ok(entity) = Entity::deserialize(&table.detail) else {
        return Ok(TableStatistics::unknown());
    };
    let rows = count(handle, entity, &table.name.table).await?;
    Ok(TableStatistics::of_rows(Figure::Estimated(u64::try_from(rows).unwrap_or(0))))
}

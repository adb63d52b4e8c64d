//! Tables and their columns, from SQLite's own schema.

use medley_core::inference::{Kind, Sample, Shape};
use medley_core::sql::quote;
use medley_core::table::{TableKind, TableListing};
use medley_core::{ColumnDescription, Error, ErrorKind, Result, TableDescription, TableName};
use sqlx::{AssertSqlSafe, Row};

use crate::client::{SCHEMA, SqliteConnector};
use crate::error::from_sqlx;
use crate::types;

/// Rows looked at to find the type of a column that declares none.
const SAMPLE_ROWS: usize = 1000;

pub(crate) async fn list_tables(connector: &SqliteConnector) -> Result<Vec<TableListing>> {
    let sql = "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let rows = sqlx::query(sql)
        .fetch_all(connector.pool())
        .await
        .map_err(|error| from_sqlx("list tables", connector.path(), error))?;
    Ok(rows
        .iter()
        .map(|row| TableListing {
            name: TableName::new(SCHEMA, row.get::<String, _>(0)),
            kind: if row.get::<String, _>(1) == "view" { TableKind::View } else { TableKind::Base },
        })
        .collect())
}

pub(crate) async fn describe_table(
    connector: &SqliteConnector,
    table: &TableName,
) -> Result<TableDescription> {
    let fail = |error| from_sqlx("describe table", connector.path(), error);
    let not_found =
        || Error::new(ErrorKind::NotFound, "describe table", format!("no table \"{table}\""));
    if table.schema != SCHEMA {
        return Err(not_found());
    }
    // Names are compared without case by the pragma, so the very name is looked up first.
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1",
    )
    .bind(&table.table)
    .fetch_optional(connector.pool())
    .await
    .map_err(fail)?;
    found.ok_or_else(not_found)?;
    let encoding: String =
        sqlx::query_scalar("PRAGMA encoding").fetch_one(connector.pool()).await.map_err(fail)?;
    let rows =
        sqlx::query("SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1)")
            .bind(&table.table)
            .fetch_all(connector.pool())
            .await
            .map_err(fail)?;
    let mut columns = Vec::new();
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in rows.iter().filter(|row| row.get::<i64, _>("hidden") != 1) {
        let name: String = row.get("name");
        let declared: String = row.get("type");
        let shape = match types::declared(&declared) {
            Some(shape) => shape,
            None => sampled(connector, table, &name).await?,
        };
        let detail = types::Detail { shape, utf8: encoding == "UTF-8" };
        let mut column = ColumnDescription::new(&name, detail.shape.data_type(), declared);
        column.detail = serde_json::to_value(&detail)?;
        if row.get::<i64, _>("pk") > 0 {
            key.push((row.get("pk"), name));
        }
        columns.push(column);
    }
    key.sort();
    let mut description = TableDescription::new(table.clone(), columns);
    description.key = key.into_iter().map(|(_, name)| name).collect();
    Ok(description)
}

/// The type of a column by what its first rows hold.
async fn sampled(connector: &SqliteConnector, table: &TableName, column: &str) -> Result<Shape> {
    let column = quote(column);
    let sql = format!(
        "SELECT typeof(v), count(*) FROM (SELECT {column} AS v FROM {} LIMIT {SAMPLE_ROWS}) GROUP BY 1",
        quote(&table.table)
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connector.pool())
        .await
        .map_err(|error| from_sqlx("describe table", connector.path(), error))?;
    let mut sample = Sample::default();
    for row in &rows {
        let native: String = row.get(0);
        let kind = match native.as_str() {
            "integer" => Kind::Int64,
            "real" => Kind::Double,
            "text" => Kind::Text,
            "blob" => Kind::Binary,
            _ => Kind::Null,
        };
        sample.observe(kind, &native);
    }
    Ok(sample.shape())
}

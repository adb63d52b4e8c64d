//! Row counts and column figures from what ANALYZE left; partitions are added up.

use medley_core::statistics::ColumnStatistics;
use medley_core::{Figure, Result, TableDescription, TableStatistics};
use sqlx::Row;

use crate::client::PostgresConnector;

const ROWS: &str = "
WITH RECURSIVE parts AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2
  UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN parts p ON p.oid = i.inhparent
)
SELECT sum(greatest(c.reltuples, 0))::float8, bool_or(c.reltuples >= 0), sum(pg_relation_size(c.oid))::float8
FROM parts p JOIN pg_class c ON c.oid = p.oid AND c.relkind IN ('r', 'm', 'f')";

const COLUMNS: &str = "
SELECT attname, null_frac::float8, n_distinct::float8, avg_width::int8
FROM pg_stats WHERE schemaname = $1 AND tablename = $2 AND NOT inherited";

pub(crate) async fn of(
    connector: &PostgresConnector,
    table: &TableDescription,
) -> Result<TableStatistics> {
    let fail = |error| connector.client.error("read statistics", error);
    let mut lease = connector.client.lease().await?;
    let name = &table.name;
    let row = sqlx::query(ROWS)
        .bind(&name.schema)
        .bind(&name.table)
        .fetch_one(lease.connection()?)
        .await
        .map_err(fail)?;
    let columns = sqlx::query(COLUMNS)
        .bind(&name.schema)
        .bind(&name.table)
        .fetch_all(lease.connection()?)
        .await
        .map_err(fail)?;
    lease.finish();
    let rows: Option<f64> = row.get(0);
    let Some(rows) = rows.filter(|_| row.get::<Option<bool>, _>(1) == Some(true)) else {
        return Ok(TableStatistics::unknown());
    };
    let mut statistics = TableStatistics::of_rows(Figure::Estimated(whole(rows)));
    statistics.bytes = row
        .get::<Option<f64>, _>(2)
        .map_or(Figure::Unknown, |bytes| Figure::Estimated(whole(bytes)));
    for column in &columns {
        let distinct: f64 = column.get(2);
        // A negative number is a share of the rows.
        let distinct = if distinct < 0.0 { -distinct * rows } else { distinct };
        let figures = ColumnStatistics {
            distinct: if distinct > 0.0 {
                Figure::Estimated(whole(distinct))
            } else {
                Figure::Unknown
            },
            null_share: Figure::Estimated(column.get(1)),
            width_bytes: Figure::Estimated(u64::try_from(column.get::<i64, _>(3)).unwrap_or(0)),
        };
        statistics.columns.insert(column.get(0), figures);
    }
    Ok(statistics)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, made non-negative first"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

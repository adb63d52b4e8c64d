//! Row counts: the highest row id, which SQLite knows at once.

use medley_core::sql::quote;
use medley_core::{Figure, TableDescription, TableStatistics};
use sqlx::AssertSqlSafe;

use crate::client::SqliteConnector;

pub(crate) async fn of(connector: &SqliteConnector, table: &TableDescription) -> TableStatistics {
    let sql = format!("SELECT max(rowid) FROM {}", quote(&table.name.table));
    let highest: Result<Option<i64>, _> =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connector.pool()).await;
    match highest {
        Ok(highest) => {
            let rows = u64::try_from(highest.unwrap_or(0)).unwrap_or(0);
            TableStatistics::of_rows(Figure::Estimated(rows))
        }
        // Views and tables without row ids have no such number.
        Err(_) => TableStatistics::unknown(),
    }
}

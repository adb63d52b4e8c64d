//! All eight tables in Postgres, by COPY, with keys, indexes and statistics.

use std::fmt::Write;

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::tables::{Kind, TABLES, Table};
use crate::stores::Store;

/// COPY messages of about this size keep the server busy without holding a table in memory.
const CHUNK_BYTES: usize = 1 << 20;

pub(super) async fn is_loaded(database: &str) -> bool {
    let Ok(mut connection) = PgConnection::connect(&Store::Postgres.url(database)).await else {
        return false;
    };
    let comment = "SELECT obj_description('public.lineitem'::regclass)";
    let found: Result<Option<String>, _> =
        sqlx::query_scalar(comment).fetch_one(&mut connection).await;
    matches!(found, Ok(Some(text)) if text == "complete")
}

pub(super) async fn load(database: &str, scale_factor: f64) -> Result<()> {
    let mut admin = PgConnection::connect(&Store::Postgres.url("postgres")).await?;
    for statement in [
        format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
        format!("CREATE DATABASE {database}"),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await?;
    }
    let mut connection = PgConnection::connect(&Store::Postgres.url(database)).await?;
    for table in TABLES {
        load_table(&mut connection, table, scale_factor).await?;
    }
    sqlx::query("ANALYZE").execute(&mut connection).await?;
    sqlx::query("COMMENT ON TABLE lineitem IS 'complete'").execute(&mut connection).await?;
    Ok(())
}

async fn load_table(connection: &mut PgConnection, table: &Table, scale_factor: f64) -> Result<()> {
    let name = table.name;
    sqlx::query(AssertSqlSafe(create_table(table)?)).execute(&mut *connection).await?;
    let mut copy = connection
        .copy_in_raw(&format!("COPY {name} FROM STDIN WITH (FORMAT text, DELIMITER '|')"))
        .await?;
    let mut chunk = String::with_capacity(CHUNK_BYTES + 1024);
    for line in table.lines(scale_factor) {
        chunk.push_str(line.strip_suffix('|').unwrap_or(&line));
        chunk.push('\n');
        if chunk.len() >= CHUNK_BYTES {
            copy.send(std::mem::take(&mut chunk).into_bytes()).await?;
        }
    }
    copy.send(chunk.into_bytes()).await?;
    copy.finish().await?;
    let key = format!("ALTER TABLE {name} ADD PRIMARY KEY ({})", table.key.join(", "));
    sqlx::query(AssertSqlSafe(key)).execute(&mut *connection).await?;
    for column in table.indexes {
        let index = format!("CREATE INDEX ON {name} ({column})");
        sqlx::query(AssertSqlSafe(index)).execute(&mut *connection).await?;
    }
    Ok(())
}

fn create_table(table: &Table) -> Result<String> {
    let mut sql = format!("CREATE TABLE {} (", table.name);
    for (index, (column, kind)) in table.columns.iter().enumerate() {
        let kind = match kind {
            Kind::Int => "integer",
            Kind::Long => "bigint",
            Kind::Decimal => "numeric(15,2)",
            Kind::Date => "date",
            Kind::Text => "text",
        };
        let comma = if index == 0 { "" } else { ", " };
        write!(sql, "{comma}{column} {kind} NOT NULL")?;
    }
    sql.push(')');
    Ok(sql)
}

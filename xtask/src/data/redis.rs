//! Redis: hashes `customer:{c_custkey}`, `part:{p_partkey}` and `supplier:{s_suppkey}`, JSON strings
//! `session:{c_custkey}`, the sorted set `leaderboard` (balance of each customer) and the stream `events`.

use anyhow::Result;
use redis::aio::MultiplexedConnection;
use redis::{Client, Pipeline};
use serde_json::json;

use super::tables::{Table, fields};
use crate::stores::Store;

const PIPELINE_COMMANDS: usize = 2_000;
const MARKER: &str = "medley:scale_factor";

async fn connect(database: &str) -> Result<MultiplexedConnection> {
    Ok(Client::open(Store::Redis.url(database))?.get_multiplexed_async_connection().await?)
}

pub(super) async fn is_loaded(scale_factor: f64) -> Result<bool> {
    // The marker lies in the last database, so that database 0 holds the shop and nothing else.
    let mut connection = connect("15").await?;
    let found: Option<String> = redis::cmd("GET").arg(MARKER).query_async(&mut connection).await?;
    let mut shop = connect("0").await?;
    let keys: i64 = redis::cmd("DBSIZE").query_async(&mut shop).await?;
    Ok(found.is_some_and(|text| text == scale_factor.to_string()) && keys > 0)
}

pub(super) async fn load(scale_factor: f64) -> Result<()> {
    let mut connection = connect("0").await?;
    redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await?;
    for (table, prefix) in [("customer", "customer"), ("part", "part"), ("supplier", "supplier")] {
        load_hashes(&mut connection, Table::named(table), prefix, scale_factor).await?;
    }
    load_sessions(&mut connection, scale_factor).await?;
    let mut marker = connect("15").await?;
    Ok(redis::cmd("SET").arg(MARKER).arg(scale_factor.to_string()).query_async(&mut marker).await?)
}

async fn load_hashes(
    connection: &mut MultiplexedConnection,
    table: &Table,
    prefix: &str,
    scale_factor: f64,
) -> Result<()> {
    let mut pipeline = redis::pipe();
    for line in table.lines(scale_factor) {
        let mut values = fields(&line);
        let key = values.next().unwrap_or_default();
        let command = pipeline.cmd("HSET").arg(format!("{prefix}:{key}"));
        for ((column, _), value) in table.columns.iter().skip(1).zip(values) {
            command.arg(*column).arg(value);
        }
        command.ignore();
        flush_when_full(connection, &mut pipeline).await?;
    }
    flush(connection, &mut pipeline).await
}

async fn load_sessions(connection: &mut MultiplexedConnection, scale_factor: f64) -> Result<()> {
    const PAGES: [&str; 5] = ["/", "/cart", "/search", "/product", "/checkout"];
    let mut pipeline = redis::pipe();
    for (index, line) in Table::named("customer").lines(scale_factor).enumerate() {
        let row: Vec<_> = fields(&line).collect();
        let key: i64 = row[0].parse()?;
        let page = PAGES[index % PAGES.len()];
        let session =
            json!({ "user": row[1], "page": page, "visits": key % 17, "active": key % 4 != 0 });
        pipeline.cmd("SET").arg(format!("session:{key}")).arg(session.to_string()).ignore();
        pipeline.cmd("ZADD").arg("leaderboard").arg(row[5]).arg(key).ignore();
        if index % 10 == 0 {
            let command = pipeline.cmd("XADD").arg("events").arg(format!("{}-0", index + 1));
            command.arg("custkey").arg(key).arg("page").arg(page).ignore();
        }
        flush_when_full(connection, &mut pipeline).await?;
    }
    flush(connection, &mut pipeline).await
}

async fn flush_when_full(
    connection: &mut MultiplexedConnection,
    pipeline: &mut Pipeline,
) -> Result<()> {
    if pipeline.len() < PIPELINE_COMMANDS {
        return Ok(());
    }
    flush(connection, pipeline).await
}

async fn flush(connection: &mut MultiplexedConnection, pipeline: &mut Pipeline) -> Result<()> {
    if !pipeline.is_empty() {
        std::mem::replace(pipeline, redis::pipe()).query_async::<()>(connection).await?;
    }
    Ok(())
}

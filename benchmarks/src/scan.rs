//! A full scan of `lineitem`, beside the store's own client drained without decoding.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use medley_engine::Session;
use mongodb::bson::Document;
use sqlx::{Connection, PgConnection};
use xtask::data::database;
use xtask::stores::Store;

use crate::SCALE_FACTOR;

const ROWS: usize = 600_572;
const RUNS: usize = 3;

/// Reads both tables whole and prints the times and the process's peak memory.
///
/// # Errors
/// A store that fails, or that holds other rows.
pub(crate) async fn run(session: &Session) -> Result<()> {
    for (store, table) in [("postgres", "pg.lineitem"), ("mongodb", "docs.lineitem")] {
        let (first, all) = best(async || scan(session, table).await).await?;
        println!(
            "medley {store}: first rows {:.3} s, all {ROWS} rows {:.3} s, peak memory {} MB",
            first.as_secs_f64(),
            all.as_secs_f64(),
            peak_memory_mb()?
        );
    }
    let (_, native) = best(async || drain_postgres().await).await?;
    println!("native postgres (COPY, not decoded): {:.3} s", native.as_secs_f64());
    let (_, native) = best(async || drain_mongodb().await).await?;
    println!("native mongodb (raw batches, not decoded): {:.3} s", native.as_secs_f64());
    Ok(())
}

async fn best(run: impl AsyncFn() -> Result<(Duration, Duration)>) -> Result<(Duration, Duration)> {
    let mut best = run().await?;
    for _ in 1..RUNS {
        let next = run().await?;
        if next.1 < best.1 {
            best = next;
        }
    }
    Ok(best)
}

/// Until the first rows, and until all.
async fn scan(session: &Session, table: &str) -> Result<(Duration, Duration)> {
    let started = Instant::now();
    let mut answer = session.sql(&format!("SELECT * FROM {table}")).await?;
    let (mut first, mut rows) = (None, 0);
    while let Some(batch) = answer.stream.try_next().await? {
        first.get_or_insert_with(|| started.elapsed());
        rows += batch.num_rows();
    }
    ensure!(rows == ROWS, "{table} has {rows} rows: load SF 0.1");
    Ok((first.context("no rows")?, started.elapsed()))
}

async fn drain_postgres() -> Result<(Duration, Duration)> {
    let mut connection =
        PgConnection::connect(&Store::Postgres.url(&database(SCALE_FACTOR))).await?;
    let started = Instant::now();
    let mut messages = connection.copy_out_raw("COPY lineitem TO STDOUT (FORMAT binary)").await?;
    while messages.try_next().await?.is_some() {}
    Ok((Duration::ZERO, started.elapsed()))
}

async fn drain_mongodb() -> Result<(Duration, Duration)> {
    let name = database(SCALE_FACTOR);
    let client = mongodb::Client::with_uri_str(Store::Mongodb.url(&name)).await?;
    let started = Instant::now();
    let mut batches = client
        .database(&name)
        .collection::<Document>("lineitem")
        .aggregate([])
        .batch_size(8192)
        .batch()
        .await?;
    while let Some(batch) = batches.next().await {
        batch?;
    }
    Ok((Duration::ZERO, started.elapsed()))
}

/// The most memory that the process ever held, as Linux tells it.
fn peak_memory_mb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("VmHWM")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kilobytes / 1024)
}

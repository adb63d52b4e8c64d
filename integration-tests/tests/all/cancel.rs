//! Dropping an answer ends its query in the store, within two seconds.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::StreamExt;
use medley_integration_tests::stores;
use sqlx::{Connection, PgConnection};
use xtask::stores::Store;

const RUNNING: &str = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%\"slow_view\"%'";

/// Waits until so many queries over the slow view run.
async fn wait_for(connection: &mut PgConnection, running: i64, limit: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let found: i64 = sqlx::query_scalar(RUNNING).fetch_one(&mut *connection).await?;
        if found == running {
            return Ok(());
        }
        ensure!(started.elapsed() < limit, "{found} queries run, not {running}, after {limit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_answer_runs_on_in_no_store() -> Result<()> {
    let url = Store::Postgres.url("postgres");
    let session = stores::session(&format!("[catalog.x]\nurl = \"{url}\"\n")).await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql("CREATE OR REPLACE VIEW public.slow_view AS SELECT pg_sleep(60)::text AS v")
        .execute(&mut connection)
        .await?;
    let mut answer = session.sql("SELECT v FROM x.slow_view").await?;
    let waiting = tokio::spawn(async move { answer.stream.next().await.is_some() });
    wait_for(&mut connection, 1, Duration::from_secs(10)).await?;
    waiting.abort();
    wait_for(&mut connection, 0, Duration::from_secs(2)).await
}

//! Off is off: the stores' own records of what they ran show a pushed operator when it is on, and not when it is off.

use anyhow::{Context, Result, ensure};
use medley_engine::config::Config;
use medley_engine::{Engine, Session};
use medley_integration_tests::answers::ask;
use medley_integration_tests::stores;
use mongodb::bson::{Document, doc};
use sqlx::{Connection, PgConnection, Row};
use xtask::stores::Store;

/// A setting, a query that needs the operator, and what Postgres' and MongoDB's own records then show.
const CASES: [(&str, &str, &str, &str); 5] = [
    ("filter", "SELECT s FROM {t} WHERE k = 2", "WHERE", "$match"),
    ("limit", "SELECT s FROM {t} LIMIT 2", "LIMIT", "$limit"),
    ("aggregate", "SELECT s, count(*) FROM {t} GROUP BY s", "GROUP BY", "$group"),
    ("sort", "SELECT k FROM {t} ORDER BY k LIMIT 2", "ORDER BY", "$sort"),
    ("project", "SELECT s FROM {t}", "SELECT t1.\"s\" FROM", "$project"),
];

fn session(catalog: &str) -> Result<Session> {
    let config = Config::parse(catalog, std::path::Path::new(""))?;
    Ok(Engine::builder().config(config).build()?.session())
}

async fn with(session: &Session, switch: &str, on: bool, sql: &str) -> Result<usize> {
    session.sql(&format!("SET medley.pushdown_{switch} = {on}")).await?;
    Ok(ask(session, sql).await?.cells.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_ran_what_was_pushed_and_nothing_else() -> Result<()> {
    stores::ready().await?;
    let url = Store::Postgres.url("postgres");
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(
        "DROP SCHEMA IF EXISTS switches CASCADE; CREATE SCHEMA switches;
         CREATE TABLE switches.t (k bigint PRIMARY KEY, s text); INSERT INTO switches.t VALUES (1, 'a'), (2, 'b'), (3, 'b')",
    )
    .execute(&mut connection)
    .await?;
    let session = session(&format!("[catalog.pg]\ntype = \"postgres\"\nurl = \"{url}\""))?;
    for (switch, sql, shown, _) in CASES {
        let sql = sql.replace("{t}", "pg.switches.t");
        let mut rows = Vec::new();
        for on in [false, true] {
            rows.push(with(&session, switch, on, &sql).await?);
            let last = sqlx::query(
                "SELECT query FROM pg_stat_activity WHERE application_name = 'medley'
                 AND query LIKE 'COPY%\"switches\".\"t\"%' ORDER BY query_start DESC LIMIT 1",
            )
            .fetch_one(&mut connection)
            .await?;
            let ran: String = last.get(0);
            ensure!(ran.contains(shown) == on, "{switch} = {on}: {ran}");
        }
        ensure!(rows[0] == rows[1], "{switch}: {rows:?} rows");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_ran_what_was_pushed_and_nothing_else() -> Result<()> {
    stores::ready().await?;
    let url = Store::Mongodb.url("switches");
    let database = mongodb::Client::with_uri_str(&url).await?.database("switches");
    database.drop().await?;
    let documents = [(1_i64, "a"), (2, "b"), (3, "b")].map(|(k, s)| doc! { "k": k, "s": s });
    database.collection("t").insert_many(documents).await?;
    database.run_command(doc! { "profile": 2 }).await?;
    let session = session(&format!("[catalog.docs]\ntype = \"mongodb\"\nurl = \"{url}\""))?;
    for (switch, sql, _, shown) in CASES {
        let sql = sql.replace("{t}", "docs.switches.t");
        let mut rows = Vec::new();
        for on in [false, true] {
            rows.push(with(&session, switch, on, &sql).await?);
            let last: Document = database
                .collection("system.profile")
                .find_one(doc! { "ns": "switches.t", "command.aggregate": "t" })
                .sort(doc! { "ts": -1 })
                .await?
                .context("a record")?;
            let ran = last.get_document("command")?.get_array("pipeline")?;
            let ran = format!("{ran:?}");
            ensure!(ran.contains(shown) == on, "{switch} = {on}: {ran}");
        }
        ensure!(rows[0] == rows[1], "{switch}: {rows:?} rows");
    }
    database.run_command(doc! { "profile": 0 }).await?;
    Ok(())
}

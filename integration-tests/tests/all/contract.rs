//! The contract suite on every store, over tables with NULLs, extremes and values of the wrong type.

use std::sync::Arc;

use anyhow::{Result, ensure};
use medley_core::config::CatalogOptions;
use medley_core::{Connector, ConnectorFactory, TableName, testkit};
use medley_engine::connectors::Registry;
use medley_integration_tests::stores;
use mongodb::bson::{Bson, DateTime, doc};
use neo4rs::query;
use serde_json::json;
use sqlx::{Connection, PgConnection, SqliteConnection};
use xtask::stores::Store;

fn connector(kind: &str, options: serde_json::Value) -> Result<Arc<dyn Connector>> {
    let serde_json::Value::Object(options) = options else {
        anyhow::bail!("options are an object")
    };
    let registry = Registry::built_in();
    let factory: &Arc<dyn ConnectorFactory> = registry.get(kind)?;
    Ok(factory.create("store", CatalogOptions(options))?)
}

async fn holds(connector: &Arc<dyn Connector>, table: &TableName, passed_min: usize) -> Result<()> {
    let outcome = testkit::run(connector, table).await?;
    ensure!(
        outcome.failures.is_empty(),
        "{} failures: {:#?}",
        outcome.failures.len(),
        outcome.failures
    );
    ensure!(outcome.passed >= passed_min, "only {} cases were run", outcome.passed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() -> Result<()> {
    stores::ready().await?;
    let url = Store::Postgres.url("postgres");
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(
        "DROP SCHEMA IF EXISTS contract CASCADE; CREATE SCHEMA contract;
         CREATE TYPE contract.mood AS ENUM ('sad', 'ok', 'happy');
         CREATE TABLE contract.t (i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision,
           n numeric(12,3), m numeric, b boolean, s text, c char(5), v varchar(20), y bytea, d date, t time,
           ts timestamp, tz timestamptz, iv interval, u uuid, j jsonb, a integer[], e contract.mood, x money);
         INSERT INTO contract.t VALUES
           (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL),
           (-32768, -2147483648, -9223372036854775808, '-Infinity', '-Infinity', -999999999.999, -1.5, false, '', '',
            '', '', '0001-01-01', '00:00', '0001-01-01 00:00', '0001-01-01 00:00+00', '0',
            '00000000-0000-0000-0000-000000000000', '{}', '{}', 'sad', 0),
           (32767, 2147483647, 9223372036854775807, 'NaN', 'NaN', 'NaN', 12345678901234567890.5, true, 'Zebra', 'ab',
            'ä', '\\xff00', '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999', '2024-03-31 01:30+00',
            '1 mon 2 days 3.5 s', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{\"a\": 1}', '{1,NULL,3}', 'happy', 12.34),
           (0, 0, 0, 0, '-0', 0, 0, true, 'apple', 'abcde', '''; DROP', '\\x00', 'infinity', '12:00', 'infinity',
            '-infinity', '-1 day', '12345678-1234-1234-1234-123456789abc', '[1]', '{7}', 'ok', -1),
           (1, 1, 1, 1.5, 1.5, 0.001, 1, false, 'Äpfel 🍎', 'a  b', 'back\\slash', '\\x61', '2024-02-29', '06:30',
            '2024-02-29 12:00', '2024-02-29 12:00+00', '1 year', NULL, 'null', NULL, 'ok', 1)",
    )
    .execute(&mut connection)
    .await?;
    holds(&connector("postgres", json!({ "url": url }))?, &TableName::new("contract", "t"), 250)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb() -> Result<()> {
    stores::ready().await?;
    let url = Store::Mongodb.url("contract");
    let database = mongodb::Client::with_uri_str(&url).await?.database("contract");
    database.drop().await?;
    let decimal = |text: &str| text.parse::<mongodb::bson::Decimal128>().map(Bson::Decimal128);
    database
        .collection("t")
        .insert_many([
            doc! { "i": i32::MIN, "l": i64::MIN, "d": f64::NEG_INFINITY, "n": decimal("-1.50")?, "s": "", "b": false,
                   "t": DateTime::from_millis(-62_135_596_800_000), "o": { "x": 1 }, "a": [1, 2], "mixed": 1 },
            doc! { "i": i32::MAX, "l": i64::MAX, "d": f64::NAN, "n": decimal("12345678901234567890.25")?, "s": "Zebra",
                   "b": true, "t": DateTime::from_millis(253_402_300_799_999_i64), "o": { "x": 2, "y": "z" }, "a": [],
                   "mixed": "two" },
            doc! { "i": 0, "l": 0_i64, "d": -0.0, "n": decimal("0")?, "s": "Äpfel 🍎", "b": true, "dotted.key": 5,
                   "t": DateTime::from_millis(0), "o": Bson::Null, "a": Bson::Null, "mixed": { "a": 1 }, "$cash": 3 },
            doc! { "i": Bson::Null, "l": 7, "d": 1.5, "n": 7, "s": "apple", "": "empty name" },
            doc! {},
        ])
        .await?;
    let connector = connector("mongodb", json!({ "url": url }))?;
    let table = TableName::new("contract", "t");
    // Described before the documents that do not fit come in.
    connector.describe_table(&table).await?;
    holds(&connector, &table, 100).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_with_types_pinned_against_the_data() -> Result<()> {
    stores::ready().await?;
    let url = Store::Mongodb.url("contract_pinned");
    let database = mongodb::Client::with_uri_str(&url).await?.database("contract_pinned");
    database.drop().await?;
    database
        .collection("t")
        .insert_many([
            doc! { "i": 5, "s": "five" },
            doc! { "i": 5_i64, "s": 5 },
            doc! { "i": 5.5, "s": ["five"] },
            doc! { "i": "5", "s": { "five": 5 } },
            doc! { "i": [5, 6], "s": Bson::Null },
            doc! {},
        ])
        .await?;
    let options = json!({ "url": url, "columns": { "t.i": "bigint", "t.s": "text" } });
    holds(&connector("mongodb", options)?, &TableName::new("contract_pinned", "t"), 25).await
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() -> Result<()> {
    stores::ready().await?;
    let url = Store::Redis.url("3");
    let mut connection =
        redis::Client::open(url.clone())?.get_multiplexed_async_connection().await?;
    redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await?;
    for (id, age, note) in
        [(1, "30", "a"), (2, "-7", "ä🍎"), (10, "not a number", ""), (-3, "007", "x y")]
    {
        redis::cmd("HSET")
            .arg(format!("user:{id}"))
            .arg("age")
            .arg(age)
            .arg("note")
            .arg(note)
            .query_async::<()>(&mut connection)
            .await?;
    }
    redis::cmd("HSET").arg("user:007").arg("age").arg(1).query_async::<()>(&mut connection).await?;
    redis::cmd("HSET").arg("user:4").arg("other").arg(1).query_async::<()>(&mut connection).await?;
    redis::cmd("RPUSH")
        .arg("queue")
        .arg("x")
        .arg("y")
        .arg("x")
        .query_async::<()>(&mut connection)
        .await?;
    redis::cmd("ZADD")
        .arg("rank:a")
        .arg(1.5)
        .arg("m")
        .arg("-inf")
        .arg("n")
        .query_async::<()>(&mut connection)
        .await?;
    redis::cmd("SET")
        .arg("doc:a")
        .arg(r#"{"n": 1, "t": {"x": [1, 2]}}"#)
        .query_async::<()>(&mut connection)
        .await?;
    redis::cmd("SET").arg("doc:b").arg("not json").query_async::<()>(&mut connection).await?;
    let options = json!({ "url": url, "tables": {
        "user": { "key": "user:{id}", "type": "hash", "columns": { "id": "bigint", "age": "bigint" } },
        "queue": { "key": "queue", "type": "list" },
        "rank": { "key": "rank:{board}", "type": "zset" },
        "doc": { "key": "doc:{id}", "type": "json" },
    } });
    let connector = connector("redis", options)?;
    for (table, passed_min) in [("user", 20), ("queue", 12), ("rank", 15), ("doc", 15)] {
        holds(&connector, &TableName::new("db3", table), passed_min).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn neo4j() -> Result<()> {
    stores::ready().await?;
    let graph = xtask::stores::neo4j_graph()?;
    graph.run(query("MATCH (n:ContractCase) DETACH DELETE n")).await?;
    graph
        .run(query(
            "CREATE (a:ContractCase {i: -9223372036854775807, f: -1.5, s: '', b: false, d: date('0001-01-01'), \
                     t: localdatetime('2024-02-29T12:00:00.123456'), z: datetime('2024-03-31T01:30:00+02:00'), \
                     l: [1, 2], mixed: 1, p: point({x: 1, y: 2}), v: duration('P1M2DT3S')}) \
             CREATE (b:ContractCase {i: 9223372036854775807, f: 0.0/0.0, s: 'Äpfel 🍎', b: true, \
                     d: date('9999-12-31'), l: [], mixed: 'x', `back``tick`: 1, `a.b`: 2}) \
             CREATE (:ContractCase {i: 0, f: -0.0, s: 'Zebra', t: localdatetime('2024-01-01T00:00:00.123456789')}) \
             CREATE (:ContractCase {s: 'apple', b: true, f: 2.25}) \
             CREATE (:ContractCase) \
             CREATE (a)-[:CONTRACT_LINK {since: 1, `\\\\u0060`: 5}]->(b) CREATE (b)-[:CONTRACT_LINK]->(a)",
        ))
        .await?;
    let options = json!({ "url": Store::Neo4j.url(""), "database": "neo4j" });
    let connector = connector("neo4j", options)?;
    holds(&connector, &TableName::new("neo4j", "ContractCase"), 90).await?;
    let held = holds(&connector, &TableName::new("neo4j", "CONTRACT_LINK"), 30).await;
    graph.run(query("MATCH (n:ContractCase) DETACH DELETE n")).await?;
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("contract.db");
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    sqlx::raw_sql(
        "CREATE TABLE t (i INTEGER, r REAL, s TEXT, n TEXT COLLATE NOCASE, d DATE, ts TIMESTAMP, m DECIMAL(10,2),
           b BOOLEAN, y BLOB, any);
         INSERT INTO t VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
           (-9223372036854775808, -1.5, '', 'Abc', '0001-01-01', '2024-02-29 12:00:00', -99999999.99, 0, x'', 1),
           (9223372036854775807, 1e308, 'Zebra', 'abc', '9999-12-31', '2024-02-29T12:00:00.123456', 0.07, 1, x'00ff', 2),
           (0, -0.0, 'Äpfel 🍎', 'ABC', '2024-02-30', 'noon', 0.1234, 2, 'text', 3),
           ('not a number', 'nor this', 'apple', x'00', 'yesterday', NULL, 'dear', 'yes', 5, 4),
           (1, 2, '''; DROP TABLE t', 'b', '2024-1-1', '2024-02-29 12:00:00.5', 12, 1, x'61', 5)",
    )
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    holds(&connector("sqlite", json!({ "path": path }))?, &TableName::new("main", "t"), 90).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(
        folder.path().join("c.csv"),
        "i,s,f,d\n1,a,1.5,2024-02-29\n,,,\n-3,ä🍎,-0.25,0001-01-01\n",
    )?;
    std::fs::write(
        folder.path().join("j.jsonl"),
        "{\"i\":1,\"o\":{\"x\":[1,2]}}\n{\"i\":null}\n{\"s\":\"q'\"}\n",
    )?;
    let connector = connector("files", json!({ "path": folder.path() }))?;
    holds(&connector, &TableName::new("main", "c"), 50).await?;
    holds(&connector, &TableName::new("main", "j"), 25).await
}

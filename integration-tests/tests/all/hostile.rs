//! Names and values made to break out of their quotes: each comes back byte for byte, and a honeypot survives.

use anyhow::{Context, Result, ensure};
use medley_integration_tests::answers::column;
use medley_integration_tests::stores;
use mongodb::bson::doc;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use xtask::stores::Store;

/// At least a hundred strings that mean something to some parser.
#[rustfmt::skip]
fn hostile() -> Vec<String> {
    let plain = [
        "'", "''", "'''", "\"", "\"\"", "`", "``", "\\", "\\\\", "\\'", "\\\"", "\\`", "'; DROP TABLE honeypot; --",
        "\"; DROP TABLE honeypot; --", "`) DETACH DELETE n //", "') OR 1=1 --", "x' OR 'a'='a", "\\u0060", "\\u0027",
        "\\u005Cu0060", "\\u0060) MATCH (h) DETACH DELETE h //", "$where", "$ne", "$gt", "$$ROOT", "$a", "{\"$ne\": null}", "a.b", ".a",
        "a.", "..", "a..b", "*", "?", "[a-z]", "h*", "[^x]", "\\*", "^", "-", "]", "user:*", "{x}", "{", "}", "\r\n",
        "\n", "\r", "\t", "a\nb", "*1\r\n$8\r\nFLUSHALL\r\n", "FLUSHALL", " ", "  leading", "trailing  ", "%", "_",
        "%s", "%00", "a%b_c", "--", "/* */", "/*", "*/", "//", "#", ";", "; SELECT 1", "$1", "?1", ":name", "@p", "$p0",
        "{{p}}", "${HOME}", "$(id)", "`id`", "|", "&", "<script>", "&amp;", "\u{feff}", "\u{200b}", "\u{202e}abc", "ä",
        "a\u{308}", "ß", "SS", "İ", "ı", "𝄞", "🍎", "👨‍👩‍👧", "\u{1}", "\u{7f}", "\u{80}", "\u{fffd}", "NULL", "null",
        "true", "0", "-1", "1e5", "NaN", "SELECT", "select * from honeypot", "E'x'", "U&'\\0027'", "U&\"x\"", "$$", "$tag$",
        "\\N", "\\x41", "\\0", "\\.", "COPY x TO PROGRAM 'id'", "0x41", "CASE", "Ünïcödé Näme",
    ];
    let mut all: Vec<String> = plain.iter().map(|text| (*text).to_owned()).collect();
    all.push("x".repeat(65_536));
    all.push(format!("{}'\"`\\", "ä".repeat(10_000)));
    all
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Each value is found by equality and by IN, alone, and reads as it was written.
async fn found_by_value(
    session: &medley_engine::Session,
    table: &str,
    values: &[String],
) -> Result<()> {
    for value in values {
        let sql = format!("SELECT v FROM {table} WHERE v = {}", quoted(value));
        let found = column(session, &sql).await.with_context(|| format!("{table}: {value:?}"))?;
        ensure!(found == [value.as_str()], "{table}: {value:?} gave {} rows", found.len());
        let sql =
            format!("SELECT v FROM {table} WHERE v IN ({}, 'surely not there')", quoted(value));
        ensure!(column(session, &sql).await? == [value.as_str()], "{table}: {value:?} by IN");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() -> Result<()> {
    let url = Store::Postgres.url("postgres");
    let session = stores::session(&format!("[catalog.x]\nurl = \"{url}\"\n")).await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(
        "DROP SCHEMA IF EXISTS hostile CASCADE; CREATE SCHEMA hostile; CREATE TABLE hostile.honeypot (i integer);
         INSERT INTO hostile.honeypot VALUES (1); CREATE TABLE hostile.t (v text)",
    )
    .execute(&mut connection)
    .await?;
    let values = hostile();
    sqlx::query("INSERT INTO hostile.t SELECT unnest($1::text[])")
        .bind(&values)
        .execute(&mut connection)
        .await?;
    found_by_value(&session, "x.hostile.t", &values).await?;
    // Postgres cuts names at 63 bytes, and holds no NUL.
    for name in values.iter().filter(|name| name.len() <= 63) {
        let table = format!("hostile.{}", identifier(name));
        let name_sql = identifier(name);
        if name == "honeypot" || name == "t" {
            continue;
        }
        let create =
            format!("CREATE TABLE {table} ({name_sql} integer); INSERT INTO {table} VALUES (7)");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
        let sql = format!("SELECT {name_sql} FROM x.{table} WHERE {name_sql} = 7");
        ensure!(
            column(&session, &sql).await.with_context(|| format!("{name:?}"))? == ["7"],
            "{name:?}"
        );
        sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE {table}")))
            .execute(&mut connection)
            .await?;
    }
    // A NUL is never equal to anything there.
    ensure!(
        column(&session, "SELECT v FROM x.hostile.t WHERE v = 'a\0b'").await?.is_empty(),
        "NUL"
    );
    ensure!(
        column(&session, "SELECT i FROM x.hostile.honeypot").await? == ["1"],
        "the honeypot is gone"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb() -> Result<()> {
    let url = Store::Mongodb.url("hostile");
    let session = stores::session(&format!("[catalog.x]\nurl = \"{url}\"\n")).await?;
    let database = mongodb::Client::with_uri_str(&url).await?.database("hostile");
    database.drop().await?;
    database.collection("honeypot").insert_one(doc! { "i": 1 }).await?;
    let mut values = hostile();
    values.push("a\0b".to_owned());
    database.collection("t").insert_many(values.iter().map(|value| doc! { "v": value })).await?;
    found_by_value(&session, "x.hostile.t", &values).await?;
    // Every name is a field of one document; a NUL cannot be in a name.
    let names: Vec<_> =
        values.iter().filter(|name| !name.contains('\0') && name.len() < 1000).collect();
    let fields: mongodb::bson::Document =
        names.iter().map(|name| ((*name).clone(), 7.into())).collect();
    database.collection("fields").insert_one(fields).await?;
    for name in names {
        let sql = format!("SELECT {0} FROM x.hostile.fields WHERE {0} = 7", identifier(name));
        ensure!(
            column(&session, &sql).await.with_context(|| format!("{name:?}"))? == ["7"],
            "{name:?}"
        );
    }
    ensure!(
        column(&session, "SELECT i FROM x.hostile.honeypot").await? == ["1"],
        "the honeypot is gone"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() -> Result<()> {
    let url = Store::Redis.url("5");
    let mut connection =
        redis::Client::open(url.clone())?.get_multiplexed_async_connection().await?;
    redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await?;
    redis::cmd("SET").arg("honeypot").arg(1).query_async::<()>(&mut connection).await?;
    let mut values = hostile();
    values.push("a\0b".to_owned());
    for value in &values {
        // The value is a part of the key, the name of a field and the value of a field.
        redis::cmd("HSET")
            .arg(format!("t:{value}"))
            .arg(value)
            .arg(value)
            .arg("v")
            .arg(value)
            .query_async::<()>(&mut connection)
            .await?;
    }
    let config = format!(
        "[catalog.x]\nurl = \"{url}\"\n[catalog.x.tables.t]\nkey = \"t:{{k}}\"\ntype = \"hash\"\n\
                          columns = {{ k = \"text\", v = \"text\" }}\n"
    );
    let session = stores::session(&config).await?;
    found_by_value(&session, "x.db5.t", &values).await?;
    for value in values.iter().filter(|value| value.len() < 1000) {
        let sql = format!("SELECT v FROM x.db5.t WHERE k = {}", quoted(value));
        ensure!(column(&session, &sql).await? == [value.as_str()], "{value:?} as a key");
        // Numbers as text may be read as numbers, so the field is compared as text.
        let name = identifier(value);
        let sql = format!(
            "SELECT count(*) FROM x.db5.t WHERE k = {} AND {name} IS NOT NULL",
            quoted(value)
        );
        ensure!(
            column(&session, &sql).await.with_context(|| format!("{value:?}"))? == ["1"],
            "{value:?} as a field"
        );
    }
    let alive: i64 = redis::cmd("GET").arg("honeypot").query_async(&mut connection).await?;
    ensure!(alive == 1, "the honeypot is gone");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn neo4j() -> Result<()> {
    let session = stores::session("").await?;
    let graph = xtask::stores::neo4j_graph()?;
    graph
        .run(neo4rs::query(
            "MATCH (n) WHERE n:HostileValue OR n:Honeypot OR n.hostile DETACH DELETE n",
        ))
        .await?;
    graph.run(neo4rs::query("CREATE (:Honeypot {i: 1})")).await?;
    let values = hostile();
    let text = "UNWIND $values AS v CREATE (:HostileValue {v: v, hostile: true})";
    graph.run(neo4rs::query(text).param("values", values.clone())).await?;
    found_by_value(&session, "graph.neo4j.\"HostileValue\"", &values).await?;
    for name in values.iter().filter(|name| name.len() < 1000) {
        // Backslashes and NULs cannot be written into Cypher's names; a parameter can hold them.
        let create = "CREATE (n:$($name) {hostile: true}) SET n += $fields";
        let fields = std::collections::HashMap::from([(name.clone(), 7_i64)]);
        let created = graph
            .run(neo4rs::query(create).param("name", name.as_str()).param("fields", fields))
            .await;
        created.with_context(|| format!("creating {name:?}"))?;
        let sql = format!("SELECT {0} FROM graph.neo4j.{0} WHERE {0} = 7", identifier(name));
        let found = column(&session, &sql).await.with_context(|| format!("{name:?}"));
        graph
            .run(neo4rs::query("MATCH (n:$($name)) DETACH DELETE n").param("name", name.as_str()))
            .await?;
        ensure!(found? == ["7"], "{name:?}");
    }
    let honeypot = column(&session, "SELECT i FROM graph.neo4j.\"Honeypot\"").await?;
    graph
        .run(neo4rs::query(
            "MATCH (n) WHERE n:HostileValue OR n:Honeypot OR n.hostile DETACH DELETE n",
        ))
        .await?;
    ensure!(honeypot == ["1"], "the honeypot is gone");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hostile.db");
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    sqlx::raw_sql("CREATE TABLE honeypot (i INTEGER); INSERT INTO honeypot VALUES (1); CREATE TABLE t (v TEXT)")
        .execute(&mut connection)
        .await?;
    let values = hostile();
    for value in &values {
        sqlx::query("INSERT INTO t VALUES (?1)").bind(value).execute(&mut connection).await?;
    }
    let config =
        format!("[catalog.x]\ntype = \"sqlite\"\npath = {:?}\n", path.display().to_string());
    let session = stores::session(&config).await?;
    found_by_value(&session, "x.main.t", &values).await?;
    for name in values.iter().filter(|name| name.len() < 1000 && !name.starts_with("sqlite_")) {
        let name_sql = identifier(name);
        let create = format!(
            "CREATE TABLE {name_sql} ({name_sql} INTEGER); INSERT INTO {name_sql} VALUES (7)"
        );
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&mut connection)
            .await
            .with_context(|| format!("{name:?}"))?;
        let sql = format!("SELECT {name_sql} FROM x.main.{name_sql} WHERE {name_sql} = 7");
        ensure!(
            column(&session, &sql).await.with_context(|| format!("{name:?}"))? == ["7"],
            "{name:?}"
        );
        sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE {name_sql}")))
            .execute(&mut connection)
            .await?;
    }
    ensure!(
        column(&session, "SELECT i FROM x.main.honeypot").await? == ["1"],
        "the honeypot is gone"
    );
    ensure!(values.len() >= 100, "{} strings", values.len());
    Ok(())
}

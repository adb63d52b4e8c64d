//! Bad input gets one clear message: what, where, and what to do; and no password.

use anyhow::Result;
use medley_engine::config::Config;
use medley_engine::error::Category;
use medley_engine::{Engine, Error, Session};
use medley_integration_tests::answers::ask;
use medley_integration_tests::stores;
use xtask::stores::{PASSWORD, Store};

async fn fails(session: &Session, sql: &str) -> Error {
    match ask(session, sql).await {
        Err(error) => error,
        Ok(rows) => panic!("{sql} gave {} rows", rows.cells.len()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_wrong_tell_the_place_and_the_remedy() -> Result<()> {
    let session = stores::session("").await?;
    let error = fails(&session, "SELECT *\nFORM pg.nation").await;
    assert_eq!(
        (error.category(), error.location().map(|l| l.line)),
        (Category::Statement, Some(2))
    );
    assert!(error.render("SELECT *\nFORM pg.nation").ends_with('^'), "{error}");
    for (sql, words) in [
        ("SELECT n_nam FROM pg.nation", "n_name"),
        ("SELECT * FROM pg.natoin", "did you mean \"pg.public.nation\"?"),
        ("SELECT * FROM pq.nation", "did you mean \"pg\"?"),
        ("SELECT * FROM pg.publik.nation", "did you mean \"pg.public.nation\"?"),
        ("SELECT * FROM nation", "catalog.schema.table"),
        ("SELECT no_such_function(1)", "no_such_function"),
        ("ATTACH 'x' AS y (TYPE postgrs)", "did you mean \"postgres\"?"),
        ("ATTACH 'postgres://h/d' AS pg", "attached already"),
        ("DETACH nobody", "no catalog \"nobody\""),
        ("INSERT INTO pg.nation SELECT * FROM pg.nation", "only reads"),
        ("DELETE FROM pg.nation WHERE false", "only reads"),
        ("UPDATE pg.nation SET n_name = 'x'", "only reads"),
        ("CREATE TABLE pg.public.x AS SELECT 1", ""),
        ("DROP TABLE pg.public.nation", ""),
        ("COPY pg.nation TO 'x.csv'", "--format"),
        ("BEGIN", "transactions"),
    ] {
        let error = fails(&session, sql).await;
        assert!(error.to_string().contains(words), "{sql}: {error}");
        let category = error.category();
        assert!(
            matches!(category, Category::Statement | Category::Config),
            "{sql}: {category:?} {error}"
        );
    }
    // Nothing of it reached the store.
    assert_eq!(ask(&session, "SELECT * FROM pg.nation").await?.cells.len(), 25);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_stops_nobody_else() -> Result<()> {
    let down = "[catalog.a]\nurl = \"postgres://u:secret-a@127.0.0.1:1/d\"\n\
                [catalog.b]\nurl = \"mongodb://u:secret-b@127.0.0.1:1/d?serverSelectionTimeoutMS=500\"\n\
                [catalog.c]\nurl = \"redis://u:secret-c@127.0.0.1:1/0\"\n\
                [catalog.d]\nurl = \"bolt://u:secret-d@127.0.0.1:1\"\n\
                [catalog.e]\ntype = \"sqlite\"\npath = \"/nowhere/at/all.db\"\n";
    let session = stores::session(down).await?;
    assert_eq!(ask(&session, "SELECT * FROM pg.nation").await?.cells.len(), 25);
    for catalog in ["a", "b", "c", "d", "e"] {
        let error = fails(&session, &format!("SELECT * FROM {catalog}.x.y")).await;
        let text = format!("{error} {error:?}");
        assert_eq!(error.category(), Category::Connection, "{catalog}: {text}");
        assert!(error.to_string().contains(&format!("\"{catalog}\"")), "{text}");
        assert!(!text.contains("secret-"), "{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_and_databases_are_told_apart() -> Result<()> {
    stores::ready().await?;
    for (store, database) in [
        (Store::Postgres, "postgres"),
        (Store::Mongodb, "x"),
        (Store::Redis, "0"),
        (Store::Neo4j, ""),
    ] {
        let url = store.url(database).replace(PASSWORD, "not-the-password");
        let config =
            Config::parse(&format!("[catalog.x]\nurl = \"{url}\"\n"), std::path::Path::new(""))?;
        let session = Engine::builder().config(config).build()?.session();
        let error = fails(&session, "SHOW TABLES FROM x").await;
        let text = format!("{error} {error:?} {session:?}");
        assert_eq!(error.category(), Category::Connection, "{}: {text}", store.name());
        assert!(error.to_string().contains("refuses"), "{text}");
        assert!(!text.contains("not-the-password"), "{text}");
    }
    let url = Store::Postgres.url("no_such_database");
    let config =
        Config::parse(&format!("[catalog.x]\nurl = \"{url}\"\n"), std::path::Path::new(""))?;
    let error =
        fails(&Engine::builder().config(config).build()?.session(), "SHOW TABLES FROM x").await;
    assert!(error.to_string().contains("no database \"no_such_database\""), "{error}");
    Ok(())
}

#[test]
fn a_configuration_with_a_mistake_names_the_line() {
    let parse = |text: &str| Config::parse(text, std::path::Path::new("")).unwrap_err().to_string();
    assert!(parse("[catalogs.x]\ntype = \"redis\"").contains("did you mean \"catalog\"?"));
    assert!(parse("\n[catalog.x\n").contains("line 2"));
    assert!(parse("[catalog.x]\nurl = \"foo://bar\"").contains("type"));
    let config =
        Config::parse("[catalog.x]\ntype = \"postgres\"\nulr = \"y\"", std::path::Path::new(""))
            .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = Engine::builder().config(config).build().unwrap();
    let error = runtime.block_on(fails(&engine.session(), "SHOW TABLES FROM x"));
    assert!(error.to_string().contains("did you mean \"url\"?"), "{error}");
    assert_eq!(error.category(), Category::Config);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_an_error_of_its_catalog() -> Result<()> {
    let text = "[catalog.x]\nurl = \"redis://127.0.0.1:1\"\npassword = { env = \"MEDLEY_TEST_NO_SUCH_SECRET\" }\n";
    let session = stores::session(text).await?;
    let error = fails(&session, "SELECT * FROM x.y").await;
    assert_eq!(error.category(), Category::Config);
    assert!(error.to_string().contains("MEDLEY_TEST_NO_SUCH_SECRET"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_the_wrong_type_are_counted_or_refused() -> Result<()> {
    stores::ready().await?;
    let url = Store::Mongodb.url("errors");
    let database = mongodb::Client::with_uri_str(&url).await?.database("errors");
    database.drop().await?;
    database
        .collection("t")
        .insert_many([mongodb::bson::doc! { "v": 1 }, mongodb::bson::doc! { "v": "x" }])
        .await?;
    let config = format!("[catalog.x]\nurl = \"{url}\"\ncolumns = {{ \"t.v\" = \"int\" }}\n");
    let session = stores::session(&config).await?;
    use futures::TryStreamExt;
    let answer = session.sql("SELECT v FROM x.t").await?;
    let report = answer.report.clone();
    let batches: Vec<_> = answer.stream.try_collect().await?;
    assert_eq!(batches.iter().map(|b| b.column(0).null_count()).sum::<usize>(), 1);
    let mismatches = report.mismatches();
    assert_eq!(mismatches.len(), 1);
    assert_eq!((mismatches[0].0.found.as_str(), mismatches[0].1), ("string", 1));
    session.sql("SET medley.strict = true").await?;
    let error = fails(&session, "SELECT v FROM x.t").await;
    assert_eq!(error.category(), Category::Execution);
    assert!(error.to_string().contains("errors.t"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_permission_says_what_to_grant() -> Result<()> {
    use sqlx::Connection;
    stores::ready().await?;
    let mut admin = sqlx::PgConnection::connect(&Store::Postgres.url("postgres")).await?;
    sqlx::raw_sql(
        "DO $$ BEGIN CREATE ROLE poor LOGIN PASSWORD 'poor-secret'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         DROP TABLE IF EXISTS public.private_affairs; CREATE TABLE public.private_affairs (i integer)",
    )
    .execute(&mut admin)
    .await?;
    let url = Store::Postgres.url("postgres").replace("medley:medley-dev", "poor:poor-secret");
    let session = stores::session(&format!("[catalog.x]\nurl = \"{url}\"\n")).await?;
    let error = fails(&session, "SELECT * FROM x.private_affairs").await;
    assert_eq!(error.category(), Category::Connection);
    assert!(error.to_string().contains("GRANT SELECT"), "{error}");
    Ok(())
}

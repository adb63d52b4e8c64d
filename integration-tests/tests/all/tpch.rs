//! The 22 TPC-H queries give the reference's answer wherever the tables lie.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use medley_integration_tests::answers::{Rows, ask, comparable};
use medley_integration_tests::{reference, stores};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use xtask::data::tables::{Kind, TABLES, Table, fields};

/// Where a table lies.
#[derive(Clone, Copy)]
enum Place {
    Postgres,
    Mongodb,
    Redis,
    Neo4j,
    Sqlite,
}

use Place::{Mongodb, Neo4j, Postgres, Redis, Sqlite};

async fn all_queries(places: [(&'static str, Place); 8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tpch.db");
    if places.iter().any(|(_, place)| matches!(place, Sqlite)) {
        fill_sqlite(
            &file,
            places.iter().filter(|(_, p)| matches!(p, Sqlite)).map(|(name, _)| *name),
        )
        .await?;
    }
    let sqlite =
        format!("[catalog.lite]\ntype = \"sqlite\"\npath = {:?}\n", file.display().to_string());
    let session = stores::session(&sqlite).await?;
    for (table, place) in places {
        session.sql(&view(Table::named(table), place)).await?;
    }
    let context = reference::context(stores::SCALE_FACTOR)?;
    let mut wrong = BTreeMap::new();
    for number in 1..=22 {
        let file = format!("{}/queries/tpch/q{number:02}.sql", env!("CARGO_MANIFEST_DIR"));
        let query = &std::fs::read_to_string(file)?;
        let wanted: Rows = reference::ask(&context, query)
            .await
            .with_context(|| format!("reference, Q{number}"))?;
        match ask(&session, query).await {
            Ok(found) => {
                let (found, wanted) = comparable(&found, &wanted);
                if found != wanted {
                    let first = found.iter().zip(&wanted).find(|(a, b)| a != b);
                    wrong.insert(
                        number,
                        format!("{} rows for {}: {first:?}", found.len(), wanted.len()),
                    );
                }
            }
            Err(error) => {
                wrong.insert(number, error.to_string());
            }
        }
    }
    ensure!(wrong.is_empty(), "wrong answers: {wrong:#?}");
    Ok(())
}

/// The table under its own name, with the columns of the specification.
fn view(table: &Table, place: Place) -> String {
    let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
    let database = xtask::data::database(stores::SCALE_FACTOR);
    let name = table.name;
    let capitalized = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    let source = match place {
        Postgres => format!("pg.public.{name}"),
        Mongodb => format!("docs.{database}.{name}"),
        Redis => format!("cache.db0.{name}"),
        Neo4j => format!("graph.neo4j.\"{capitalized}\""),
        Sqlite => format!("lite.main.{name}"),
    };
    format!("CREATE VIEW {name} AS SELECT {} FROM {source}", columns.join(", "))
}

async fn fill_sqlite(
    file: &std::path::Path,
    tables: impl Iterator<Item = &'static str>,
) -> Result<()> {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut connection = SqliteConnection::connect(&url).await?;
    for table in tables.map(Table::named) {
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|(name, kind)| {
                let kind = match kind {
                    Kind::Int | Kind::Long => "INTEGER",
                    Kind::Decimal => "DECIMAL(15,2)",
                    Kind::Date => "DATE",
                    Kind::Text => "TEXT",
                };
                format!("{name} {kind} NOT NULL")
            })
            .collect();
        let create = format!("CREATE TABLE {} ({})", table.name, columns.join(", "));
        sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await?;
        let mut transaction = connection.begin().await?;
        let mut rows = table.lines(stores::SCALE_FACTOR).peekable();
        while rows.peek().is_some() {
            let mut insert = format!("INSERT INTO {} VALUES ", table.name);
            for (index, line) in rows.by_ref().take(500).enumerate() {
                let values: Vec<_> = fields(&line)
                    .zip(table.columns)
                    .map(|(field, (_, kind))| match kind {
                        Kind::Date | Kind::Text => format!("'{}'", field.replace('\'', "''")),
                        Kind::Int | Kind::Long | Kind::Decimal => field.to_owned(),
                    })
                    .collect();
                write!(insert, "{}({})", if index == 0 { "" } else { "," }, values.join(","))?;
            }
            sqlx::query(AssertSqlSafe(insert)).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(connection.close().await?)
}

fn everywhere(place: Place) -> [(&'static str, Place); 8] {
    std::array::from_fn(|index| (TABLES[index].name, place))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_postgres() -> Result<()> {
    all_queries(everywhere(Postgres)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_mongodb() -> Result<()> {
    all_queries(everywhere(Mongodb)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_sqlite() -> Result<()> {
    all_queries(everywhere(Sqlite)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn spread_with_facts_in_postgres() -> Result<()> {
    all_queries([
        ("lineitem", Postgres),
        ("orders", Mongodb),
        ("customer", Redis),
        ("part", Neo4j),
        ("supplier", Redis),
        ("partsupp", Sqlite),
        ("nation", Neo4j),
        ("region", Postgres),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn spread_with_facts_in_mongodb() -> Result<()> {
    all_queries([
        ("lineitem", Mongodb),
        ("orders", Postgres),
        ("customer", Neo4j),
        ("part", Redis),
        ("supplier", Neo4j),
        ("partsupp", Postgres),
        ("nation", Sqlite),
        ("region", Neo4j),
    ])
    .await
}

//! Two small tables in every store: NULLs, missing fields, values of other types, NaN, `-0.0`, extremes, duplicates, and
//! letters of several collations. The stores hold what each can, so that their copies differ; each copy is its own truth.

use anyhow::Result;
use fastrand::Rng;
use medley_engine::config::Config;
use medley_engine::{Engine, EngineBuilder};
use mongodb::bson::{Bson, DateTime, Document, doc};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::sync::OnceCell;
use xtask::stores::Store;

/// Rows of each table.
pub const ROWS: usize = 48;
/// The tables.
pub const TABLES: [&str; 2] = ["a", "b"];

/// One row before a store gets it. None is NULL, or a missing field.
#[derive(Clone, Debug)]
pub struct Row {
    /// A unique number.
    pub k: i64,
    /// Small and duplicate, with extremes.
    pub i: Option<i32>,
    /// With extremes.
    pub l: Option<i64>,
    /// With NaN, infinities and both zeros.
    pub d: Option<f64>,
    /// Hundredths.
    pub n: Option<i64>,
    /// Letters of several collations.
    pub s: Option<&'static str>,
    /// A truth value.
    pub f: Option<bool>,
    /// Days since 1970.
    pub t: Option<i64>,
}

const TEXTS: [&str; 16] = [
    "", "a", "A", "b", "B", "ab", "aB", "Ä", "ä", "z", "Zebra", "100%", "a_b", "über", "🍎", "a\nb",
];
const INTEGERS: [i32; 10] = [0, 1, 2, 3, -1, 7, 7, 10, i32::MAX, i32::MIN];
const LONGS: [i64; 9] = [0, 1, 2, -1, 5, 1_000_000_007, 1 << 53, (1 << 53) + 1, -(1 << 40)];
const FLOATS: [f64; 9] =
    [0.0, -0.0, 1.5, -1.5, 2.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
const HUNDREDTHS: [i64; 9] = [0, 1, -1, 100, 150, 9_999_999_999, -9_999_999_999, 12_345, 100];
const DAYS: [i64; 7] = [0, 1, -1, 19_782, 19_783, -719_162, 20_000];

/// The rows of a table.
#[must_use]
pub fn rows(table: &str) -> Vec<Row> {
    let mut rng = Rng::with_seed(table.bytes().map(u64::from).sum());
    (0..ROWS)
        .map(|index| {
            let some = |rng: &mut Rng| rng.u8(0..6) > 0;
            Row {
                k: i64::try_from(index).unwrap_or(0) - 3,
                i: some(&mut rng).then(|| INTEGERS[rng.usize(0..INTEGERS.len())]),
                l: some(&mut rng).then(|| LONGS[rng.usize(0..LONGS.len())]),
                d: some(&mut rng).then(|| FLOATS[rng.usize(0..FLOATS.len())]),
                n: some(&mut rng).then(|| HUNDREDTHS[rng.usize(0..HUNDREDTHS.len())]),
                s: some(&mut rng).then(|| TEXTS[rng.usize(0..TEXTS.len())]),
                f: some(&mut rng).then(|| rng.bool()),
                t: some(&mut rng).then(|| DAYS[rng.usize(0..DAYS.len())]),
            }
        })
        .collect()
}

fn day(days: i64) -> String {
    let days = i32::try_from(days).unwrap_or(0);
    datafusion::common::ScalarValue::Date32(Some(days)).to_string()
}

fn hundredths(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", n.abs() / 100, n.abs() % 100)
}

fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn or_null<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "NULL".to_owned(), text)
}

/// Fills all four live stores, once for all tests of a run.
///
/// # Errors
/// A store that refuses.
async fn live() -> Result<()> {
    static FILLED: OnceCell<()> = OnceCell::const_new();
    FILLED
        .get_or_try_init(|| async {
            postgres().await?;
            mongodb().await?;
            neo4j().await?;
            redis().await
        })
        .await?;
    Ok(())
}

async fn postgres() -> Result<()> {
    let mut connection = PgConnection::connect(&Store::Postgres.url("postgres")).await?;
    let schema = "DROP SCHEMA IF EXISTS fuzz CASCADE; CREATE SCHEMA fuzz";
    sqlx::raw_sql(schema).execute(&mut connection).await?;
    for table in TABLES {
        let columns = "k bigint NOT NULL PRIMARY KEY, i integer, l bigint, d double precision, n numeric(12,2), \
                       m numeric, s text, c char(6), f boolean, t date, ts timestamp";
        let create = format!("CREATE TABLE fuzz.{table} ({columns})");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
        for (index, row) in rows(table).into_iter().enumerate() {
            // What Postgres holds beyond Arrow: NaN, and infinite days.
            let strange = index % 11 == 0;
            let n = if strange { "'NaN'".to_owned() } else { or_null(row.n, hundredths) };
            let t = if strange {
                "'infinity'".to_owned()
            } else {
                or_null(row.t, |t| format!("'{}'", day(t)))
            };
            let d = or_null(row.d, |d| format!("'{d}'::float8"));
            let s = or_null(row.s, sql_text);
            let values = format!(
                "({}, {}, {}, {d}, {n}, {}, {s}, {}, {}, {t}, {t}::date + interval '1 hour')",
                row.k,
                or_null(row.i, |i| i.to_string()),
                or_null(row.l, |l| l.to_string()),
                or_null(row.n, hundredths),
                or_null(row.s, |s| sql_text(&s.chars().take(6).collect::<String>())),
                or_null(row.f, |f| f.to_string()),
            );
            let insert = format!("INSERT INTO fuzz.{table} VALUES {values}");
            sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut connection).await?;
        }
    }
    Ok(())
}

/// Makes a SQLite file of the tables.
///
/// # Errors
/// A file that cannot be written.
async fn fill_sqlite(file: &std::path::Path) -> Result<()> {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut connection = SqliteConnection::connect(&url).await?;
    for table in TABLES {
        let create = format!(
            "CREATE TABLE {table} (k INTEGER PRIMARY KEY, i INTEGER, l INTEGER, d REAL, n DECIMAL(12,2), \
             s TEXT COLLATE NOCASE, f BOOLEAN, t DATE)"
        );
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
        for (index, row) in rows(table).into_iter().enumerate() {
            // SQLite holds anything anywhere, and no NaN.
            let strange = index % 11 == 0;
            let d = or_null(row.d.filter(|d| d.is_finite()), |d| format!("{d:?}"));
            let values = format!(
                "({}, {}, {}, {d}, {}, {}, {}, {})",
                row.k,
                if strange { "'seven'".to_owned() } else { or_null(row.i, |i| i.to_string()) },
                or_null(row.l, |l| l.to_string()),
                if strange { "1.505".to_owned() } else { or_null(row.n, hundredths) },
                if strange { "x'00ff'".to_owned() } else { or_null(row.s, sql_text) },
                if strange { "5".to_owned() } else { or_null(row.f, |f| i32::from(f).to_string()) },
                if strange {
                    "'2024-02-30'".to_owned()
                } else {
                    or_null(row.t, |t| format!("'{}'", day(t)))
                },
            );
            let insert = format!("INSERT INTO {table} VALUES {values}");
            sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut connection).await?;
        }
    }
    Ok(connection.close().await?)
}

async fn mongodb() -> Result<()> {
    let database =
        mongodb::Client::with_uri_str(&Store::Mongodb.url("fuzz")).await?.database("fuzz");
    database.drop().await?;
    for table in TABLES {
        let documents: Vec<Document> = rows(table).iter().enumerate().map(document).collect();
        database.collection(table).insert_many(documents).await?;
    }
    Ok(())
}

fn document((index, row): (usize, &Row)) -> Document {
    let mut document = doc! { "_id": row.k, "k": row.k };
    let mut put = |name: &str, value: Option<Bson>| match value {
        Some(value) => {
            document.insert(name, value);
        }
        // Missing or null: the same in SQL.
        None if index % 2 == 0 => {
            document.insert(name, Bson::Null);
        }
        None => {}
    };
    put("i", row.i.map(Bson::Int32));
    put("l", row.l.map(|l| i32::try_from(l).map_or(Bson::Int64(l), Bson::Int32)));
    put("d", row.d.map(Bson::Double));
    put("n", row.n.and_then(|n| hundredths(n).parse().ok()).map(Bson::Decimal128));
    put("s", row.s.map(|s| Bson::String(s.to_owned())));
    put("f", row.f.map(Bson::Boolean));
    put("t", row.t.map(|t| Bson::DateTime(DateTime::from_millis(t * 86_400_000))));
    put("o", row.i.map(|i| Bson::Document(doc! { "x": i, "y": row.s.unwrap_or("") })));
    // Types that the configuration pins otherwise: see the catalog's options.
    let strange = match index % 11 {
        0 => Some(Bson::String("seven".to_owned())),
        1 => Some(Bson::Array(vec![Bson::Int64(1), Bson::Int64(7)])),
        2 => Some(Bson::Double(7.0)),
        3 => Some(Bson::Document(doc! { "x": 7 })),
        _ => row.l.map(Bson::Int64),
    };
    put("p", strange);
    put(
        "q",
        if index % 7 == 0 {
            Some(Bson::Int32(3))
        } else {
            row.s.map(|s| Bson::String(s.to_owned()))
        },
    );
    document
}

async fn neo4j() -> Result<()> {
    let graph = neo4rs::Graph::new(
        format!("127.0.0.1:{}", Store::Neo4j.port()),
        "neo4j",
        xtask::stores::PASSWORD,
    )?;
    graph.run(neo4rs::query("MATCH (n) WHERE n:FuzzA OR n:FuzzB DETACH DELETE n")).await?;
    for (table, label) in TABLES.iter().zip(["FuzzA", "FuzzB"]) {
        for (index, row) in rows(table).into_iter().enumerate() {
            let strange = index % 11 == 0;
            let value = |value: Option<String>| value.unwrap_or_else(|| "null".to_owned());
            let d = row.d.map(|d| match d {
                d if d.is_nan() => "0.0/0.0".to_owned(),
                d if d == f64::INFINITY => "1.0/0.0".to_owned(),
                d if d == f64::NEG_INFINITY => "-1.0/0.0".to_owned(),
                d => format!("{d:?}"),
            });
            let cypher = format!(
                "CREATE (:{label} {{k: {}, i: {}, l: {}, d: {}, s: $s, f: {}, t: {}}})",
                row.k,
                if strange { "'seven'".to_owned() } else { value(row.i.map(|i| i.to_string())) },
                value(row.l.map(|l| l.to_string())),
                value(d),
                value(row.f.map(|f| f.to_string())),
                value(row.t.map(|t| format!("date('{}')", day(t)))),
            );
            let query = neo4rs::query(&cypher).param("s", row.s.map(str::to_owned));
            graph.run(query).await?;
        }
    }
    let edges = "MATCH (x:FuzzA), (y:FuzzB) WHERE (x.k * 7 + y.k) % 19 = 0 \
                 CREATE (x)-[:FUZZ_EDGE {w: (x.k + y.k) % 5, since: date('2024-01-01')}]->(y)";
    Ok(graph.run(neo4rs::query(edges)).await?)
}

async fn redis() -> Result<()> {
    let client = redis::Client::open(Store::Redis.url("9"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd("FLUSHDB").exec_async(&mut connection).await?;
    for table in TABLES {
        for row in rows(table) {
            let mut command = redis::cmd("HSET");
            command.arg(format!("{table}:{}", row.k)).arg("u").arg("1");
            let mut put = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    command.arg(name).arg(value);
                }
            };
            put("i", row.i.map(|i| i.to_string()));
            put("l", row.l.map(|l| l.to_string()));
            put("s", row.s.map(str::to_owned));
            command.exec_async(&mut connection).await?;
        }
    }
    Ok(())
}

/// The catalogs over what [`live`] and [`fill_sqlite`] fill, and for each the names of the two tables.
fn catalogs(sqlite: &std::path::Path) -> (String, Vec<[String; 2]>) {
    let text = format!(
        "[catalog.fpg]\ntype = \"postgres\"\nurl = \"{}\"\n\
         [catalog.fdocs]\ntype = \"mongodb\"\nurl = \"{}\"\n\
         columns = {{ \"a.p\" = \"bigint\", \"b.p\" = \"bigint\", \"a.q\" = \"text\", \"b.q\" = \"text\" }}\n\
         [catalog.fgraph]\ntype = \"neo4j\"\nurl = \"bolt://neo4j@127.0.0.1:{}\"\npassword = \"{}\"\n\
         [catalog.fcache]\ntype = \"redis\"\nurl = \"{}\"\n\
         [catalog.flite]\ntype = \"sqlite\"\npath = {:?}\n",
        Store::Postgres.url("postgres"),
        Store::Mongodb.url("fuzz"),
        Store::Neo4j.port(),
        xtask::stores::PASSWORD,
        Store::Redis.url("9"),
        sqlite.display().to_string(),
    );
    let cache: String = TABLES
        .iter()
        .map(|table| {
            format!(
                "[catalog.fcache.tables.{table}]\nkey = \"{table}:{{k}}\"\ntype = \"hash\"\n\
                 columns = {{ k = \"bigint\", i = \"int\", l = \"bigint\", s = \"text\", u = \"int\" }}\n"
            )
        })
        .collect();
    let names = ["fpg.fuzz.", "fdocs.fuzz.", "flite.main.", "fcache.db9."]
        .iter()
        .map(|prefix| TABLES.map(|table| format!("{prefix}{table}")))
        .chain([["fgraph.neo4j.\"FuzzA\"".to_owned(), "fgraph.neo4j.\"FuzzB\"".to_owned()]])
        .collect();
    (text + &cache, names)
}

/// The tables in all stores, with the folder that holds the SQLite file.
pub struct Placed {
    /// The configuration of the catalogs.
    pub config: String,
    /// For each catalog the names of the two tables.
    pub names: Vec<[String; 2]>,
    _folder: tempfile::TempDir,
}

impl Placed {
    /// Starts and fills what is not there yet.
    ///
    /// # Errors
    /// A store that cannot be started, or refuses.
    pub async fn ready() -> Result<Self> {
        crate::stores::ready().await?;
        live().await?;
        let folder = tempfile::tempdir()?;
        let sqlite = folder.path().join("fuzz.db");
        fill_sqlite(&sqlite).await?;
        let (config, names) = catalogs(&sqlite);
        Ok(Self { config, names, _folder: folder })
    }

    /// An engine over the tables, with what `more` adds.
    ///
    /// # Errors
    /// A configuration that is wrong.
    pub fn engine(&self, more: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Result<Engine> {
        let config = Config::parse(&self.config, std::path::Path::new(""))?;
        Ok(more(Engine::builder().config(config)).build()?)
    }
}

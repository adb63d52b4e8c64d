//! Type round trips: each cell is a value written by the store's own means, and the text that SQL gives of it.
//! `NULL!` marks a value that has no Arrow form: it is read as NULL and counted.

use anyhow::{Result, ensure};
use medley_integration_tests::answers::rows;
use medley_integration_tests::stores;
use mongodb::bson::{
    Binary, Bson, DateTime, Decimal128, Timestamp, doc, oid::ObjectId, spec::BinarySubtype,
};
use neo4rs::query;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use xtask::stores::Store;

const MISFIT: &str = "NULL!";

/// Compares a column in order with what is expected, misfits included.
async fn check(
    session: &medley_engine::Session,
    what: &str,
    sql: &str,
    expected: &[&str],
) -> Result<usize> {
    use futures::TryStreamExt;
    let answer = session.sql(sql).await?;
    let (report, schema) = (answer.report.clone(), answer.schema());
    let batches: Vec<_> = answer.stream.try_collect().await.map_err(medley_engine::Error::from)?;
    let found: Vec<String> =
        rows(&schema, &batches)?.cells.into_iter().map(|mut row| row.remove(0)).collect();
    let wanted: Vec<_> =
        expected.iter().map(|text| if *text == MISFIT { "NULL" } else { text }).collect();
    ensure!(found == wanted, "{what}: {found:?} should be {wanted:?}");
    let misfits = expected.iter().filter(|text| **text == MISFIT).count() as u64;
    let counted: u64 = report.mismatches().iter().map(|(_, count)| count).sum();
    ensure!(counted == misfits, "{what}: {counted} misfits were counted, not {misfits}");
    Ok(expected.len())
}

/// A Postgres type with literals and the text that is read.
#[rustfmt::skip]
const POSTGRES: &[(&str, &[(&str, &str)])] = &[
    ("boolean", &[("true", "true"), ("false", "false"), ("NULL", "NULL")]),
    ("smallint", &[("-32768", "-32768"), ("32767", "32767"), ("0", "0")]),
    ("integer", &[("-2147483648", "-2147483648"), ("2147483647", "2147483647"), ("NULL", "NULL")]),
    ("bigint", &[("-9223372036854775808", "-9223372036854775808"), ("9223372036854775807", "9223372036854775807")]),
    ("oid", &[("0", "0"), ("4294967295", "4294967295")]),
    ("real", &[("'NaN'", "NaN"), ("'Infinity'", "inf"), ("'-Infinity'", "-inf"), ("1.5", "1.5")]),
    ("double precision", &[("'NaN'", "NaN"), ("'-Infinity'", "-inf"), ("1e308", "1e308"), ("0.1", "0.1")]),
    ("numeric(5,2)", &[("999.99", "999.99"), ("-999.99", "-999.99"), ("0", "0.00"), ("'NaN'", MISFIT)]),
    (
        "numeric(38,0)",
        &[("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"), ("-1", "-1")],
    ),
    ("numeric(38,38)", &[("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001")]),
    ("numeric(3,-2)", &[("12300", "12300"), ("99900", "99900")]),
    ("numeric(50,2)", &[("123456789012345678901234567890123456789012345678.25", "123456789012345678901234567890123456789012345678.25")]),
    ("numeric", &[("1.5", "1.500"), ("12345678901234567890.125", "12345678901234567890.125"), ("0", "0.000")]),
    ("text", &[("''", ""), ("'🍎ä'", "🍎ä"), ("E'a\\nb\\tc'", "a\nb\tc"), ("'''quoted'''", "'quoted'"), ("NULL", "NULL")]),
    ("varchar(5)", &[("'abcde'", "abcde"), ("''", "")]),
    ("char(5)", &[("'ab'", "ab"), ("''", ""), ("'abcde'", "abcde")]),
    ("name", &[("'a_name'", "a_name")]),
    ("bytea", &[("'\\x00ff'", "00ff"), ("''", "")]),
    ("date", &[("'0001-01-01'", "0001-01-01"), ("'9999-12-31'", "9999-12-31"), ("'2024-02-29'", "2024-02-29"), ("'infinity'", MISFIT), ("'-infinity'", MISFIT)]),
    ("time", &[("'00:00'", "00:00:00"), ("'23:59:59.999999'", "23:59:59.999999"), ("'24:00'", MISFIT)]),
    ("timetz", &[("'12:00+02'", "12:00:00+02")]),
    ("timestamp", &[("'0001-01-01'", "0001-01-01T00:00:00"), ("'9999-12-31 23:59:59.999999'", "9999-12-31T23:59:59.999999"), ("'infinity'", MISFIT)]),
    ("timestamptz", &[("'2024-03-31 02:30+01'", "2024-03-31T01:30:00Z"), ("'2024-10-27 02:30+02'", "2024-10-27T00:30:00Z"), ("'-infinity'", MISFIT)]),
    ("interval", &[("'0'", "0 secs"), ("'1 year 2 mons 3 days 04:05:06.5'", "14 mons 3 days 4 hours 5 mins 6.500000000 secs")]),
    ("uuid", &[("'12345678-1234-1234-1234-123456789ABC'", "12345678-1234-1234-1234-123456789abc")]),
    ("json", &[("'{\"a\": [1, 2]}'", "{\"a\": [1, 2]}"), ("'null'", "null")]),
    ("jsonb", &[("'{\"b\":1,\"a\":2}'", "{\"a\": 2, \"b\": 1}")]),
    ("integer[]", &[("'{1,NULL,3}'", "[1, NULL, 3]"), ("'{}'", "[]"), ("NULL", "NULL"), ("'{{1,2},{3,4}}'", MISFIT)]),
    ("text[]", &[("'{a,\"b,c\",\"\"}'", "[a, b,c, ]")]),
    ("numeric(6,2)[]", &[("'{1.5,-2}'", "[1.50, -2.00]")]),
    ("money", &[("12.34", "$12.34")]),
    ("bit(3)", &[("B'101'", "101")]),
    ("varbit", &[("B'1'", "1"), ("B''", "")]),
    ("inet", &[("'192.168.0.1/24'", "192.168.0.1/24")]),
    ("cidr", &[("'10.0.0.0/8'", "10.0.0.0/8")]),
    ("macaddr", &[("'08:00:2b:01:02:03'", "08:00:2b:01:02:03")]),
    ("int4range", &[("'[1,5)'", "[1,5)"), ("'empty'", "empty")]),
    ("tsrange", &[("'[2024-01-01,)'", "[\"2024-01-01 00:00:00\",)")]),
    ("point", &[("'(1,2)'", "(1,2)")]),
    ("xml", &[("'<a>b</a>'", "<a>b</a>")]),
    ("tsvector", &[("'a b'", "'a' 'b'")]),
    ("types.mood", &[("'sad'", "sad"), ("'ok'", "ok")]),
    ("types.positive", &[("5", "5")]),
    ("types.pair", &[("ROW(1,'x')", "(1,x)")]),
];

#[tokio::test(flavor = "multi_thread")]
async fn postgres() -> Result<()> {
    let session = stores::session(
        "[catalog.p]\nurl = \"postgres://medley:medley-dev@127.0.0.1:54329/postgres\"\n",
    )
    .await?;
    let mut connection = PgConnection::connect(&Store::Postgres.url("postgres")).await?;
    sqlx::raw_sql(
        "DROP SCHEMA IF EXISTS types CASCADE; CREATE SCHEMA types; CREATE TYPE types.mood AS ENUM ('sad', 'ok');
         CREATE DOMAIN types.positive AS integer CHECK (VALUE > 0); CREATE TYPE types.pair AS (a integer, b text)",
    )
    .execute(&mut connection)
    .await?;
    let mut cells = 0;
    for (index, (kind, values)) in POSTGRES.iter().enumerate() {
        let table = format!("types.t{index}");
        sqlx::query(AssertSqlSafe(format!("CREATE TABLE {table} (id integer, v {kind})")))
            .execute(&mut connection)
            .await?;
        for (id, (literal, _)) in values.iter().enumerate() {
            let insert = format!("INSERT INTO {table} VALUES ({id}, {literal})");
            sqlx::query(AssertSqlSafe(insert)).execute(&mut connection).await?;
        }
        let expected: Vec<_> = values.iter().map(|(_, text)| *text).collect();
        cells += check(&session, kind, &format!("SELECT v FROM p.{table} ORDER BY id"), &expected)
            .await?;
    }
    ensure!(cells >= 85, "{cells} cells");
    Ok(())
}

/// Values with the text that is read.
type ByteCells = &'static [(&'static [u8], &'static str)];

/// A collection's name, and values with the text that is read.
type Cells = Vec<(&'static str, Vec<(Bson, &'static str)>)>;

#[rustfmt::skip]
fn mongodb_cells() -> Result<Cells> {
    let decimal = |text: &str| Bson::Decimal128(text.parse::<Decimal128>().expect("a decimal"));
    let id = ObjectId::parse_str("0123456789abcdef01234567")?;
    let binary = |bytes: &[u8]| Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() });
    let time = |millis| Bson::DateTime(DateTime::from_millis(millis));
    Ok(vec![
        ("int", vec![(i32::MIN.into(), "-2147483648"), (i32::MAX.into(), "2147483647"), (Bson::Null, "NULL")]),
        ("long", vec![(i64::MIN.into(), "-9223372036854775808"), (i64::MAX.into(), "9223372036854775807"), (7.into(), "7")]),
        ("double", vec![(f64::NAN.into(), "NaN"), (f64::INFINITY.into(), "inf"), (f64::NEG_INFINITY.into(), "-inf"), (0.1.into(), "0.1"), (3.into(), "3.0"), (Bson::Double(-0.0), "-0.0")]),
        ("decimal", vec![(decimal("12.50"), "12.50"), (decimal("-0.01"), "-0.01"), (decimal("12345678901234567890123456789012.34"), "12345678901234567890123456789012.34"), (5.into(), "5.00")]),
        ("wild_decimal", vec![(decimal("NaN"), "{\"$numberDecimal\":\"NaN\"}"), (decimal("1E+6144"), "{\"$numberDecimal\":\"1.000000000000000000000000000000000E+6144\"}")]),
        ("string", vec![("".into(), ""), ("🍎ä".into(), "🍎ä"), ("a\0b".into(), "a\0b"), ("\r\n".into(), "\r\n")]),
        ("bool", vec![(true.into(), "true"), (false.into(), "false"), (Bson::Undefined, "NULL")]),
        ("oid", vec![(id.into(), "0123456789abcdef01234567")]),
        ("date", vec![(time(-62_135_596_800_000), "0001-01-01T00:00:00Z"), (time(253_402_300_799_999), "9999-12-31T23:59:59.999Z"), (time(1_711_848_600_000), "2024-03-31T01:30:00Z")]),
        ("binary", vec![(binary(&[0, 255]), "00ff"), (binary(&[]), "")]),
        ("object", vec![(doc! { "x": 1, "y": { "z": "a" } }.into(), "{x: 1, y: {z: a}}"), (doc! { "x": 2 }.into(), "{x: 2, y: NULL}")]),
        ("array", vec![(vec![1, 2].into(), "[1, 2]"), (Bson::Array(vec![]), "[]"), (Bson::Array(vec![Bson::Null, 1.into()]), "[NULL, 1]")]),
        ("array_of_objects", vec![(vec![doc! { "a": 1 }, doc! { "b": "x" }].into(), "[{a: 1, b: NULL}, {a: NULL, b: x}]")]),
        ("mixed", vec![(1.into(), "1"), ("x".into(), "\"x\""), (doc! { "a": 1 }.into(), "{\"a\":1}"), (Bson::Null, "NULL")]),
        ("long_and_double", vec![(1_i64.into(), "1"), (1.5.into(), "1.5")]),
        ("timestamp", vec![(Timestamp { time: 1, increment: 2 }.into(), "{\"$timestamp\":{\"t\":1,\"i\":2}}")]),
        ("always_null", vec![(Bson::Null, "NULL")]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb() -> Result<()> {
    let url = Store::Mongodb.url("types");
    let session = stores::session(&format!("[catalog.m]\nurl = \"{url}\"\n")).await?;
    let database = mongodb::Client::with_uri_str(&url).await?.database("types");
    database.drop().await?;
    let cells = mongodb_cells()?;
    let mut count = 0;
    for (name, values) in cells {
        let documents: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(id, (value, _))| doc! { "_id": i64::try_from(id).unwrap_or(0), "v": value.clone() })
            .collect();
        database.collection(name).insert_many(documents).await?;
        let expected: Vec<_> = values.iter().map(|(_, text)| *text).collect();
        count +=
            check(&session, name, &format!("SELECT v FROM m.types.{name} ORDER BY _id"), &expected)
                .await?;
    }
    // Missing is NULL too, and a type that the sample did not show does not fit.
    database
        .collection("missing")
        .insert_many([doc! { "_id": 0, "v": 1 }, doc! { "_id": 1 }])
        .await?;
    count +=
        check(&session, "missing", "SELECT v FROM m.types.missing ORDER BY _id", &["1", "NULL"])
            .await?;
    database.collection("missing").insert_one(doc! { "_id": 2, "v": "late" }).await?;
    count += check(
        &session,
        "late",
        "SELECT v FROM m.types.missing ORDER BY _id",
        &["1", "NULL", MISFIT],
    )
    .await?;
    ensure!(count >= 45, "{count} cells");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn neo4j() -> Result<()> {
    let session = stores::session("").await?;
    let graph = xtask::stores::neo4j_graph()?;
    #[rustfmt::skip]
    let cells: &[(&str, &[(&str, &str)])] = &[
        ("Integer", &[("-9223372036854775807", "-9223372036854775807"), ("9223372036854775807", "9223372036854775807"), ("null", "NULL")]),
        ("Float", &[("0.0/0.0", "NaN"), ("1.0/0.0", "inf"), ("-0.0", "-0.0"), ("0.1", "0.1")]),
        ("String", &[("''", ""), ("'🍎ä'", "🍎ä"), ("'a\\nb'", "a\nb")]),
        ("Boolean", &[("true", "true"), ("false", "false")]),
        ("Date", &[("date('0001-01-01')", "0001-01-01"), ("date('9999-12-31')", "9999-12-31")]),
        ("LocalTime", &[("localtime('23:59:59.999999999')", "23:59:59.999999999")]),
        ("ZonedTime", &[("time('12:00:00+02:00')", "12:00:00+02:00")]),
        ("LocalDatetime", &[("localdatetime('9999-12-31T23:59:59.999999')", "9999-12-31T23:59:59.999999"), ("localdatetime('2024-01-01T00:00:00.123456789')", MISFIT)]),
        ("ZonedDatetime", &[("datetime('2024-03-31T01:30:00+02:00')", "2024-03-30T23:30:00Z"), ("datetime('2024-10-27T02:30:00[Europe/Berlin]')", "2024-10-27T00:30:00Z")]),
        ("Duration", &[("duration('P1Y2M3DT4H5M6.5S')", "14 mons 3 days 4 hours 5 mins 6.500000000 secs")]),
        ("List", &[("[1, 2]", "[1, 2]"), ("[]", "[]")]),
        ("Point", &[("point({x: 1.5, y: 2.0})", "point({x: 1.5, y: 2.0, crs: 'cartesian'})")]),
        ("Mixed", &[("1", "1"), ("'x'", "\"x\""), ("1.5", "1.5")]),
    ];
    let mut count = 0;
    for (name, values) in cells {
        graph.run(query(&format!("MATCH (n:Cell{name}) DELETE n"))).await?;
        for (id, (literal, _)) in values.iter().enumerate() {
            graph.run(query(&format!("CREATE (:Cell{name} {{id: {id}, v: {literal}}})"))).await?;
        }
        let expected: Vec<_> = values.iter().map(|(_, text)| *text).collect();
        let sql = format!("SELECT v FROM graph.neo4j.\"Cell{name}\" ORDER BY id");
        let checked = check(&session, name, &sql, &expected).await;
        graph.run(query(&format!("MATCH (n:Cell{name}) DELETE n"))).await?;
        count += checked?;
    }
    ensure!(count >= 26, "{count} cells");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn redis() -> Result<()> {
    let url = Store::Redis.url("4");
    let mut connection =
        redis::Client::open(url.clone())?.get_multiplexed_async_connection().await?;
    redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await?;
    #[rustfmt::skip]
    const CELLS: &[(&str, &str, ByteCells)] = &[
        ("bigint", "bigint", &[(b"-9223372036854775808", "-9223372036854775808"), (b"007", MISFIT), (b"x", MISFIT)]),
        ("double", "double", &[(b"1.5", "1.5"), (b"NaN", "NaN"), (b"-inf", "-inf"), (b"1e308", "1e308")]),
        ("decimal", "decimal(10,2)", &[(b"12.5", "12.50"), (b"12.345", MISFIT), (b"-0.01", "-0.01")]),
        ("text", "text", &[(b"", ""), ("🍎ä".as_bytes(), "🍎ä"), (b"\xff", MISFIT), (b"a\0b", "a\0b")]),
        ("boolean", "boolean", &[(b"true", "true"), (b"0", "false"), (b"yes", MISFIT)]),
        ("date", "date", &[(b"0001-01-01", "0001-01-01"), (b"9999-12-31", "9999-12-31"), (b"2024-02-30", MISFIT)]),
        ("timestamp", "timestamp", &[(b"2024-02-29T12:00:00", "2024-02-29T12:00:00"), (b"noon", MISFIT)]),
        ("binary", "binary", &[(b"\x00\xff", "00ff"), (b"", "")]),
        ("json", "json", &[(b"{\"a\":1}", "{\"a\":1}"), (b"{", MISFIT)]),
    ];
    let mut config = format!("[catalog.r]\nurl = \"{url}\"\n");
    for (name, kind, values) in CELLS {
        config.push_str(&format!(
            "[catalog.r.tables.{name}]\nkey = \"{name}:{{id}}\"\ntype = \"hash\"\ncolumns = {{ id = \"bigint\", v = \"{kind}\" }}\n"
        ));
        for (id, (value, _)) in values.iter().enumerate() {
            redis::cmd("HSET")
                .arg(format!("{name}:{id}"))
                .arg("v")
                .arg(*value)
                .query_async::<()>(&mut connection)
                .await?;
        }
    }
    let session = stores::session(&config).await?;
    let mut count = 0;
    for (name, _, values) in CELLS {
        let expected: Vec<_> = values.iter().map(|(_, text)| *text).collect();
        count +=
            check(&session, name, &format!("SELECT v FROM r.db4.{name} ORDER BY id"), &expected)
                .await?;
    }
    ensure!(count >= 25, "{count} cells");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("types.db");
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    #[rustfmt::skip]
    let cells: &[(&str, &[(&str, &str)])] = &[
        ("INTEGER", &[("-9223372036854775808", "-9223372036854775808"), ("9223372036854775807", "9223372036854775807"), ("'x'", MISFIT), ("NULL", "NULL")]),
        ("REAL", &[("1e308", "1e308"), ("9e999", "inf"), ("-9e999", "-inf"), ("3", "3.0"), ("'x'", MISFIT)]),
        ("TEXT", &[("''", ""), ("'🍎ä'", "🍎ä"), ("x'ff'", MISFIT), ("5", "5")]),
        ("BLOB", &[("x'00ff'", "00ff"), ("x''", ""), ("'text'", MISFIT)]),
        ("BOOLEAN", &[("0", "false"), ("1", "true"), ("2", MISFIT)]),
        ("DATE", &[("'0001-01-01'", "0001-01-01"), ("'9999-12-31'", "9999-12-31"), ("'2024-1-1'", MISFIT)]),
        ("TIMESTAMP", &[("'2024-02-29 12:00:00'", "2024-02-29T12:00:00"), ("'2024-02-29T12:00:00.123456'", "2024-02-29T12:00:00.123456"), ("0", MISFIT)]),
        ("DECIMAL(10,2)", &[("12.5", "12.50"), ("-0.07", "-0.07"), ("12", "12.00"), ("0.125", MISFIT), ("99999999.99", "99999999.99")]),
    ];
    let session = stores::session(&format!(
        "[catalog.s]\npath = {:?}\ntype = \"sqlite\"\n",
        path.display().to_string()
    ))
    .await?;
    let mut count = 0;
    for (index, (kind, values)) in cells.iter().enumerate() {
        sqlx::query(AssertSqlSafe(format!("CREATE TABLE t{index} (id INTEGER, v {kind})")))
            .execute(&mut connection)
            .await?;
        for (id, (literal, _)) in values.iter().enumerate() {
            sqlx::query(AssertSqlSafe(format!("INSERT INTO t{index} VALUES ({id}, {literal})")))
                .execute(&mut connection)
                .await?;
        }
        let expected: Vec<_> = values.iter().map(|(_, text)| *text).collect();
        count += check(&session, kind, &format!("SELECT v FROM s.t{index} ORDER BY id"), &expected)
            .await?;
    }
    ensure!(count >= 28, "{count} cells");
    Ok(())
}

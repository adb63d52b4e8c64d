//! The museum: wrong answers that other engines gave, each with where it was told, as queries over the fuzzer's tables.
//! Every one runs with all pushed down, with nothing pushed down, and over the same rows in memory.

use anyhow::{Result, ensure};
use medley_integration_tests::fuzz::data::Placed;
use medley_integration_tests::fuzz::run::Fuzzer;

/// Where the trap was met, and a query that would fall into it.
const EXHIBITS: [(&str, &str); 70] = [
    (
        "trino#3645 text range under the store's collation",
        "SELECT s FROM {pg.a} WHERE s BETWEEN 'A' AND 'b'",
    ),
    (
        "trino#3645 text range under the store's collation, SQLite NOCASE",
        "SELECT s FROM {lite.a} WHERE s BETWEEN 'A' AND 'b'",
    ),
    (
        "trino#3645 text order under the store's collation",
        "SELECT s, k FROM {pg.a} ORDER BY s, k LIMIT 7",
    ),
    ("trino#3645 text order under NOCASE", "SELECT s, k FROM {lite.a} ORDER BY s, k LIMIT 7"),
    ("trino#3645 least text under the store's collation", "SELECT min(s), max(s) FROM {pg.a}"),
    ("trino#3645 least text under NOCASE", "SELECT min(s), max(s) FROM {lite.a}"),
    (
        "trino#6671 equality under a case insensitive collation",
        "SELECT k FROM {lite.a} WHERE s = 'A'",
    ),
    (
        "trino#6746 inequality under a case insensitive collation",
        "SELECT k FROM {lite.a} WHERE s <> 'a'",
    ),
    (
        "trino#23922 grouping under a case insensitive collation",
        "SELECT s, count(*) FROM {lite.a} GROUP BY s",
    ),
    ("trino#23922 DISTINCT under a case insensitive collation", "SELECT DISTINCT s FROM {lite.a}"),
    (
        "trino#23922 count(DISTINCT) under a case insensitive collation",
        "SELECT count(DISTINCT s) FROM {lite.a}",
    ),
    (
        "trino#18413 LIKE under a case insensitive collation",
        "SELECT k FROM {lite.a} WHERE s LIKE 'a%'",
    ),
    ("trino#4003 IS NULL of a missing field", "SELECT k FROM {docs.a} WHERE s IS NULL"),
    ("trino#4003 IS NOT NULL of a missing field", "SELECT k FROM {docs.a} WHERE s IS NOT NULL"),
    ("trino#4003 <> of a missing field", "SELECT k FROM {docs.a} WHERE i <> 7"),
    ("trino#4003 NOT IN of a missing field", "SELECT k FROM {docs.a} WHERE i NOT IN (1, 2)"),
    (
        "trino#18130 two ORs over one field",
        "SELECT k FROM {docs.a} WHERE (i IS NULL OR i IN (1, 2)) AND (i IS NULL OR i > 1)",
    ),
    (
        "trino#19404 several inequalities of one field",
        "SELECT k FROM {docs.a} WHERE i <> 1 AND i <> 2 AND i <> 7",
    ),
    (
        "trino#19404 several bounds of one field",
        "SELECT k FROM {docs.a} WHERE i > 0 AND i > 1 AND i < 10 AND i < 9",
    ),
    (
        "trino#13536 a filter on a column of no comparable type",
        "SELECT k FROM {docs.a} WHERE o IS NOT NULL",
    ),
    (
        "trino#18382 decimals with all digits",
        "SELECT n FROM {docs.a} WHERE n > 99999999 OR n < -99999999",
    ),
    (
        "trino#7285 count of a field that is missing",
        "SELECT count(s), count(i), count(*) FROM {docs.a}",
    ),
    ("trino#7285 sum of nothing", "SELECT sum(i), count(i) FROM {docs.a} WHERE k > 1000"),
    (
        "trino#7285 sums by a key that is missing",
        "SELECT s, sum(l), avg(i) FROM {docs.a} GROUP BY s",
    ),
    (
        "trino#26366 order with missing fields, descending",
        "SELECT i, k FROM {docs.a} ORDER BY i DESC, k LIMIT 9",
    ),
    (
        "trino#26366 order with missing fields first",
        "SELECT i, k FROM {docs.a} ORDER BY i NULLS FIRST, k LIMIT 9",
    ),
    (
        "trino#26366 order with missing fields last",
        "SELECT i, k FROM {docs.a} ORDER BY i DESC NULLS LAST, k LIMIT 30",
    ),
    (
        "duckdb-postgres#564 an OR that loses a branch",
        "SELECT k FROM {pg.a} WHERE i IS NULL OR lower(s) = 'a'",
    ),
    (
        "duckdb-postgres#564 an OR under NOT",
        "SELECT k FROM {pg.a} WHERE NOT (i IS NULL OR upper(s) = 'A')",
    ),
    (
        "pg_duckdb#935 null order of a pushed limit",
        "SELECT i, k FROM {pg.a} ORDER BY i NULLS FIRST, k LIMIT 5",
    ),
    (
        "pg_duckdb#1077 a join by text between collations",
        "SELECT x.k, y.k FROM {pg.a} x JOIN {lite.b} y ON x.s = y.s",
    ),
    (
        "pg_duckdb#1077 the other way round",
        "SELECT x.k, y.k FROM {lite.a} x JOIN {pg.b} y ON x.s = y.s",
    ),
    (
        "datafusion#25264 columns of one name on both sides",
        "SELECT x.k, y.k FROM {pg.a} x LEFT JOIN {docs.b} y ON x.i = y.i WHERE x.l + coalesce(y.l, 0) < 100",
    ),
    (
        "datafusion#25264 a filter over both sides of an outer join",
        "SELECT x.k, y.k FROM {pg.a} x RIGHT JOIN {docs.b} y ON x.l = y.l WHERE y.i = 7 OR x.i = 7",
    ),
    (
        "datafusion#12591 a filter above a limit",
        "SELECT k FROM (SELECT * FROM {pg.a} ORDER BY k LIMIT 9) q WHERE i > 0",
    ),
    (
        "datafusion#12406 a limit inside a join",
        "SELECT q.k FROM (SELECT * FROM {pg.a} ORDER BY k LIMIT 5) q JOIN {pg.b} y ON q.k = y.k",
    ),
    (
        "datafusion#12595 a limit inside IN",
        "SELECT k FROM {pg.a} WHERE k IN (SELECT k FROM {pg.b} ORDER BY k LIMIT 4)",
    ),
    (
        "datafusion#12599 a filter over a computed output",
        "SELECT c FROM (SELECT l * 2 AS c FROM {pg.a} WHERE l < 1000) q WHERE c > 2",
    ),
    (
        "datafusion#4308 a limit in a limit",
        "SELECT k FROM (SELECT k FROM {pg.a} ORDER BY k LIMIT 9) q ORDER BY k LIMIT 3 OFFSET 2",
    ),
    (
        "datafusion#4308 an offset beyond the end",
        "SELECT k FROM {pg.a} ORDER BY k LIMIT 5 OFFSET 45",
    ),
    (
        "spiceai#10005 an alias of an alias",
        "SELECT z.k FROM (SELECT y.k FROM (SELECT k, i FROM {docs.a}) y WHERE y.i > 0) z WHERE z.k > 3",
    ),
    (
        "spiceai#9648 a filter on both sides of a join",
        "SELECT x.k FROM {pg.a} x JOIN {pg.b} y ON x.i = y.i WHERE x.s = 'a' AND y.s = 'a'",
    ),
    ("quasar#885 count of values only", "SELECT i, count(s) FROM {docs.a} GROUP BY i"),
    ("clickhouse#78777 negation over missing fields", "SELECT k FROM {docs.a} WHERE NOT (s = 'a')"),
    ("table-providers negation of IN", "SELECT k FROM {docs.a} WHERE NOT (i IN (1, 7))"),
    ("table-providers LIKE over a newline", "SELECT k FROM {docs.a} WHERE s LIKE 'a%b'"),
    (
        "table-providers LIKE over special characters",
        "SELECT k FROM {docs.a} WHERE s LIKE '100%' OR s LIKE 'a_b'",
    ),
    ("mongo_fdw a comparison that looks into arrays", "SELECT k FROM {docs.a} WHERE p = 7"),
    ("mongo_fdw a range that looks into arrays", "SELECT k FROM {docs.a} WHERE p < 5"),
    ("mongo_fdw a value of another type", "SELECT k FROM {docs.a} WHERE q = 'a' OR q IS NULL"),
    ("trino#2934 sums of a field of several types", "SELECT sum(p), count(p) FROM {docs.a}"),
    (
        "trino#2934 groups of a field of several types",
        "SELECT q, count(*) FROM {docs.a} GROUP BY q",
    ),
    ("drill#2128 NaN in a range", "SELECT k FROM {docs.a} WHERE d > 1"),
    ("drill#2128 NaN in a range, Postgres", "SELECT k FROM {pg.a} WHERE d > 1"),
    ("drill#2128 NaN in a range, Neo4j", "SELECT k FROM {graph.a} WHERE d > 1"),
    (
        "postgres NaN and infinity read as NULL",
        "SELECT count(n), count(t), sum(n), min(t), max(t) FROM {pg.a}",
    ),
    (
        "neo4j-jdbc#814 a join of labels",
        "SELECT x.k, y.k FROM {graph.a} x JOIN {graph.b} y ON x.k = y.k",
    ),
    (
        "neo4j-jdbc#1310 HAVING without columns",
        "SELECT f FROM {graph.a} GROUP BY f HAVING count(*) > 3",
    ),
    (
        "neo4j-fdw values that look like patterns",
        "SELECT k FROM {graph.a} WHERE s LIKE '%.%' OR s LIKE '100%'",
    ),
    ("neo4j null order", "SELECT i, l, k FROM {graph.a} ORDER BY l DESC NULLS LAST, k LIMIT 9"),
    ("redis keys that are not there", "SELECT k, s FROM {cache.a} WHERE k IN (1, 2, 1000)"),
    ("redis fields that are missing", "SELECT k FROM {cache.a} WHERE i IS NULL"),
    ("redis a join by key", "SELECT x.k, y.s FROM {pg.a} x JOIN {cache.b} y ON x.k = y.k"),
    ("NOT IN with NULL in the list", "SELECT k FROM {pg.a} WHERE i NOT IN (1, NULL)"),
    (
        "NOT IN with NULL in the subquery",
        "SELECT k FROM {pg.a} WHERE i NOT IN (SELECT i FROM {docs.b})",
    ),
    (
        "NOT IN over an empty subquery",
        "SELECT k FROM {pg.a} WHERE i NOT IN (SELECT i FROM {docs.b} WHERE k > 1000)",
    ),
    (
        "an empty build side",
        "SELECT x.k FROM {pg.a} x LEFT JOIN {docs.b} y ON x.k = y.k AND y.k > 1000 WHERE x.k > 40",
    ),
    (
        "IS DISTINCT FROM beside AND",
        "SELECT k FROM {pg.a} WHERE (f IS NOT DISTINCT FROM true) AND k > 20",
    ),
    ("INTERSECT with NULL", "SELECT s FROM {pg.a} INTERSECT SELECT s FROM {docs.b}"),
    ("EXCEPT with NULL", "SELECT s FROM {pg.a} EXCEPT SELECT s FROM {pg.b}"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_exhibit_lives() -> Result<()> {
    let placed = Placed::ready().await?;
    let fuzzer = Fuzzer::new(placed.engine(|builder| builder)?, &placed.names).await?;
    let mut wrong = Vec::new();
    for (source, sql) in EXHIBITS {
        if let Err(what) = fuzzer.same(sql).await? {
            wrong.push(format!("{source}: {what}"));
        }
    }
    ensure!(wrong.is_empty(), "{} of {}: {}", wrong.len(), EXHIBITS.len(), wrong.join("\n"));
    Ok(())
}

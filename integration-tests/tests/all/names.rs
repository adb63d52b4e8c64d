//! How names are found, what describes tables, views, and settings.

use anyhow::Result;
use medley_integration_tests::answers::{ask, column};
use medley_integration_tests::stores;

#[tokio::test(flavor = "multi_thread")]
async fn names_of_one_two_and_three_parts_mean_the_same_table() -> Result<()> {
    let session = stores::session("").await?;
    let count = "SELECT count(*) FROM";
    for name in [
        "pg.public.nation",
        "pg.nation",
        "PG.Public.NATION",
        "graph.neo4j.nation",
        "graph.\"Nation\"",
    ] {
        assert_eq!(column(&session, &format!("{count} {name}")).await?, ["25"], "{name}");
    }
    session.sql("USE pg").await?;
    assert_eq!(column(&session, &format!("{count} nation")).await?, ["25"]);
    assert_eq!(column(&session, &format!("{count} public.nation")).await?, ["25"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_all_stores_can_be_asked_for() -> Result<()> {
    let session = stores::session("").await?;
    assert_eq!(column(&session, "SHOW CATALOGS").await?, ["cache", "docs", "graph", "pg"]);
    let tables = ask(&session, "SHOW TABLES FROM pg").await?;
    assert_eq!(tables.cells.len(), 8);
    let columns = ask(&session, "SHOW COLUMNS FROM pg.public.nation").await?;
    assert_eq!(columns.cells[0], ["n_nationkey", "Int64", "NO"]);
    let sql = "SELECT column_name FROM information_schema.columns \
               WHERE table_catalog = 'cache' AND table_name = 'session' ORDER BY ordinal_position";
    let expected = ["c_custkey", "user", "page", "visits", "active", "_key", "_ttl_ms"];
    assert_eq!(column(&session, sql).await?, expected);
    let sql = format!(
        "SELECT native_type FROM system.schema_inference WHERE table_catalog = 'docs' AND table_schema = '{}' \
         AND table_name = 'orders' AND path = 'o_totalprice'",
        xtask::data::database(stores::SCALE_FACTOR)
    );
    assert_eq!(column(&session, &sql).await?, ["decimal"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn views_stand_over_any_stores_and_catalogs_come_and_go() -> Result<()> {
    let session = stores::session("").await?;
    session
        .sql(
            "CREATE VIEW places AS SELECT n.n_name, r.r_name FROM graph.\"Nation\" n \
             JOIN pg.region r ON r.r_regionkey = n.n_regionkey",
        )
        .await?;
    assert_eq!(column(&session, "SELECT count(*) FROM places WHERE r_name = 'ASIA'").await?, ["5"]);
    let url = xtask::stores::Store::Postgres.url(&xtask::data::database(stores::SCALE_FACTOR));
    session.sql(&format!("ATTACH '{url}' AS shop (TYPE postgres, READ_ONLY)")).await?;
    assert_eq!(column(&session, "SELECT count(*) FROM shop.region").await?, ["5"]);
    session.sql("DETACH shop").await?;
    assert!(session.sql("SELECT 1 FROM shop.region").await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_more_scans_than_connections_comes_to_its_end() -> Result<()> {
    let session = stores::session("").await?;
    for table in ["pg.lineitem", "graph.\"SUPPLIES\""] {
        let all: Vec<_> = (0..24).map(|_| format!("SELECT * FROM {table}")).collect();
        let rows =
            column(&session, &format!("SELECT count(*) FROM ({}) u", all.join(" UNION ALL ")))
                .await?;
        let one = column(&session, &format!("SELECT 24 * count(*) FROM {table}")).await?;
        assert_eq!(rows, one, "{table}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_documents_are_read_with_plain_sql() -> Result<()> {
    let session = stores::session("").await?;
    let sql =
        "SELECT count(*) FROM docs.orders_nested o WHERE o.customer.address.nation = 'CANADA'";
    let joined = "SELECT count(*) FROM pg.orders JOIN pg.customer ON o_custkey = c_custkey \
                  JOIN pg.nation ON c_nationkey = n_nationkey WHERE n_name = 'CANADA'";
    assert_eq!(column(&session, sql).await?, column(&session, joined).await?);
    let unnested = "SELECT sum(l['l_extendedprice']) FROM (SELECT unnest(lineitems) AS l FROM docs.orders_nested)";
    let plain = "SELECT sum(l_extendedprice) FROM pg.lineitem";
    assert_eq!(column(&session, unnested).await?, column(&session, plain).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_each_native_query_and_switching_off_shows_none() -> Result<()> {
    let session = stores::session("").await?;
    let plan = |rows: medley_integration_tests::answers::Rows| {
        rows.cells.into_iter().flatten().collect::<Vec<_>>().join("\n")
    };
    let sql = "EXPLAIN SELECT c_name FROM pg.customer WHERE c_custkey = 7";
    assert!(plan(ask(&session, sql).await?).contains("WHERE t1.\"c_custkey\" = 7"));
    let sql = "EXPLAIN SELECT c_name FROM cache.customer WHERE c_custkey IN (7, 9)";
    assert!(
        plan(ask(&session, sql).await?).contains("HASH c_name of \"customer:7\" \"customer:9\"")
    );
    let sql = "EXPLAIN SELECT n_name FROM graph.\"Nation\" WHERE n_nationkey = 7";
    assert!(plan(ask(&session, sql).await?).contains("n1.`n_nationkey` = $p0"));
    let url = xtask::stores::Store::Postgres.url(&xtask::data::database(stores::SCALE_FACTOR));
    let off =
        stores::session(&format!("[catalog.off]\nurl = \"{url}\"\npushdown = false\n")).await?;
    let text =
        plan(ask(&off, "EXPLAIN SELECT c_name FROM off.customer WHERE c_custkey = 7").await?);
    assert!(!text.contains("WHERE"), "{text}");
    assert_eq!(
        column(&off, "SELECT c_name FROM off.customer WHERE c_custkey = 7").await?,
        ["Customer#000000007"]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_hold_the_years_of_sql_and_statements_can_be_prepared() -> Result<()> {
    let session = stores::session("").await?;
    let sql = "SELECT TIMESTAMP '0001-01-01 00:00:00', TIMESTAMP '9999-12-31 23:59:59.999999',
                      TIMESTAMPTZ '2024-03-31 02:30:00+02:00'";
    let cells = ask(&session, sql).await?.cells.remove(0);
    assert_eq!(
        cells,
        ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2024-03-31T00:30:00Z"]
    );
    session
        .sql("PREPARE one(BIGINT) AS SELECT c_name FROM pg.customer WHERE c_custkey = $1")
        .await?;
    assert_eq!(column(&session, "EXECUTE one(7)").await?, ["Customer#000000007"]);
    session.sql("DEALLOCATE one").await?;
    assert!(session.sql("EXECUTE one(7)").await.is_err());
    Ok(())
}

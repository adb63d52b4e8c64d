//! Neo4j: nodes Customer, Part, Supplier, Nation, Region; relationships SUPPLIES {availqty, supplycost} from
//! supplier to part, IN_NATION, IN_REGION, and about five KNOWS {since} a customer from a fixed seed.

use anyhow::Result;
use neo4rs::{BoltList, BoltMap, BoltType, Graph, query};

use super::tables::{Kind, Table, fields};
use crate::stores::neo4j_graph;

const BATCH_ROWS: usize = 5_000;
const KNOWS_SEED: u64 = 20_240_607;
const KNOWS_PER_CUSTOMER: u64 = 5;

pub(super) async fn is_loaded(scale_factor: f64) -> Result<bool> {
    let graph = neo4j_graph()?;
    let mut rows =
        graph.execute(query("MATCH (n:Region) RETURN n.loaded_scale_factor AS sf LIMIT 1")).await?;
    let found = rows.next().await?.and_then(|row| row.get::<String>("sf").ok());
    Ok(found.is_some_and(|text| text == scale_factor.to_string()))
}

pub(super) async fn load(scale_factor: f64) -> Result<()> {
    let graph = neo4j_graph()?;
    graph
        .run(query("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS"))
        .await?;
    let nodes = [
        ("Region", "region"),
        ("Nation", "nation"),
        ("Supplier", "supplier"),
        ("Customer", "customer"),
        ("Part", "part"),
    ];
    for (label, table) in nodes {
        let table = Table::named(table);
        let index = format!(
            "CREATE INDEX {table}_key IF NOT EXISTS FOR (n:{label}) ON (n.{key})",
            table = table.name,
            key = table.key[0]
        );
        graph.run(query(&index)).await?;
        let create = format!("UNWIND $rows AS row CREATE (n:{label}) SET n = row");
        write(&graph, &create, table.lines(scale_factor).map(|line| properties(table, &line)))
            .await?;
    }
    graph.run(query("CALL db.awaitIndexes(120)")).await?;
    load_places(&graph).await?;
    load_supplies(&graph, scale_factor).await?;
    load_knows(&graph, scale_factor).await?;
    let marker = query("MATCH (n:Region) SET n.loaded_scale_factor = $sf");
    Ok(graph.run(marker.param("sf", scale_factor.to_string())).await.map(drop)?)
}

async fn load_places(graph: &Graph) -> Result<()> {
    for (label, column) in [("Customer", "c_nationkey"), ("Supplier", "s_nationkey")] {
        let text = format!(
            "MATCH (n:{label}) CALL (n) {{ MATCH (m:Nation {{n_nationkey: n.{column}}}) \
             CREATE (n)-[:IN_NATION]->(m) }} IN TRANSACTIONS OF 20000 ROWS"
        );
        graph.run(query(&text)).await?;
    }
    let regions = "MATCH (n:Nation) MATCH (m:Region {r_regionkey: n.n_regionkey}) CREATE (n)-[:IN_REGION]->(m)";
    graph.run(query(regions)).await?;
    Ok(())
}

async fn load_supplies(graph: &Graph, scale_factor: f64) -> Result<()> {
    let table = Table::named("partsupp");
    let create = "UNWIND $rows AS row MATCH (s:Supplier {s_suppkey: row.ps_suppkey}) \
                  MATCH (p:Part {p_partkey: row.ps_partkey}) \
                  CREATE (s)-[:SUPPLIES {availqty: row.ps_availqty, supplycost: row.ps_supplycost}]->(p)";
    write(graph, create, table.lines(scale_factor).map(|line| properties(table, &line))).await
}

async fn load_knows(graph: &Graph, scale_factor: f64) -> Result<()> {
    let customers = u64::try_from(Table::named("customer").lines(scale_factor).count())?;
    let mut state = KNOWS_SEED;
    let mut next = move || {
        // The multiplier and increment are Knuth's for 64 bits; the high bits are the random ones.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let rows = (1..=customers).flat_map(|from| (0..KNOWS_PER_CUSTOMER).map(move |_| from)).map(
        move |from| {
            let to = next() % customers + 1;
            let year = 1992 + next() % 7;
            Ok(map([
                ("from", BoltType::from(i64::try_from(from)?)),
                ("to", BoltType::from(i64::try_from(to)?)),
                ("since", BoltType::from(i64::try_from(year)?)),
            ]))
        },
    );
    let create = "UNWIND $rows AS row MATCH (a:Customer {c_custkey: row.from}) \
                  MATCH (b:Customer {c_custkey: row.to}) CREATE (a)-[:KNOWS {since: row.since}]->(b)";
    write(graph, create, rows).await
}

async fn write(
    graph: &Graph,
    text: &str,
    rows: impl Iterator<Item = Result<BoltType>>,
) -> Result<()> {
    let mut batch = BoltList::new();
    for row in rows {
        batch.push(row?);
        if batch.len() >= BATCH_ROWS {
            graph
                .run(query(text).param("rows", BoltType::List(std::mem::take(&mut batch))))
                .await?;
        }
    }
    graph.run(query(text).param("rows", BoltType::List(batch))).await?;
    Ok(())
}

/// Neo4j has no decimals: amounts go in as floats, days as dates.
fn properties(table: &Table, line: &str) -> Result<BoltType> {
    let mut map = BoltMap::new();
    for ((column, kind), field) in table.columns.iter().zip(fields(line)) {
        let value = match kind {
            Kind::Int | Kind::Long => BoltType::from(field.parse::<i64>()?),
            Kind::Decimal => BoltType::from(field.parse::<f64>()?),
            Kind::Date => BoltType::from(field.parse::<chrono::NaiveDate>()?),
            Kind::Text => BoltType::from(field),
        };
        map.put((*column).into(), value);
    }
    Ok(BoltType::Map(map))
}

fn map<const N: usize>(entries: [(&str, BoltType); N]) -> BoltType {
    let mut map = BoltMap::new();
    for (key, value) in entries {
        map.put(key.into(), value);
    }
    BoltType::Map(map)
}

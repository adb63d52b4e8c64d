//! What each store takes is what it says it takes, both ways; and `docs/capabilities.md` says the same.
//!
//! Each cell is a statement whose plan shows whether the feature went down. With `MEDLEY_BLESS` set the page is written
//! anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use medley_core::capabilities::{Operator, PredicateForm};
use medley_core::config::CatalogOptions;
use medley_core::{Capabilities, Connector};
use medley_engine::Session;
use medley_engine::connectors::Registry;
use medley_integration_tests::answers::ask;
use medley_integration_tests::fuzz::data::Placed;
use serde_json::json;
use xtask::stores::Store;

/// A feature, a statement that needs it, and what the plan shows if it stays here.
struct Feature {
    name: &'static str,
    sql: &'static str,
    local: &'static str,
    declared: fn(&Capabilities, &str) -> bool,
}

fn operator(name: &str) -> Option<Operator> {
    serde_json::from_value(json!(name)).ok()
}

fn has_operator(capabilities: &Capabilities, name: &str) -> bool {
    operator(name).is_some_and(|operator| capabilities.supports(operator))
}

fn has_predicate(capabilities: &Capabilities, name: &str) -> bool {
    let form: Option<PredicateForm> = serde_json::from_value(json!(name)).ok();
    form.is_some_and(|form| capabilities.predicates.contains(&form))
}

fn has_function(capabilities: &Capabilities, name: &str) -> bool {
    capabilities.functions.contains(name)
}

fn has_aggregate(capabilities: &Capabilities, name: &str) -> bool {
    capabilities.aggregates.contains(name)
}

macro_rules! features {
    ($declared:ident: $($name:literal, $sql:literal, $local:literal;)*) => {
        [$(Feature { name: $name, sql: $sql, local: $local, declared: $declared },)*]
    };
}

fn sections() -> Vec<(&'static str, Vec<Feature>)> {
    let operators = features! { has_operator:
        "filter", "SELECT s FROM {t} WHERE k = 3", "FilterExec";
        "project", "SELECT s FROM {t}", "ProjectionExec";
        "limit", "SELECT s FROM {t} LIMIT 3", "LimitExec";
        "aggregate", "SELECT count(*) FROM {t}", "AggregateExec";
        "sort", "SELECT k FROM {t} ORDER BY k LIMIT 3", "SortExec";
        "join", "{join}", "JoinExec";
        "union", "SELECT k FROM {t} UNION ALL SELECT k FROM {u}", "UnionExec";
    };
    let predicates = features! { has_predicate:
        "equal", "SELECT s FROM {t} WHERE k = 3", "FilterExec";
        "not_equal", "SELECT s FROM {t} WHERE k <> 3", "FilterExec";
        "range", "SELECT s FROM {t} WHERE {range}", "FilterExec";
        "in_list", "SELECT s FROM {t} WHERE k IN (1, 3, 5, 7, 9)", "FilterExec";
        "is_null", "SELECT k FROM {t} WHERE l IS NULL", "FilterExec";
        "like", "SELECT k FROM {t} WHERE {like}", "FilterExec";
        "or", "SELECT s FROM {t} WHERE k = 3 OR l = 7", "FilterExec";
    };
    let aggregates = features! { has_aggregate:
        "count", "SELECT count(*) FROM {t}", "AggregateExec";
        "sum", "SELECT sum(l) FROM {t}", "AggregateExec";
        "min", "SELECT min(k) FROM {t}", "AggregateExec";
        "max", "SELECT max(k) FROM {t}", "AggregateExec";
        "bool_and", "SELECT bool_and(f) FROM {t}", "AggregateExec";
        "bool_or", "SELECT bool_or(f) FROM {t}", "AggregateExec";
        "stddev", "SELECT stddev(k) FROM {t}", "AggregateExec";
        "stddev_pop", "SELECT stddev_pop(k) FROM {t}", "AggregateExec";
        "var", "SELECT var(k) FROM {t}", "AggregateExec";
        "var_pop", "SELECT var_pop(k) FROM {t}", "AggregateExec";
        "corr", "SELECT corr(k, l) FROM {t}", "AggregateExec";
        "median", "SELECT median(k) FROM {t}", "AggregateExec";
        "array_agg", "SELECT array_agg(k) FROM {t}", "AggregateExec";
        "string_agg", "SELECT string_agg(s, ',') FROM {t}", "AggregateExec";
        "approx_distinct", "SELECT approx_distinct(k) FROM {t}", "AggregateExec";
    };
    let functions = features! { has_function:
        "abs", "SELECT k FROM {t} WHERE abs(k) = 3", "FilterExec";
        "bit_length", "SELECT k FROM {t} WHERE bit_length(s) = 3", "FilterExec";
        "btrim", "SELECT k FROM {t} WHERE btrim(s) = 'x'", "FilterExec";
        "character_length", "SELECT k FROM {t} WHERE character_length(s) = 3", "FilterExec";
        "coalesce", "SELECT k FROM {t} WHERE coalesce(l, 1) = 3", "FilterExec";
        "concat", "SELECT k FROM {t} WHERE concat(s, 'x') = 'x'", "FilterExec";
        "date_part", "SELECT k FROM {t} WHERE date_part('month', t) = 3", "FilterExec";
        "left", "SELECT k FROM {t} WHERE left(s, 2) = 'x'", "FilterExec";
        "ltrim", "SELECT k FROM {t} WHERE ltrim(s) = 'x'", "FilterExec";
        "nullif", "SELECT k FROM {t} WHERE nullif(k, 3) = 3", "FilterExec";
        "octet_length", "SELECT k FROM {t} WHERE octet_length(s) = 3", "FilterExec";
        "replace", "SELECT k FROM {t} WHERE replace(s, 'a', 'b') = 'x'", "FilterExec";
        "reverse", "SELECT k FROM {t} WHERE reverse(s) = 'x'", "FilterExec";
        "right", "SELECT k FROM {t} WHERE right(s, 2) = 'x'", "FilterExec";
        "rtrim", "SELECT k FROM {t} WHERE rtrim(s) = 'x'", "FilterExec";
        "strpos", "SELECT k FROM {t} WHERE strpos(s, 'a') = 3", "FilterExec";
        "substr", "SELECT k FROM {t} WHERE substr(s, 1, 2) = 'x'", "FilterExec";
        "lower", "SELECT k FROM {t} WHERE lower(s) = 'x'", "FilterExec";
        "upper", "SELECT k FROM {t} WHERE upper(s) = 'x'", "FilterExec";
        "round", "SELECT k FROM {t} WHERE round(d) = 3", "FilterExec";
        "sqrt", "SELECT k FROM {t} WHERE sqrt(d) = 3", "FilterExec";
        "md5", "SELECT k FROM {t} WHERE md5(s) = 'x'", "FilterExec";
    };
    vec![
        ("Operators", operators.into()),
        ("Predicates", predicates.into()),
        ("Aggregate functions", aggregates.into()),
        ("Scalar functions", functions.into()),
    ]
}

const KINDS: [&str; 5] = ["postgres", "sqlite", "mongodb", "neo4j", "redis"];
/// Where each kind's tables are among the fuzzer's.
const PLACES: [usize; 5] = [0, 2, 1, 4, 3];

fn connector(kind: &str) -> Result<Arc<dyn Connector>> {
    let options = match kind {
        "sqlite" => json!({ "path": "none.db" }),
        "postgres" => json!({ "url": Store::Postgres.url("postgres") }),
        "mongodb" => json!({ "url": Store::Mongodb.url("fuzz") }),
        "neo4j" => json!({ "url": "bolt://neo4j@127.0.0.1:7687", "password": "x" }),
        _ => json!({ "url": Store::Redis.url("9") }),
    };
    let serde_json::Value::Object(options) = options else { anyhow::bail!("options") };
    Ok(Registry::built_in().get(kind)?.create("store", CatalogOptions(options))?)
}

fn statement(feature: &Feature, kind: &str, tables: &[String; 2]) -> String {
    // Neo4j joins paths, and Redis has ranges inside keys only.
    let join = match kind {
        "neo4j" => "SELECT x.k FROM {t} x JOIN fgraph.neo4j.\"FUZZ_EDGE\" e ON e._start = x._id",
        _ => "SELECT x.k FROM {t} x JOIN {u} y ON x.k = y.k",
    };
    feature
        .sql
        .replace("{join}", join)
        .replace("{range}", "k > 3")
        .replace("{like}", "s LIKE 'a%'")
        .replace("{t}", &tables[0])
        .replace("{u}", &tables[1])
}

/// The physical plan, without the native queries.
async fn plan(session: &Session, sql: &str) -> Result<String> {
    let rows = ask(session, &format!("EXPLAIN {sql}")).await?;
    let physical = rows.cells.iter().find(|row| row[0] == "physical_plan").context("a plan")?;
    Ok(physical[1].clone())
}

/// Whether the feature stays here, and the store's reason.
fn stays(plan: &str, local: &str) -> Option<String> {
    let here = plan.lines().any(|line| !line.contains("RemoteScanExec") && line.contains(local));
    let reason = plan.split("local=[").nth(1).and_then(|rest| rest.split(']').next());
    let reason = reason.and_then(|all| all.split("; ").last()).unwrap_or_default();
    here.then(|| reason.split_once(": ").map_or(reason, |(_, reason)| reason).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_take_what_they_say() -> Result<()> {
    let placed = Placed::ready().await?;
    let session = placed.engine(|builder| builder)?.session();
    let mut page = "# What goes down, store by store\n\nGenerated from the connectors and checked against what they do: see \
                    `integration-tests/tests/all/capabilities.rs`. A plus goes down; where one does not, the reason for \
                    the statement that is tried stands below the table. `avg` goes down as a sum and a count.\n"
        .to_owned();
    let (mut cells, mut wrong) = (0, Vec::new());
    for (title, features) in sections() {
        let mut reasons: BTreeMap<String, String> = BTreeMap::new();
        write!(page, "\n## {title}\n\n| | {} |\n|---|{}\n", KINDS.join(" | "), "---|".repeat(5))?;
        for feature in &features {
            write!(page, "| {} |", feature.name)?;
            for (kind, place) in KINDS.iter().zip(PLACES) {
                let declared = (feature.declared)(connector(kind)?.capabilities(), feature.name);
                let sql = statement(feature, kind, &placed.names[place]);
                let Ok(plan) = plan(&session, &sql).await else {
                    // A column that the store's table does not have.
                    page.push_str(" |");
                    continue;
                };
                cells += 1;
                match (declared, stays(&plan, feature.local)) {
                    (true, None) => page.push_str(" + |"),
                    // Declared for other statements than this one.
                    (true, Some(reason)) if *kind == "redis" => {
                        page.push_str(" (+) |");
                        reasons.insert(format!("{kind}, {}", feature.name), reason);
                    }
                    (false, Some(reason)) => {
                        page.push_str(" |");
                        reasons.insert(format!("{kind}, {}", feature.name), reason);
                    }
                    (declared, _) => wrong.push(format!(
                        "{kind}: {} is {}declared, but: {plan}",
                        feature.name,
                        if declared { "" } else { "not " }
                    )),
                }
            }
            page.push('\n');
        }
        page.push('\n');
        for (cell, reason) in reasons {
            writeln!(
                page,
                "- {cell}: {}",
                if reason.is_empty() { "not offered" } else { &reason }
            )?;
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    ensure!(cells >= 200, "only {cells} cells");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/capabilities.md");
    if std::env::var_os("MEDLEY_BLESS").is_some() {
        std::fs::write(file, &page)?;
    }
    let known = std::fs::read_to_string(file).unwrap_or_default();
    ensure!(
        known == page,
        "docs/capabilities.md is out of date: run this test with MEDLEY_BLESS=1"
    );
    Ok(())
}

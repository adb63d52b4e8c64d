//! The embedded demo: one shop spread over three models, and a few questions that need all of them.

mod data;

use std::time::Instant;

use futures::TryStreamExt;
use medley_engine::config::CatalogConfig;
use medley_engine::core::{Error as ContractError, ErrorKind};
use medley_engine::{Engine, Error, Result, Session};
use serde_json::{Map, Value};

use crate::exit;
use crate::print::{self, Destination, Format};

const QUESTIONS: [(&str, &str); 3] = [
    (
        "Which countries buy the most? Customers are rows in SQLite, orders are documents in JSON lines.",
        "SELECT c.country, count(*) AS orders, sum(o.total) AS revenue
FROM customers.customer c
JOIN events.orders o ON o.customer.id = c.id
GROUP BY c.country ORDER BY revenue DESC LIMIT 5",
    ),
    (
        "What does one customer buy? The lines of an order are an array in its document; products are Parquet.",
        "SELECT p.category, sum(l.line['quantity']) AS pieces
FROM (SELECT o.customer, unnest(o.lines) AS line FROM events.orders o) l
JOIN products.product p ON p.sku = l.line['sku']
JOIN customers.customer c ON c.id = l.customer['id']
WHERE c.name = 'Customer 8'
GROUP BY p.category ORDER BY pieces DESC",
    ),
    (
        "Who has not ordered at all? Three models, one answer.",
        "SELECT c.country, count(*) AS silent
FROM customers.customer c
WHERE NOT EXISTS (SELECT 1 FROM events.orders o WHERE o.customer.id = c.id) AND c.vip
GROUP BY c.country ORDER BY silent DESC, c.country LIMIT 3",
    ),
];

/// Makes the shop, asks the questions and says how to go on.
pub(crate) async fn run() -> Result<u8> {
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    data::write(folder.path()).await.map_err(|error| failed(error.as_ref()))?;
    let catalog = |name: &str, kind: &str, file: &str| {
        let path = folder.path().join(file).to_string_lossy().into_owned();
        CatalogConfig::new(name, kind, Map::from_iter([("path".to_owned(), Value::String(path))]))
    };
    let engine = Engine::builder()
        .catalog(catalog("customers", "sqlite", "shop.db"))
        .catalog(catalog("events", "files", "orders.jsonl"))
        .catalog(catalog("products", "files", "product.parquet"))
        .build()?;
    let session = engine.session();
    say(
        "One shop in three models: customers in SQLite, orders as JSON documents, products in Parquet.\n",
    );
    for (question, sql) in QUESTIONS {
        ask(&session, question, sql).await?;
    }
    say(
        "The same over live Postgres, MongoDB, Redis and Neo4j: one command starts the four servers on loopback,\n\
         loads them and asks one question over all of them:\n\n    cargo xtask live\n\n\
         With stores of your own: ATTACH 'postgres://user@host/db' AS shop; or a medley.toml, see README.md.",
    );
    Ok(exit::SUCCESS)
}

async fn ask(session: &Session, question: &str, sql: &str) -> Result<()> {
    say(&format!("-- {question}\n{sql};\n"));
    let started = Instant::now();
    let answer = session.sql(sql).await?;
    let schema = answer.schema();
    let batches: Vec<_> = answer.stream.try_collect().await.map_err(Error::from)?;
    let elapsed = started.elapsed();
    let mut printer = print::printer(Format::Table, schema, Destination::open(None)?, 0)?;
    for batch in &batches {
        printer.batch(batch)?;
    }
    printer.finish()?;
    say(&format!("answered in {:.0} ms; what ran where:", elapsed.as_secs_f64() * 1000.0));
    for line in remote_queries(session, sql).await? {
        say(&format!("  {line}"));
    }
    say("");
    Ok(())
}

/// The native queries of a statement, from its plan.
async fn remote_queries(session: &Session, sql: &str) -> Result<Vec<String>> {
    let answer = session.sql(&format!("EXPLAIN {sql}")).await?;
    let mut lines = Vec::new();
    for batch in answer.stream.try_collect::<Vec<_>>().await.map_err(Error::from)? {
        for row in 0..batch.num_rows() {
            let plan = arrow::util::display::array_value_to_string(batch.column(1), row)
                .unwrap_or_default();
            let scans = plan
                .lines()
                .filter_map(|line| line.trim().strip_prefix("RemoteScanExec: catalog="));
            lines.extend(scans.map(|scan| scan.replacen(", query=", ": ", 1)));
        }
    }
    Ok(lines)
}

#[expect(clippy::print_stdout, reason = "the demo's text is its output")]
fn say(text: &str) {
    println!("{text}");
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Error {
    ContractError::new(
        ErrorKind::Config,
        "write demo",
        format!("cannot write the demo's files: {error}"),
    )
    .into()
}

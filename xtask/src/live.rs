//! One question over all four live stores, as a new user would ask it.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::stores::{PASSWORD, Store};
use crate::{data, stores};

/// Which customers, of whom Redis knows a session and the graph knows acquaintances, ordered for how much.
const QUESTION: &str = "\
SELECT n.n_name AS nation, s.page, count(*) AS orders, sum(o.o_totalprice) AS revenue, sum(k.friends) AS friends
FROM pg.public.orders o
JOIN docs.{database}.customer c ON c.c_custkey = o.o_custkey
JOIN cache.db0.session s ON s.c_custkey = c.c_custkey
JOIN graph.neo4j.\"Nation\" n ON n.n_nationkey = c.c_nationkey
JOIN (SELECT a.c_custkey, count(*) AS friends
      FROM graph.neo4j.\"KNOWS\" k JOIN graph.neo4j.\"Customer\" a ON a._id = k._start
      GROUP BY a.c_custkey) k ON k.c_custkey = c.c_custkey
WHERE o.o_orderdate >= DATE '1998-01-01' AND s.active
GROUP BY n.n_name, s.page ORDER BY revenue DESC LIMIT 10";

/// A `medley.toml` that names the four stores as the catalogs `pg`, `docs`, `cache` and `graph`. Their password
/// comes from the environment variable `MEDLEY_DEV_PASSWORD`.
#[must_use]
pub fn config(scale_factor: f64) -> String {
    let database = data::database(scale_factor);
    let mut text = String::new();
    for (catalog, store, database) in [
        ("pg", Store::Postgres, database.as_str()),
        ("docs", Store::Mongodb, database.as_str()),
        ("cache", Store::Redis, "0"),
        ("graph", Store::Neo4j, ""),
    ] {
        let url = store.url(database).replace(&format!(":{PASSWORD}@"), "@");
        text.push_str(&format!(
            "[catalog.{catalog}]\ntype = \"{}\"\nurl = \"{url}\"\npassword = {{ env = \"MEDLEY_DEV_PASSWORD\" }}\n",
            store.name()
        ));
        if store == Store::Redis {
            for (table, key, kind) in [
                ("customer", "c_custkey", "hash"),
                ("part", "p_partkey", "hash"),
                ("supplier", "s_suppkey", "hash"),
                ("session", "c_custkey", "json"),
            ] {
                text.push_str(&format!(
                    "[catalog.cache.tables.{table}]\nkey = \"{table}:{{{key}}}\"\ntype = \"{kind}\"\n"
                ));
            }
        }
        text.push('\n');
    }
    text
}

/// Starts the stores, loads what is missing, writes the configuration and runs the question with `medley`.
///
/// # Errors
/// A store that does not start, or the query's own failure.
pub async fn run(scale_factor: f64) -> Result<()> {
    stores::up().await?;
    data::ensure(scale_factor).await?;
    let path = std::env::temp_dir().join("medley-live.toml");
    std::fs::write(&path, config(scale_factor))?;
    let question = QUESTION.replace("{database}", &data::database(scale_factor));
    eprintln!(
        "\n$ MEDLEY_DEV_PASSWORD={PASSWORD} medley --config {} -c \"\n{question}\"\n",
        path.display()
    );
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "medley", "--", "--config"])
        .arg(&path)
        .args(["-c", &question])
        .env("MEDLEY_DEV_PASSWORD", PASSWORD)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the query failed");
    Ok(())
}

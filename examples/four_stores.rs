//! One query over live Postgres, MongoDB, Redis and Neo4j.
//!
//! Start and load them with `cargo xtask live`, then run this with
//! `MEDLEY_DEV_PASSWORD=medley-dev cargo run --example four_stores`. It reads the configuration that `cargo xtask
//! stores config` prints, from the path in `MEDLEY_CONFIG`, or from where `cargo xtask live` leaves it.
#![expect(clippy::print_stdout, reason = "an example shows its answer")]

use std::error::Error;

use futures::TryStreamExt;
use medley_engine::Engine;

/// Which nation's customers, known to the session store, spend the most on orders, and what the graph calls it.
const QUESTION: &str = "
    SELECT n.n_name, count(*) AS orders, sum(o.o_totalprice) AS revenue
    FROM pg.orders o
    JOIN docs.customer c ON c.c_custkey = o.o_custkey
    JOIN cache.session s ON s.c_custkey = c.c_custkey
    JOIN graph.\"Nation\" n ON n.n_nationkey = c.c_nationkey
    WHERE s.page = '/checkout'
    GROUP BY n.n_name ORDER BY revenue DESC LIMIT 5";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let default = std::env::temp_dir().join("medley-live.toml");
    let config = std::env::var_os("MEDLEY_CONFIG").map_or(default, Into::into);
    let session = Engine::builder().config_file(config)?.build()?.session();
    let batches: Vec<_> = session.sql(QUESTION).await?.stream.try_collect().await?;
    println!("{}", arrow::util::pretty::pretty_format_batches(&batches)?);
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 5);
    Ok(())
}

//! Differential fuzzing over all stores: see `medley_integration_tests::fuzz`.
//!
//! `MEDLEY_FUZZ_QUERIES` says how many queries, `MEDLEY_FUZZ_SEED` the first seed, of which each has the next.

use std::sync::Arc;

use anyhow::{Result, ensure};
use medley_engine::connectors::Registry;
use medley_integration_tests::fuzz::data::Placed;
use medley_integration_tests::fuzz::run::{Fuzzer, Outcome};
use medley_integration_tests::fuzz::sabotage::{Factory, bugs};

const QUERIES: u64 = 20_000;
const WORKERS: u64 = 2;
/// Failures that are shown.
const SHOWN: usize = 12;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Queries in which a planted bug must show.
const BUG_QUERIES: u64 = 4_000;
/// The share of planted bugs that must.
const CAUGHT_PERCENT: usize = 95;

#[tokio::test(flavor = "multi_thread")]
async fn planted_bugs_are_found() -> Result<()> {
    let placed = Placed::ready().await?;
    let truth = Fuzzer::new(placed.engine(|builder| builder)?, &placed.names).await?;
    let (mut caught, mut missed) = (0, Vec::new());
    for (name, bug) in bugs() {
        let mut factories = Vec::new();
        for kind in ["postgres", "mongodb", "redis", "neo4j", "sqlite"] {
            let inner = Registry::built_in().get(kind)?.clone();
            factories.push(Arc::new(Factory { inner, bug }));
        }
        let sabotaged = placed.engine(|builder| {
            factories.into_iter().fold(builder, |builder, factory| builder.connector(factory))
        })?;
        let sabotaged = Fuzzer::of(sabotaged, &truth);
        match sabotaged.first_wrong(&truth, 1..BUG_QUERIES).await? {
            Some(seed) => {
                println!("{name}: seed {seed}");
                caught += 1;
            }
            None => missed.push(name),
        }
    }
    println!("{caught} caught, missed: {missed:?}");
    ensure!(caught >= 40, "only {caught} caught, missed: {missed:?}");
    ensure!(caught * 100 >= (caught + missed.len()) * CAUGHT_PERCENT, "missed: {missed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_gives_the_same_rows() -> Result<()> {
    let placed = Placed::ready().await?;
    let fuzzer = Arc::new(Fuzzer::new(placed.engine(|builder| builder)?, &placed.names).await?);
    let first = number("MEDLEY_FUZZ_SEED").unwrap_or(1);
    let last = first + number("MEDLEY_FUZZ_QUERIES").unwrap_or(QUERIES);
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let fuzzer = fuzzer.clone();
        workers.push(tokio::spawn(async move {
            fuzzer.run((first..last).filter(|seed| seed % WORKERS == worker)).await
        }));
    }
    let mut all = Outcome::default();
    for worker in workers {
        let outcome = worker.await??;
        (all.same, all.failed) = (all.same + outcome.same, all.failed + outcome.failed);
        all.wrong.extend(outcome.wrong);
        all.reasons.extend(outcome.reasons);
    }
    println!("seeds {first} to {last}: {} the same, {} failed alike", all.same, all.failed);
    for (reason, query) in &all.reasons {
        println!("  {reason}: {query}");
    }
    let shown: String = all.wrong.iter().take(SHOWN).map(String::as_str).collect();
    ensure!(all.wrong.is_empty(), "{} wrong answers:\n{shown}", all.wrong.len());
    ensure!(all.same > all.failed * 4, "only {} queries ran", all.same);
    Ok(())
}

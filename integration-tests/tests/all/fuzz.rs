//! Differential fuzzing over all stores: see `medley_integration_tests::fuzz`.
//!
//! `MEDLEY_FUZZ_QUERIES` says how many queries, `MEDLEY_FUZZ_SEED` the first seed, of which each has the next.

use std::sync::Arc;

use anyhow::{Result, ensure};
use medley_engine::Engine;
use medley_engine::config::Config;
use medley_integration_tests::fuzz::data;
use medley_integration_tests::fuzz::run::{Fuzzer, Outcome};
use medley_integration_tests::stores;

const QUERIES: u64 = 20_000;
const WORKERS: u64 = 2;
/// Failures that are shown.
const SHOWN: usize = 12;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_gives_the_same_rows() -> Result<()> {
    stores::ready().await?;
    let folder = tempfile::tempdir()?;
    let sqlite = folder.path().join("fuzz.db");
    data::fill(&sqlite).await?;
    let (config, names) = data::catalogs(&sqlite);
    let config = Config::parse(&config, std::path::Path::new(""))?;
    let engine = Engine::builder().config(config).build()?;
    let fuzzer = Arc::new(Fuzzer::new(engine, &names).await?);
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

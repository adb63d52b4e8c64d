//! Medley beside the stores' own clients.
//!
//! `cargo run --release --bin medley-benchmarks` needs the stores up and SF 0.1 loaded: `cargo xtask stores up`,
//! `cargo xtask data --sf 0.1`. With `scan` or `questions` as its argument it runs one part. What was measured is in
//! `RESULTS.md`.
#![expect(clippy::print_stdout, reason = "the results are the output")]

mod questions;
mod scan;

use anyhow::Result;
use medley_engine::Engine;
use medley_engine::config::Config;
use xtask::stores::PASSWORD;

const SCALE_FACTOR: f64 = 0.1;

#[tokio::main]
async fn main() -> Result<()> {
    let secret = "password = { env = \"MEDLEY_DEV_PASSWORD\" }";
    let text =
        xtask::live::config(SCALE_FACTOR).replace(secret, &format!("password = \"{PASSWORD}\""));
    let session = Engine::builder()
        .config(Config::parse(&text, std::path::Path::new(""))?)
        .build()?
        .session();
    let part = std::env::args().nth(1);
    let wants = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if wants("questions") {
        questions::run(&session).await?;
    }
    if wants("scan") {
        scan::run(&session).await?;
    }
    Ok(())
}

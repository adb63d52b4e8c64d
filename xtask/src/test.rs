//! Everything that must hold, in the order in which a failure is cheapest to learn of.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Runs formatting, house rules, lints and all tests; the tests start the stores that they need.
///
/// # Errors
/// The first step that fails.
pub fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    crate::tidy::run()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test", "--workspace", "--no-fail-fast"])
}

fn cargo(arguments: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", arguments.join(" "));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments).status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

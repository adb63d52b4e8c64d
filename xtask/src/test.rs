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
    deny()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test", "--workspace", "--no-fail-fast"])
}

/// Checks licences, sources and bans of what we depend on, by a tool that is installed where it is missing. Advisories
/// are left out: their database is on the network, and changes without us.
fn deny() -> Result<()> {
    let found = Command::new("cargo").args(["deny", "--version"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        cargo(&["install", "--locked", "cargo-deny@0.20.2"])?;
    }
    cargo(&["deny", "check", "bans", "licenses", "sources"])
}

fn cargo(arguments: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", arguments.join(" "));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments).status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

//! Every example runs to its end.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use medley_integration_tests::stores;

/// Examples are built beside the tests' own program.
fn run(example: &str, config: Option<&std::path::Path>) -> Result<()> {
    let program = std::env::current_exe()?;
    let folder = program.parent().and_then(|deps| deps.parent()).context("a target folder")?;
    let mut command = Command::new(folder.join("examples").join(example));
    if let Some(config) = config {
        command.env("MEDLEY_CONFIG", config);
    }
    let output = command.output()?;
    ensure!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn the_library_in_thirty_lines() -> Result<()> {
    run("library", None)
}

#[test]
fn a_connector_of_ones_own() -> Result<()> {
    run("custom_connector", None)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_query_over_four_stores() -> Result<()> {
    stores::ready().await?;
    let config = tempfile::NamedTempFile::with_suffix(".toml")?;
    std::fs::write(config.path(), stores::config_text())?;
    run("four_stores", Some(config.path()))
}

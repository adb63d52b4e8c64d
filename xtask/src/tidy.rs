//! House rules that no other tool checks: which crate may use which, that no store is named where none may be, and
//! how long files and functions are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

const STORES: [&str; 6] = [
    "medley-postgres",
    "medley-mongodb",
    "medley-redis",
    "medley-neo4j",
    "medley-sqlite",
    "medley-files",
];

/// Checks the house rules.
///
/// # Errors
/// What breaks them, all of it.
pub fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace's folder")?;
    let mut broken = dependencies(root)?;
    for file in sources(root)? {
        let text = std::fs::read_to_string(&file)?;
        let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        broken.extend(lengths(&shown, &text));
        broken.extend(headers(&shown, &text));
        broken.extend(named_stores(&shown, &text));
    }
    ensure!(broken.is_empty(), "the house rules are broken:\n  {}", broken.join("\n  "));
    Ok(())
}

/// Which of our crates a crate may use.
fn allowed(package: &str) -> Vec<&'static str> {
    let mut engine = vec!["medley-core", "medley-layers", "medley-planner"];
    engine.extend(STORES);
    match package {
        "medley-core" | "xtask" => vec![],
        "medley-layers" | "medley-planner" => vec!["medley-core"],
        store if STORES.contains(&store) => vec!["medley-core"],
        "medley-engine" => engine,
        "medley" => vec!["medley-engine", "medley-integration-tests"],
        "medley-examples" => vec!["medley-engine", "medley-core", "medley-integration-tests"],
        _ => vec!["medley-engine", "medley-core", "xtask"],
    }
}

fn dependencies(root: &Path) -> Result<Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut broken = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package's name")?;
        let allowed = allowed(name);
        for dependency in package["dependencies"].as_array().context("dependencies")? {
            let dependency = dependency["name"].as_str().context("a dependency's name")?;
            if names.contains(&dependency) && dependency != name && !allowed.contains(&dependency) {
                broken.push(format!("{name} may not use {dependency}"));
            }
        }
    }
    Ok(broken)
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    let listed = String::from_utf8(output.stdout)?;
    Ok(listed.lines().map(|line| root.join(line)).filter(|path| path.exists()).collect())
}

fn lengths(file: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        broken.push(format!("{file}: {lines} lines, of which {FILE_LINES_MAX} are enough"));
    }
    let mut function: Option<(usize, usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if function.is_none() && is_function(line) && line.trim_end().ends_with('{') {
            function = Some((number, indent, line.trim().to_owned()));
        }
        if let Some((start, depth, name)) = &function
            && indent == *depth
            && line.trim_end() == format!("{}}}", " ".repeat(*depth))
        {
            let length = number - start;
            if length > FUNCTION_LINES_MAX {
                broken.push(format!("{file}:{}: {length} lines in `{name}`", start + 1));
            }
            function = None;
        }
    }
    broken
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    [
        "fn ",
        "pub fn ",
        "async fn ",
        "pub async fn ",
        "pub(crate) fn ",
        "pub(crate) async fn ",
        "pub(super) fn ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

fn headers(file: &str, text: &str) -> Option<String> {
    (!text.starts_with("//!")).then(|| format!("{file}: does not say at its head what it is for"))
}

/// The planner, the layers, the contract and all of the engine but its list of connectors name no store.
fn named_stores(file: &str, text: &str) -> Option<String> {
    let is_free = !["planner/", "engine/src/", "connectors/core/src/", "connectors/layers/"]
        .iter()
        .any(|start| file.starts_with(start));
    if is_free || file == "engine/src/connectors.rs" {
        return None;
    }
    let crates: Vec<String> = STORES.iter().map(|store| store.replace('-', "_")).collect();
    let named = crates.iter().find(|name| text.contains(name.as_str()))?;
    Some(format!("{file}: names {named}, which only the list of connectors may"))
}

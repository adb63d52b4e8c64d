//! Neo4j 5.26 LTS from its Maven artifacts, run by a few lines of Java.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use neo4rs::{ConfigBuilder, Graph, query};

use super::{NEO4J_PORT, PASSWORD, apt_install, on_path, run, spawn};

const SERVER: &str = include_str!("Neo4jServer.java");
const POM: &str = include_str!("neo4j-pom.xml");

pub(super) fn start(dir: &Path) -> Result<()> {
    if !on_path("java") || !on_path("mvn") {
        apt_install(&["maven", "openjdk-17-jdk-headless"])?;
    }
    let lib = dir.join("lib");
    if !lib.join("complete").exists() {
        eprintln!("downloading neo4j");
        let pom = dir.join("pom.xml");
        std::fs::write(&pom, POM)?;
        let output = format!("-DoutputDirectory={}", lib.display());
        run(Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .args(["dependency:copy-dependencies", &output]))
        .context("neo4j comes from Maven artifacts")?;
        std::fs::write(lib.join("complete"), "")?;
    }
    let program = dir.join("Neo4jServer.java");
    std::fs::write(&program, SERVER)?;
    let mut java = Command::new("java");
    java.arg("-Xmx1g").arg("-cp").arg(format!("{}/*", lib.display())).arg(&program);
    // The password goes by the environment: the process list shows arguments to everyone.
    java.arg(dir.join("home")).arg(NEO4J_PORT.to_string()).env("MEDLEY_NEO4J_PASSWORD", PASSWORD);
    spawn(&mut java, dir)
}

pub(super) async fn ping() -> Result<()> {
    connect()?.run(query("RETURN 1")).await?;
    Ok(())
}

/// A connection to the development graph.
///
/// # Errors
/// Options that do not fit together; whether the server answers shows in the first query.
pub fn connect() -> Result<Graph> {
    let config = ConfigBuilder::default()
        .uri(format!("127.0.0.1:{NEO4J_PORT}"))
        .user("neo4j")
        .password(PASSWORD)
        .db("neo4j")
        .fetch_size(2000)
        .build()?;
    Ok(Graph::connect(config)?)
}

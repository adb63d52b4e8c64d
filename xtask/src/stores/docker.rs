//! The same stores from `docker-compose.yml`, where a Docker engine answers.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::run;

const COMPOSE_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker-compose.yml");

pub(super) fn engine_answers() -> bool {
    Command::new("docker")
        .arg("info")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(super) fn up() -> Result<()> {
    run(Command::new("docker").args(["compose", "-f", COMPOSE_FILE, "up", "--detach", "--wait"]))
        .map(drop)
}

pub(super) fn down() -> Result<()> {
    run(Command::new("docker").args(["compose", "-f", COMPOSE_FILE, "down"])).map(drop)
}

//! PostgreSQL from the system's package, in a cluster of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};

use super::{PASSWORD, POSTGRES_PORT, Store, apt_install, is_root, on_path, run};

pub(super) fn start(dir: &Path) -> Result<()> {
    if bin_dir().is_none() {
        apt_install(&["postgresql"])?;
    }
    let bin = bin_dir().context("the postgresql package holds no initdb")?;
    let data = dir.join("data");
    if is_root() {
        run(Command::new("chown").args(["-R", "postgres"]).arg(dir))?;
    }
    if !data.join("PG_VERSION").exists() {
        let password_file = dir.join("password");
        std::fs::write(&password_file, PASSWORD)?;
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&password_file))?;
        }
        let mut initdb = as_server_user(&bin.join("initdb"));
        initdb.arg("-D").arg(&data).args([
            "-U",
            "medley",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
        run(initdb.arg(format!("--pwfile={}", password_file.display())))?;
        std::fs::remove_file(password_file)?;
    }
    let options = format!(
        "-p {POSTGRES_PORT} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c wal_level=logical \
         -c max_prepared_transactions=64 -c shared_buffers=256MB -c external_pid_file={}",
        dir.join("pid").display()
    );
    let mut pg_ctl = as_server_user(&bin.join("pg_ctl"));
    pg_ctl
        .arg("-D")
        .arg(&data)
        .arg("-l")
        .arg(dir.join("log"))
        .args(["-o", &options, "-w", "start"]);
    // Its server keeps the pipe open, so the output must not be collected.
    let started =
        pg_ctl.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).status()?;
    anyhow::ensure!(started.success(), "postgres did not start, see {}", dir.join("log").display());
    Ok(())
}

/// The server refuses to run as root, so root hands it to the package's own user.
fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
    command
}

fn bin_dir() -> Option<PathBuf> {
    if on_path("initdb") {
        return Some(PathBuf::new());
    }
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().collect();
    versions.sort_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    versions
        .into_iter()
        .rev()
        .map(|entry| entry.path().join("bin"))
        .find(|bin| bin.join("initdb").exists())
}

pub(super) async fn ping() -> Result<()> {
    let mut connection = PgConnection::connect(&Store::Postgres.url("postgres")).await?;
    sqlx::query("SELECT 1").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

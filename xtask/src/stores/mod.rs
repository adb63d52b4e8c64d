//! The four real stores on loopback: started, probed and ended.
//!
//! With a Docker engine they come from `docker-compose.yml`; without one, from ordinary packages. A store that
//! already answers is left alone, and `down` ends only what `up` started.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

mod docker;
mod mongodb;
mod neo4j;
mod postgres;
mod redis;

pub use neo4j::connect as neo4j_graph;

/// The one password of the development stores. They listen on loopback only.
pub const PASSWORD: &str = "medley-dev";
/// Loopback ports, clear of the servers' defaults.
pub const POSTGRES_PORT: u16 = 54329;
/// See [`POSTGRES_PORT`].
pub const MONGODB_PORT: u16 = 27129;
/// See [`POSTGRES_PORT`].
pub const REDIS_PORT: u16 = 63799;
/// See [`POSTGRES_PORT`].
pub const NEO4J_PORT: u16 = 7699;

/// One of the four stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// PostgreSQL.
    Postgres,
    /// MongoDB, a replica set of one member.
    Mongodb,
    /// Redis.
    Redis,
    /// Neo4j.
    Neo4j,
}

impl Store {
    /// All four, in the order in which they are started.
    pub const ALL: [Self; 4] = [Self::Neo4j, Self::Postgres, Self::Mongodb, Self::Redis];

    /// The store's name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mongodb => "mongodb",
            Self::Redis => "redis",
            Self::Neo4j => "neo4j",
        }
    }

    /// The loopback port that the store listens on.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Postgres => POSTGRES_PORT,
            Self::Mongodb => MONGODB_PORT,
            Self::Redis => REDIS_PORT,
            Self::Neo4j => NEO4J_PORT,
        }
    }

    /// The connection URL, password included. `database` is a name, or a number for Redis.
    #[must_use]
    pub fn url(self, database: &str) -> String {
        let port = self.port();
        match self {
            Self::Postgres => format!("postgres://medley:{PASSWORD}@127.0.0.1:{port}/{database}"),
            Self::Mongodb => format!(
                "mongodb://medley:{PASSWORD}@127.0.0.1:{port}/{database}?authSource=admin&directConnection=true"
            ),
            Self::Redis => format!("redis://:{PASSWORD}@127.0.0.1:{port}/{database}"),
            Self::Neo4j => format!("bolt://neo4j:{PASSWORD}@127.0.0.1:{port}"),
        }
    }

    fn answers(self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port()));
        TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok()
    }

    async fn ping(self) -> Result<()> {
        match self {
            Self::Postgres => postgres::ping().await,
            Self::Mongodb => mongodb::ping().await,
            Self::Redis => redis::ping().await,
            Self::Neo4j => neo4j::ping().await,
        }
    }
}

/// Starts every store that does not answer yet and waits until each takes a query.
///
/// # Errors
/// A package that cannot be installed, or a server that does not come up; the message names its log.
pub async fn up() -> Result<()> {
    let missing: Vec<_> = Store::ALL.into_iter().filter(|store| !store.answers()).collect();
    if !missing.is_empty() {
        if docker::engine_answers() {
            docker::up()?;
        } else {
            start_from_packages(&missing)?;
        }
    }
    for store in Store::ALL {
        wait_until_ready(store).await?;
    }
    Ok(())
}

fn start_from_packages(missing: &[Store]) -> Result<()> {
    for store in missing {
        let dir = base_dir()?.join(store.name());
        std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        eprintln!("starting {}", store.name());
        match store {
            Store::Postgres => postgres::start(&dir)?,
            Store::Mongodb => mongodb::start(&dir)?,
            Store::Redis => redis::start(&dir)?,
            Store::Neo4j => neo4j::start(&dir)?,
        }
    }
    Ok(())
}

async fn wait_until_ready(store: Store) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let outcome = tokio::time::timeout(Duration::from_secs(10), store.ping()).await;
        match outcome {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if Instant::now() > deadline => {
                return Err(error.context(format!("{} did not become ready", store.name())));
            }
            Err(_) if Instant::now() > deadline => bail!("{} did not answer", store.name()),
            _ => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}

/// Ends what [`up`] started, by pid file or by `docker compose down`; everything else is left alone.
///
/// # Errors
/// A state folder that cannot be read.
pub fn down() -> Result<()> {
    if docker::engine_answers() {
        docker::down()?;
    }
    for store in Store::ALL {
        let pid_file = base_dir()?.join(store.name()).join("pid");
        let Ok(text) = std::fs::read_to_string(&pid_file) else { continue };
        let Some(pid) = text.lines().next().map(str::trim).filter(|pid| !pid.is_empty()) else {
            continue;
        };
        let ended = Command::new("kill").arg(pid).stderr(Stdio::null()).status()?.success();
        if ended {
            eprintln!("ended {} (pid {pid})", store.name());
        }
        std::fs::remove_file(&pid_file).ok();
    }
    Ok(())
}

/// One line a store: its name, address, and whether it takes a query.
pub async fn status() -> Vec<(Store, Result<()>)> {
    let mut lines = Vec::new();
    for store in Store::ALL {
        let answer = tokio::time::timeout(Duration::from_secs(5), store.ping())
            .await
            .unwrap_or_else(|_| bail!("no answer in 5 s"));
        lines.push((store, answer));
    }
    lines
}

/// Where packages are unpacked and the servers keep their data: outside the checkout, so that a fresh clone
/// starts in seconds. `MEDLEY_STORES_DIR` moves it.
fn base_dir() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("MEDLEY_STORES_DIR") {
        return Ok(PathBuf::from(dir));
    }
    if is_root() {
        // Postgres runs as another user there, who cannot enter root's home.
        return Ok(PathBuf::from("/var/lib/medley/stores"));
    }
    let home = std::env::var_os("HOME").context("HOME is not set; set MEDLEY_STORES_DIR")?;
    Ok(Path::new(&home).join(".cache/medley/stores"))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs a command to its end, its output kept for the error message.
fn run(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!("{shown} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a server in the background, in its own process group, its output in `dir/log`.
fn spawn(command: &mut Command, dir: &Path) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let log = std::fs::File::create(dir.join("log"))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    std::fs::write(dir.join("pid"), child.id().to_string())?;
    Ok(())
}

fn on_path(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|o| o.status.success())
}

/// Installs Debian packages by name.
fn apt_install(packages: &[&str]) -> Result<()> {
    if !on_path("apt-get") {
        bail!(
            "install {} by your system's package manager, or start Docker, then run this again",
            packages.join(", ")
        );
    }
    eprintln!("installing {}", packages.join(", "));
    let sudo = if is_root() { vec![] } else { vec!["sudo"] };
    for args in [vec!["update"], [&["install", "-y", "--no-install-recommends"], packages].concat()]
    {
        let words = [sudo.as_slice(), &["apt-get"], &args].concat();
        let (program, rest) = words.split_first().context("an empty command")?;
        run(Command::new(program).args(rest).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}

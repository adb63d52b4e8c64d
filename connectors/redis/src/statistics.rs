//! Row counts: of one key by its length command; of a pattern by the share of a page of keys that fit.

use medley_core::{Figure, Result, TableDescription, TableStatistics};
use serde::Deserialize;

use crate::catalog::Source;
use crate::client::Handle;
use crate::config::KeyKind;
use crate::discover::PAGE_KEYS;

pub(crate) async fn of(handle: &Handle, table: &TableDescription) -> Result<TableStatistics> {
    let Ok(source) = Source::deserialize(&table.detail) else {
        return Ok(TableStatistics::unknown());
    };
    let fail = |error| handle.error("read statistics", error);
    let mut connection = handle.connection().await?;
    if source.pattern.placeholders.is_empty() {
        let command = match source.kind {
            KeyKind::Hash | KeyKind::Json | KeyKind::String => "EXISTS",
            KeyKind::List => "LLEN",
            KeyKind::Set => "SCARD",
            KeyKind::Zset => "ZCARD",
            KeyKind::Stream => "XLEN",
        };
        let rows = redis::cmd(command)
            .arg(&source.pattern.prefix)
            .query_async(&mut connection)
            .await
            .map_err(fail)?;
        return Ok(TableStatistics::of_rows(Figure::Estimated(rows)));
    }
    let total: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await.map_err(fail)?;
    let mut scan = redis::cmd("SCAN");
    scan.arg(0).arg("COUNT").arg(PAGE_KEYS);
    let (_, page): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await.map_err(fail)?;
    let fits = |key: &Vec<u8>| {
        std::str::from_utf8(key).is_ok_and(|key| source.pattern.values(key).is_some())
    };
    let fitting = page.iter().filter(|key| fits(key)).count() as u64;
    let rows = (total * fitting).checked_div(page.len() as u64).unwrap_or(0);
    Ok(TableStatistics::of_rows(Figure::Estimated(rows)))
}

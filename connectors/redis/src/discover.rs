//! Finding tables: a sampled SCAN, the types of the keys, and prefixes in common.

use std::collections::{BTreeMap, HashSet};

use medley_core::Result;
use redis::aio::ConnectionManager;

use crate::client::Handle;
use crate::config::{KeyKind, TableConfig};

/// Keys of one SCAN page and of one pipeline.
pub(crate) const PAGE_KEYS: usize = 1000;
/// Strings looked at to tell JSON objects from other text.
const STRINGS_LOOKED_AT: usize = 20;

/// Tables by name, from up to `sample_keys` keys.
pub(crate) async fn tables(handle: &Handle) -> Result<BTreeMap<String, TableConfig>> {
    let fail = |error| handle.error("discover tables", error);
    let mut connection = handle.connection().await?;
    let keys = sample_keys(&mut connection, handle.config.sample_keys).await.map_err(fail)?;
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for page in keys.chunks(PAGE_KEYS) {
        let mut pipeline = redis::pipe();
        page.iter().for_each(|key| {
            pipeline.cmd("TYPE").arg(key);
        });
        let types: Vec<String> = pipeline.query_async(&mut connection).await.map_err(fail)?;
        for (key, kind) in page.iter().zip(types) {
            let prefix = key.rfind(':').map_or(key.as_str(), |index| &key[..=index]);
            groups.entry((prefix.to_owned(), kind)).or_default().push(key.clone());
        }
    }
    let mut tables = BTreeMap::new();
    for ((prefix, kind), keys) in groups {
        let kind = match kind.as_str() {
            "hash" => KeyKind::Hash,
            "list" => KeyKind::List,
            "set" => KeyKind::Set,
            "zset" => KeyKind::Zset,
            "stream" => KeyKind::Stream,
            "string" if hold_json(&mut connection, &keys).await.map_err(fail)? => KeyKind::Json,
            "string" => KeyKind::String,
            _ => continue,
        };
        let is_group = prefix.ends_with(':');
        let name = prefix.trim_end_matches(':').to_owned();
        // Braces would be placeholders, which no name in the store can ask for.
        if name.is_empty() || prefix.contains(['{', '}']) {
            continue;
        }
        let key = if is_group { format!("{prefix}{{id}}") } else { prefix };
        let name =
            if tables.contains_key(&name) { format!("{name}_{}", kind.redis_type()) } else { name };
        tables.insert(name, TableConfig { key, kind, columns: BTreeMap::new() });
    }
    Ok(tables)
}

async fn sample_keys(
    connection: &mut ConnectionManager,
    keys_max: usize,
) -> redis::RedisResult<Vec<String>> {
    let mut keys = HashSet::new();
    let mut cursor = 0_u64;
    loop {
        let (next, page): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("COUNT")
            .arg(PAGE_KEYS)
            .query_async(connection)
            .await?;
        keys.extend(page.into_iter().filter_map(|key| String::from_utf8(key).ok()));
        cursor = next;
        if cursor == 0 || keys.len() >= keys_max {
            let mut keys: Vec<_> = keys.into_iter().collect();
            keys.sort();
            return Ok(keys);
        }
    }
}

async fn hold_json(
    connection: &mut ConnectionManager,
    keys: &[String],
) -> redis::RedisResult<bool> {
    let looked_at: Vec<_> = keys.iter().take(STRINGS_LOOKED_AT).collect();
    let values: Vec<Option<Vec<u8>>> =
        redis::cmd("MGET").arg(&looked_at).query_async(connection).await?;
    Ok(values.iter().flatten().all(|value| {
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(value).is_ok()
    }))
}

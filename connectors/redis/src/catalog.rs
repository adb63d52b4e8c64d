//! Tables: those that are declared, and those that are found; and their columns.

use std::collections::BTreeMap;

use medley_core::inference::{Kind, Sample, Shape};
use medley_core::table::{AccessPath, TableKind, TableListing};
use medley_core::{ColumnDescription, Error, ErrorKind, Result, TableDescription, TableName};
use serde::{Deserialize, Serialize};

use crate::client::Handle;
use crate::config::{KeyKind, TableConfig};
use crate::pattern::Pattern;
use crate::{discover, execute, types};

/// Keys whose values are looked at to find the columns of a table.
const VALUES_LOOKED_AT: usize = 1000;
pub(crate) const KEY_COLUMN: &str = "_key";
pub(crate) const TTL_COLUMN: &str = "_ttl_ms";

/// What the translator needs to know of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) pattern: Pattern,
    pub(crate) kind: KeyKind,
}

/// Where a column comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The placeholder of this index.
    Placeholder(usize),
    /// The field of this name; or the fixed part, such as `element`.
    Value(String),
    /// The key itself.
    Key,
    /// The time that it has left.
    Ttl,
}

/// What the translator needs to know of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) part: Part,
    pub(crate) shape: Shape,
}

pub(crate) async fn list_tables(handle: &Handle, schema: &str) -> Result<Vec<TableListing>> {
    let listing = |name| TableListing { name: TableName::new(schema, name), kind: TableKind::Base };
    Ok(tables(handle).await?.into_keys().map(listing).collect())
}

async fn tables(handle: &Handle) -> Result<BTreeMap<String, TableConfig>> {
    let mut tables =
        if handle.config.discover { discover::tables(handle).await? } else { BTreeMap::new() };
    // A declared table takes the place of a found one: of its name, or of its keys.
    let declared = &handle.config.tables;
    let prefix = |key: &str| key.split('{').next().unwrap_or_default().to_owned();
    tables.retain(|_, found| {
        !declared.values().any(|table| prefix(&table.key) == prefix(&found.key))
    });
    tables.extend(declared.iter().map(|(name, table)| (name.clone(), table.clone())));
    Ok(tables)
}

pub(crate) async fn describe_table(
    handle: &Handle,
    schema: &str,
    table: &TableName,
) -> Result<TableDescription> {
    let not_found =
        || Error::new(ErrorKind::NotFound, "describe table", format!("no table \"{table}\""));
    if table.schema != schema {
        return Err(not_found());
    }
    let config = match handle.config.tables.get(&table.table) {
        Some(declared) => declared.clone(),
        None => tables(handle).await?.remove(&table.table).ok_or_else(not_found)?,
    };
    let pattern = Pattern::parse(&config.key)
        .map_err(|reason| Error::new(ErrorKind::Config, "describe table", reason))?;
    let source = Source { pattern, kind: config.kind };
    let seen = look(handle, &source).await?;
    let mut description = TableDescription::new(table.clone(), columns(&config, &source, &seen)?);
    description.key = source.pattern.placeholders.iter().map(|(name, _)| name.clone()).collect();
    description.access.push(AccessPath::Key(description.key.clone()));
    for (name, sample) in seen.fields.fields() {
        sample.observations(name, seen.keys, &mut description.observations);
    }
    description.detail = serde_json::to_value(&source)?;
    Ok(description)
}

/// What some keys of a table and their values look like.
struct Seen {
    placeholders: Vec<Sample>,
    fields: Sample,
    keys: u64,
}

async fn look(handle: &Handle, source: &Source) -> Result<Seen> {
    let mut seen = Seen {
        placeholders: vec![Sample::default(); source.pattern.placeholders.len()],
        fields: Sample::default(),
        keys: 0,
    };
    let mut scan = execute::Scan::new(handle, source).await?;
    while let Some(keys) = scan.page().await? {
        for key in &keys {
            if let Some(values) = source.pattern.values(key) {
                seen.keys += 1;
                for (sample, value) in seen.placeholders.iter_mut().zip(values) {
                    let kind = if types::canonical_integer(value).is_some() {
                        Kind::Int64
                    } else {
                        Kind::Text
                    };
                    sample.observe(kind, "key");
                }
            }
        }
        let looked_at = &keys[..keys.len().min(VALUES_LOOKED_AT)];
        types::observe(handle, source.kind, looked_at, &mut seen.fields).await?;
        if seen.keys >= handle.config.sample_keys as u64 {
            break;
        }
    }
    Ok(seen)
}

fn columns(config: &TableConfig, source: &Source, seen: &Seen) -> Result<Vec<ColumnDescription>> {
    let mut columns = Vec::new();
    let mut push = |name: &str, part: Part, inferred: Shape, native: &str| -> Result<()> {
        let shape = config.shape(name)?.unwrap_or(inferred);
        if columns.iter().any(|column: &ColumnDescription| column.name == name) {
            return Ok(());
        }
        let mut column = ColumnDescription::new(name, shape.data_type(), native);
        column.nullable = matches!(part, Part::Value(_) | Part::Ttl);
        column.detail = serde_json::to_value(Detail { part, shape })?;
        columns.push(column);
        Ok(())
    };
    for (index, (name, _)) in source.pattern.placeholders.iter().enumerate() {
        // Only an integer or text can be part of a key in one way.
        let shape = match seen.placeholders[index].shape() {
            Shape::Int64 => Shape::Int64,
            _ => Shape::Text,
        };
        push(name, Part::Placeholder(index), shape, "key")?;
    }
    let value = |name: &str| Part::Value(name.to_owned());
    for (name, shape) in types::fixed_columns(source.kind) {
        push(name, value(name), shape, source.kind.redis_type())?;
    }
    for (name, sample) in seen.fields.fields() {
        push(name, value(name), types::field_shape(source.kind, sample), &sample.native_type())?;
    }
    for name in config.columns.keys() {
        push(name, value(name), Shape::Text, "not seen")?;
    }
    push(KEY_COLUMN, Part::Key, Shape::Text, "key")?;
    push(TTL_COLUMN, Part::Ttl, Shape::Int64, "ttl")?;
    Ok(columns)
}

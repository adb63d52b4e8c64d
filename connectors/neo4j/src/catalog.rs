//! Labels and relationship types, and the properties of their entities.

use medley_core::inference::{Sample, Shape};
use medley_core::table::{TableKind, TableListing};
use medley_core::{ColumnDescription, Error, ErrorKind, Result, TableDescription, TableName};
use neo4rs::{Row, query};
use serde::{Deserialize, Serialize};

use crate::client::Handle;
use crate::cypher::{Entity, Parameters};
use crate::types;

/// Entities looked at to find a table's properties; tables of up to so many are looked at whole.
const SAMPLE_ENTITIES: i64 = 100_000;

/// Where a column comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Property,
    Id,
    Start,
    End,
}

/// What the translator needs to know of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) part: Part,
    pub(crate) shape: Shape,
    /// Whether the value is read as Cypher writes it.
    pub(crate) as_text: bool,
}

pub(crate) async fn list_tables(handle: &Handle) -> Result<Vec<TableListing>> {
    let listing = |name| TableListing {
        name: TableName::new(&handle.config.database, name),
        kind: TableKind::Base,
    };
    let mut names = labels(handle).await?;
    names.extend(relationship_types(handle).await?);
    Ok(names.into_iter().map(listing).collect())
}

async fn labels(handle: &Handle) -> Result<Vec<String>> {
    texts(
        handle
            .rows("list tables", query("CALL db.labels() YIELD label RETURN label AS name"))
            .await?,
    )
}

async fn relationship_types(handle: &Handle) -> Result<Vec<String>> {
    let text = "CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType AS name";
    texts(handle.rows("list tables", query(text)).await?)
}

fn texts(rows: Vec<Row>) -> Result<Vec<String>> {
    rows.iter().map(|row| row.get("name").map_err(unreadable)).collect()
}

fn unreadable(error: neo4rs::DeError) -> Error {
    Error::new(ErrorKind::Remote, "read catalog", "neo4j sent an answer in an unknown form")
        .with_source(error)
}

pub(crate) async fn describe_table(handle: &Handle, table: &TableName) -> Result<TableDescription> {
    let not_found =
        || Error::new(ErrorKind::NotFound, "describe table", format!("no table \"{table}\""));
    if table.schema != handle.config.database {
        return Err(not_found());
    }
    let entity = if labels(handle).await?.contains(&table.table) {
        Entity::Node
    } else if relationship_types(handle).await?.contains(&table.table) {
        Entity::Relationship
    } else {
        return Err(not_found());
    };
    let (sample, looked_at) = look(handle, entity, &table.table).await?;
    let mut columns = vec![own_column("_id", Part::Id)?];
    if entity == Entity::Relationship {
        columns.extend([own_column("_start", Part::Start)?, own_column("_end", Part::End)?]);
    }
    let mut description = TableDescription::new(table.clone(), Vec::new());
    for (name, field) in sample.fields() {
        if columns.iter().any(|column| column.name == *name) {
            description
                .warnings
                .push(format!("property \"{name}\" is hidden by the column of that name"));
            continue;
        }
        let native = field.native_type();
        let as_text = matches!(native.as_str(), "ZONED TIME" | "POINT");
        let shape = if as_text { Shape::Text } else { field.shape() };
        let mut column = ColumnDescription::new(name, shape.data_type(), native);
        column.detail = serde_json::to_value(Detail { part: Part::Property, shape, as_text })?;
        columns.push(column);
        field.observations(name, looked_at, &mut description.observations);
    }
    description.columns = columns;
    description.key = vec!["_id".to_owned()];
    description.detail = serde_json::to_value(entity)?;
    Ok(description)
}

fn own_column(name: &str, part: Part) -> Result<ColumnDescription> {
    let mut column = ColumnDescription::new(name, Shape::Int64.data_type(), "id");
    column.nullable = false;
    column.detail = serde_json::to_value(Detail { part, shape: Shape::Int64, as_text: false })?;
    Ok(column)
}

/// The properties of entities from all over the table, and of how many.
async fn look(handle: &Handle, entity: Entity, name: &str) -> Result<(Sample, u64)> {
    let count = count(handle, entity, name).await?;
    let mut parameters = Parameters::default();
    let (pattern, condition) = parameters.pattern(entity, name);
    let mut conditions: Vec<String> = condition.into_iter().collect();
    if count > SAMPLE_ENTITIES {
        conditions.push(format!("rand() * {count} < {SAMPLE_ENTITIES}"));
    }
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    let text = format!(
        "MATCH {pattern}{filter} UNWIND keys(n) AS name \
         RETURN name, valueType(n[name]) AS type, count(*) AS count ORDER BY name, type"
    );
    let mut sample = Sample::default();
    for row in handle.rows("infer the schema", parameters.query(&text)).await? {
        let name: String = row.get("name").map_err(unreadable)?;
        let native: String = row.get("type").map_err(unreadable)?;
        let count: i64 = row.get("count").map_err(unreadable)?;
        types::observe(sample.field(&name), &native, u64::try_from(count).unwrap_or(0));
    }
    Ok((sample, u64::try_from(count.min(SAMPLE_ENTITIES)).unwrap_or(0)))
}

/// How many entities there are, which Neo4j keeps count of.
pub(crate) async fn count(handle: &Handle, entity: Entity, name: &str) -> Result<i64> {
    let mut parameters = Parameters::default();
    let (pattern, condition) = parameters.pattern(entity, name);
    let filter = condition.map_or(String::new(), |condition| format!(" WHERE {condition}"));
    // Named ends would keep the count store from answering.
    let pattern = pattern.replace("(s)", "()").replace("(e)", "()");
    let text = format!("MATCH {pattern}{filter} RETURN count(n) AS count");
    let rows = handle.rows("count", parameters.query(&text)).await?;
    rows.first().map_or(Ok(0), |row| row.get("count").map_err(unreadable))
}

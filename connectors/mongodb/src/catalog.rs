//! Databases, collections and views; and the fields of their documents.

use futures::{StreamExt, TryStreamExt};
use medley_core::inference::{Sample, Shape};
use medley_core::table::{TableKind, TableListing};
use medley_core::{ColumnDescription, Error, ErrorKind, Result, TableDescription, TableName};
use mongodb::bson::{Document, RawDocument, doc};
use mongodb::results::CollectionType;

use crate::client::Handle;
use crate::config::Infer;
use crate::types;

/// Databases that hold the server's own affairs.
const INTERNAL: [&str; 3] = ["admin", "config", "local"];

pub(crate) async fn list_tables(handle: &Handle) -> Result<Vec<TableListing>> {
    let fail = |error| handle.error("list tables", error);
    let client = handle.client().await?;
    let mut tables = Vec::new();
    for database in client.list_database_names().await.map_err(fail)? {
        if INTERNAL.contains(&database.as_str()) {
            continue;
        }
        let mut collections = client.database(&database).list_collections().await.map_err(fail)?;
        while let Some(collection) = collections.try_next().await.map_err(fail)? {
            if collection.name.starts_with("system.") {
                continue;
            }
            let is_view = matches!(collection.collection_type, CollectionType::View);
            tables.push(TableListing {
                name: TableName::new(&database, collection.name),
                kind: if is_view { TableKind::View } else { TableKind::Base },
            });
        }
    }
    Ok(tables)
}

pub(crate) async fn describe_table(handle: &Handle, table: &TableName) -> Result<TableDescription> {
    if !exists(handle, table).await? {
        return Err(Error::new(
            ErrorKind::NotFound,
            "describe table",
            format!("no table \"{table}\""),
        ));
    }
    let (sample, documents) = look(handle, table).await?;
    let mut columns = Vec::new();
    for (name, field) in sample.fields() {
        let shape = match handle.config.pinned(table, name)? {
            Some(shape) => shape,
            None => field.shape(),
        };
        columns.push(column(name, &shape, field.native_type())?);
    }
    for name in handle.config.pinned_columns(table) {
        if !columns.iter().any(|column| column.name == name)
            && let Some(shape) = handle.config.pinned(table, name)?
        {
            columns.push(column(name, &shape, "not seen".to_owned())?);
        }
    }
    // A collection without documents has at least its key.
    if columns.is_empty() {
        columns.push(column("_id", &Shape::ObjectId, "objectId".to_owned())?);
    }
    let mut description = TableDescription::new(table.clone(), columns);
    description.key = vec!["_id".to_owned()];
    for (name, field) in sample.fields() {
        field.observations(name, documents, &mut description.observations);
    }
    Ok(description)
}

fn column(name: &str, shape: &Shape, native: String) -> Result<ColumnDescription> {
    let mut column = ColumnDescription::new(name, shape.data_type(), native);
    column.detail = serde_json::to_value(shape)?;
    Ok(column)
}

async fn exists(handle: &Handle, table: &TableName) -> Result<bool> {
    let database = handle.client().await?.database(&table.schema);
    let names = database.list_collection_names().filter(doc! { "name": &table.table }).await;
    match names {
        Ok(names) => Ok(!names.is_empty()),
        // A name that no database can have is not there; the server says so in its own way.
        Err(error) if is_invalid_name(&error) => Ok(false),
        Err(error) => Err(handle.error("describe table", error)),
    }
}

fn is_invalid_name(error: &mongodb::error::Error) -> bool {
    const INVALID_NAMESPACE: i32 = 73;
    matches!(error.kind.as_ref(), mongodb::error::ErrorKind::Command(command) if command.code == INVALID_NAMESPACE)
        || matches!(error.kind.as_ref(), mongodb::error::ErrorKind::InvalidArgument { .. })
}

/// Looks at documents: some from all over the collection, or all.
async fn look(handle: &Handle, table: &TableName) -> Result<(Sample, u64)> {
    let fail = |error| handle.error("infer the schema", error);
    let collection =
        handle.client().await?.database(&table.schema).collection::<Document>(&table.table);
    let (mut sample, mut documents) = (Sample::default(), 0);
    let wanted = u64::from(handle.config.sample_documents);
    let pipeline = match handle.config.infer {
        Infer::Sample
            if collection.estimated_document_count().await.is_ok_and(|count| count <= wanted) =>
        {
            Vec::new()
        }
        Infer::Sample => {
            // A sample comes in any order; the columns keep that of the first document.
            let first = collection.find_one(doc! {}).await.map_err(fail)?.unwrap_or_default();
            for name in first.keys() {
                sample.field(name);
            }
            vec![doc! { "$sample": { "size": i64::from(handle.config.sample_documents) } }]
        }
        Infer::Complete => Vec::new(),
    };
    let mut batches = collection.aggregate(pipeline).batch().await.map_err(fail)?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(fail)?;
        for document in batch.doc_slices().map_err(fail)? {
            let document = document.ok().and_then(|value| value.as_document());
            observe(&mut sample, document.ok_or_else(|| types::malformed(table))?, table)?;
            documents += 1;
        }
    }
    Ok((sample, documents))
}

fn observe(sample: &mut Sample, document: &RawDocument, table: &TableName) -> Result<()> {
    for entry in document {
        let (name, value) = entry.map_err(|_| types::malformed(table))?;
        types::observe(sample.field(name), value, table)?;
    }
    Ok(())
}

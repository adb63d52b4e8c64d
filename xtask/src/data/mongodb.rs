//! All eight tables in MongoDB, and `orders_nested`: one document an order, its customer and lines embedded.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use mongodb::bson::{Bson, DateTime, Decimal128, Document, doc};
use mongodb::{Client, Collection, Database, IndexModel};

use super::tables::{Kind, TABLES, Table, fields};
use crate::stores::Store;

const BATCH_DOCUMENTS: usize = 5_000;

/// The last thing that a load makes.
const LAST_INDEX: &str = "customer.address.nation";

pub(super) async fn is_loaded(database: &str) -> Result<bool> {
    let client = Client::with_uri_str(Store::Mongodb.url(database)).await?;
    let orders = client.database(database).collection::<Document>("orders_nested");
    // A collection that is not there has no indexes, and says so with an error.
    let names = orders.list_index_names().await.unwrap_or_default();
    Ok(names.contains(&format!("{LAST_INDEX}_1")))
}

pub(super) async fn load(database: &str, scale_factor: f64) -> Result<()> {
    let client = Client::with_uri_str(Store::Mongodb.url(database)).await?;
    let database = client.database(database);
    database.drop().await?;
    for table in TABLES {
        load_table(&database, table, scale_factor).await?;
    }
    load_nested_orders(&database, scale_factor).await
}

async fn load_table(database: &Database, table: &Table, scale_factor: f64) -> Result<()> {
    let collection = database.collection::<Document>(table.name);
    let mut batch = Vec::with_capacity(BATCH_DOCUMENTS);
    for line in table.lines(scale_factor) {
        batch.push(document(table, &line)?);
        flush_when_full(&collection, &mut batch).await?;
    }
    flush(&collection, &mut batch).await?;
    let key: Document =
        table.key.iter().map(|column| ((*column).to_owned(), Bson::Int32(1))).collect();
    let options = mongodb::options::IndexOptions::builder().unique(true).build();
    collection.create_index(IndexModel::builder().keys(key).options(options).build()).await?;
    for column in table.indexes {
        collection.create_index(IndexModel::builder().keys(doc! { *column: 1 }).build()).await?;
    }
    Ok(())
}

/// The orders as one document each: `customer.address.{street, nation, region}`, and `lineitems` as an array.
async fn load_nested_orders(database: &Database, scale_factor: f64) -> Result<()> {
    let nations = by_key(Table::named("nation"), scale_factor, "n_nationkey")?;
    let regions = by_key(Table::named("region"), scale_factor, "r_regionkey")?;
    let customers = by_key(Table::named("customer"), scale_factor, "c_custkey")?;
    let collection = database.collection::<Document>("orders_nested");
    let mut lines = Table::named("lineitem").lines(scale_factor).peekable();
    let mut batch = Vec::with_capacity(BATCH_DOCUMENTS);
    for line in Table::named("orders").lines(scale_factor) {
        let mut order = document(Table::named("orders"), &line)?;
        let key = order.get_i64("o_orderkey")?;
        let customer =
            customers.get(&order.get_i64("o_custkey")?).context("an order without its customer")?;
        order.insert("customer", embedded_customer(customer, &nations, &regions)?);
        // Both generators go up by order key, so the lines of this order are the next ones.
        let prefix = format!("{key}|");
        let mut lineitems = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with(&prefix)) {
            lineitems.push(document(Table::named("lineitem"), &line)?);
        }
        order.insert("lineitems", lineitems);
        batch.push(order);
        flush_when_full(&collection, &mut batch).await?;
    }
    flush(&collection, &mut batch).await?;
    for path in ["o_orderkey", "o_custkey", LAST_INDEX] {
        collection.create_index(IndexModel::builder().keys(doc! { path: 1 }).build()).await?;
    }
    Ok(())
}

fn embedded_customer(
    customer: &Document,
    nations: &HashMap<i64, Document>,
    regions: &HashMap<i64, Document>,
) -> Result<Document> {
    let nation =
        nations.get(&customer.get_i64("c_nationkey")?).context("a customer without a nation")?;
    let region =
        regions.get(&nation.get_i64("n_regionkey")?).context("a nation without a region")?;
    Ok(doc! {
        "custkey": customer.get_i64("c_custkey")?,
        "name": customer.get_str("c_name")?,
        "segment": customer.get_str("c_mktsegment")?,
        "address": {
            "street": customer.get_str("c_address")?,
            "nation": nation.get_str("n_name")?,
            "region": region.get_str("r_name")?,
        },
    })
}

fn by_key(table: &Table, scale_factor: f64, key: &str) -> Result<HashMap<i64, Document>> {
    table
        .lines(scale_factor)
        .map(|line| {
            let document = document(table, &line)?;
            Ok((document.get_i64(key)?, document))
        })
        .collect()
}

fn document(table: &Table, line: &str) -> Result<Document> {
    let mut document = Document::new();
    for ((column, kind), field) in table.columns.iter().zip(fields(line)) {
        let value = match kind {
            Kind::Int => Bson::Int32(field.parse()?),
            Kind::Long => Bson::Int64(field.parse()?),
            // The scale is part of a Decimal128, and amounts have two digits after the point.
            Kind::Decimal if field.contains('.') => Bson::Decimal128(field.parse::<Decimal128>()?),
            Kind::Decimal => Bson::Decimal128(format!("{field}.00").parse::<Decimal128>()?),
            Kind::Date => {
                let midnight =
                    field.parse::<NaiveDate>()?.and_hms_opt(0, 0, 0).context("midnight")?;
                Bson::DateTime(DateTime::from_millis(midnight.and_utc().timestamp_millis()))
            }
            Kind::Text => Bson::String(field.to_owned()),
        };
        document.insert(*column, value);
    }
    Ok(document)
}

async fn flush_when_full(
    collection: &Collection<Document>,
    batch: &mut Vec<Document>,
) -> Result<()> {
    if batch.len() < BATCH_DOCUMENTS {
        return Ok(());
    }
    flush(collection, batch).await
}

async fn flush(collection: &Collection<Document>, batch: &mut Vec<Document>) -> Result<()> {
    if !batch.is_empty() {
        collection.insert_many(std::mem::take(batch)).ordered(false).await?;
    }
    Ok(())
}

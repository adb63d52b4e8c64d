//! The demo's shop: small, and the same every time.

use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

const CUSTOMERS: u64 = 2_000;
const ORDERS: u64 = 10_000;
const PRODUCTS: u64 = 200;
const COUNTRIES: [&str; 8] =
    ["Austria", "Brazil", "Canada", "Denmark", "Egypt", "France", "Ghana", "Japan"];
const CATEGORIES: [&str; 5] = ["books", "garden", "kitchen", "music", "toys"];

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

pub(super) async fn write(folder: &Path) -> Outcome {
    customers(&folder.join("shop.db")).await?;
    orders(&folder.join("orders.jsonl"))?;
    products(&folder.join("product.parquet"))
}

/// A number that looks random and is not: the high bits of a product with a large odd number.
fn mixed(seed: u64, below: u64) -> u64 {
    (seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % below
}

fn pick<'a>(names: &[&'a str], seed: u64) -> &'a str {
    let index = usize::try_from(mixed(seed, names.len() as u64)).unwrap_or(0);
    names[index]
}

async fn customers(path: &Path) -> Outcome {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    sqlx::query(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, country TEXT, vip BOOLEAN)",
    )
    .execute(&mut connection)
    .await?;
    let mut transaction = connection.begin().await?;
    for id in 1..=CUSTOMERS {
        sqlx::query("INSERT INTO customer VALUES (?1, ?2, ?3, ?4)")
            .bind(i64::try_from(id)?)
            .bind(format!("Customer {id}"))
            .bind(pick(&COUNTRIES, id))
            .bind(mixed(id, 10) == 0)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(connection.close().await?)
}

fn orders(path: &Path) -> Outcome {
    let mut text = String::new();
    for id in 1..=ORDERS {
        let lines: Vec<_> = (0..=mixed(id, 4))
            .map(|line| json!({ "sku": format!("P{:03}", mixed(id * 7 + line, PRODUCTS)), "quantity": 1 + mixed(id + line, 5) }))
            .collect();
        // Seven customers of eight order.
        let customer = mixed(id * 3, CUSTOMERS) / 8 * 7 + 1;
        let total = 5 + mixed(id * 11, 500);
        let order =
            json!({ "id": id, "customer": { "id": customer }, "total": total, "lines": lines });
        writeln!(text, "{order}")?;
    }
    Ok(std::fs::write(path, text)?)
}

fn products(path: &Path) -> Outcome {
    let sku: StringArray = (0..PRODUCTS).map(|id| Some(format!("P{id:03}"))).collect();
    let category: StringArray = (0..PRODUCTS).map(|id| Some(pick(&CATEGORIES, id))).collect();
    let price: Decimal128Array =
        (0..PRODUCTS).map(|id| Some(i128::from(99 + mixed(id, 10_000)))).collect();
    let price = price.with_precision_and_scale(10, 2)?;
    let columns: [(&str, ArrayRef); 3] =
        [("sku", Arc::new(sku)), ("category", Arc::new(category)), ("price", Arc::new(price))];
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

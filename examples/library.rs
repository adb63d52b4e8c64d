//! The library in thirty lines: attach a folder of files, ask, and read the batches as they come.
//!
//! Run it with `cargo run --example library`.
#![expect(clippy::print_stdout, reason = "an example shows its answer")]

use std::error::Error;

use futures::TryStreamExt;
use medley_engine::Engine;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join("medley-example-library");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("fruit.csv"), "name,price\napple,3\npear,4\nquince,7\n")?;

    let session = Engine::builder().build()?.session();
    session.sql(&format!("ATTACH '{}' AS shop (TYPE files)", folder.display())).await?;

    let mut answer =
        session.sql("SELECT name FROM shop.fruit WHERE price > 3 ORDER BY name").await?;
    let mut rows = 0;
    while let Some(batch) = answer.stream.try_next().await? {
        println!("{}", arrow::util::pretty::pretty_format_batches(std::slice::from_ref(&batch))?);
        rows += batch.num_rows();
    }
    assert_eq!(rows, 2);
    Ok(())
}

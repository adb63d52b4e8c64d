//! Runs a pipeline and turns raw BSON batches into Arrow batches.

use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use medley_core::column_builder::{BatchBuilder, Scalar};
use medley_core::stream::spawned;
use medley_core::{Connector, ExecuteOptions, RemoteQuery, Result};
use mongodb::bson::Document;
use mongodb::options::Collation;

use crate::client::MongodbConnector;
use crate::translate::Plan;
use crate::types::{Appender, malformed};

/// Documents of one server batch; the server also ends a batch at 16 MiB.
const BATCH_DOCUMENTS: u32 = 8192;

pub(crate) fn execute(
    connector: &MongodbConnector,
    query: &RemoteQuery,
    options: ExecuteOptions,
) -> Result<SendableRecordBatchStream> {
    let plan: Plan = query.plan()?;
    let pipeline = plan.pipeline()?;
    let (handle, schema) = (connector.handle.clone(), query.schema.clone());
    Ok(spawned(query.schema.clone(), &connector.info().catalog, move |sender| async move {
        let fail = |error| handle.error("run the query", error);
        let collection = handle
            .client()
            .await?
            .database(&plan.table.schema)
            .collection::<Document>(&plan.table.table);
        let mut batch = BatchBuilder::new(schema, &plan.columns);
        let computed = plan.computed;
        let appender = Appender { table: &plan.table, report: &options.report, computed };
        let mut is_empty = true;
        let mut batches = collection
            .aggregate(pipeline)
            // A collection's own collation must not change what is equal.
            .collation(Collation::builder().locale("simple").build())
            .batch_size(BATCH_DOCUMENTS)
            .batch()
            .await
            .map_err(fail)?;
        while let Some(answer) = batches.next().await {
            let answer = answer.map_err(fail)?;
            options.report.add_round_trip();
            options.report.add_bytes(answer.as_raw_document().as_bytes().len());
            for document in answer.doc_slices().map_err(fail)? {
                let document = document.ok().and_then(|value| value.as_document());
                let document = document.ok_or_else(|| malformed(&plan.table))?;
                is_empty = false;
                let (index, row) = (batch.index.clone(), batch.rows());
                appender.append_fields(&mut batch.columns, &index, document, row, "")?;
                batch.close_row();
                if batch.rows() >= options.batch_rows && !sender.send(batch.finish()?).await {
                    return Ok(());
                }
            }
        }
        if is_empty && let Some(counts) = &plan.row_of_nothing {
            for (column, is_count) in batch.columns.iter_mut().zip(counts) {
                if *is_count {
                    column.append(Scalar::Int64(0));
                }
            }
            batch.close_row();
        }
        if batch.rows() > 0 {
            sender.send(batch.finish()?).await;
        }
        Ok(())
    }))
}

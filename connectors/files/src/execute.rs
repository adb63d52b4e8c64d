//! Runs a statement over the files.

use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::TableReference;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use medley_core::sql::Parameter;
use medley_core::stream::spawned;
use medley_core::{Connector, ExecuteOptions, RemoteQuery, Result};

use crate::client::FilesConnector;
use crate::error::from_reader;
use crate::translate::Plan;
use crate::types::Source;

pub(crate) fn execute(
    connector: &FilesConnector,
    query: &RemoteQuery,
    options: ExecuteOptions,
) -> Result<SendableRecordBatchStream> {
    let plan: Plan = query.plan()?;
    let schema = query.schema.clone();
    Ok(spawned(query.schema.clone(), &connector.info().catalog, move |sender| async move {
        options.report.add_round_trip();
        let mut stream = start(&plan, options.batch_rows)
            .await
            .map_err(|error| from_reader("read", &plan.table, &error))?;
        loop {
            let next = stream
                .try_next()
                .await
                .map_err(|error| from_reader("read", &plan.table, &error))?;
            let Some(batch) = next else { return Ok(()) };
            // A query for the number of rows alone selects a constant, which the schema does not show.
            let columns = batch.columns().iter().take(schema.fields().len()).cloned().collect();
            let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            if !sender
                .send(RecordBatch::try_new_with_options(schema.clone(), columns, &rows)?)
                .await
            {
                return Ok(());
            }
        }
    }))
}

async fn start(
    plan: &Plan,
    batch_rows: usize,
) -> datafusion::error::Result<SendableRecordBatchStream> {
    let context = Source::context(batch_rows);
    let table = plan.source.table(&context).await?;
    context.register_table(TableReference::bare(plan.table.clone()), table)?;
    let parameters: Vec<ScalarValue> = plan
        .statement
        .parameters
        .iter()
        .map(|parameter| match parameter {
            Parameter::Text(text) => ScalarValue::from(text.as_str()),
            Parameter::Binary(bytes) => ScalarValue::Binary(Some(bytes.clone())),
            Parameter::Real(value) => ScalarValue::from(*value),
        })
        .collect();
    let frame = context.sql(&plan.statement.text).await?;
    let frame = if parameters.is_empty() { frame } else { frame.with_param_values(parameters)? };
    frame.execute_stream().await
}

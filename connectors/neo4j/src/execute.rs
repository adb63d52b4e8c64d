//! Runs a query and turns its records into batches.

use datafusion::execution::SendableRecordBatchStream;
use medley_core::column_builder::BatchBuilder;
use medley_core::stream::spawned;
use medley_core::{Connector, Error, ErrorKind, ExecuteOptions, RemoteQuery, Result};
use neo4rs::{BoltType, Row};

use crate::client::Neo4jConnector;
use crate::translate::Plan;
use crate::types;

pub(crate) fn execute(
    connector: &Neo4jConnector,
    query: &RemoteQuery,
    options: ExecuteOptions,
) -> Result<SendableRecordBatchStream> {
    let plan: Plan = query.plan()?;
    let (handle, schema) = (connector.handle.clone(), query.schema.clone());
    Ok(spawned(query.schema.clone(), &connector.info().catalog, move |sender| async move {
        let fail = |error| handle.error("run the query", error);
        let mut batch = BatchBuilder::new(schema, &plan.columns);
        options.report.add_round_trip();
        let query = plan.parameters.query(&plan.text);
        let mut rows = handle.graph()?.execute_read(query).await.map_err(fail)?;
        while let Some(row) = rows.next().await.map_err(fail)? {
            append(&plan, &mut batch, &row, &options)?;
            if batch.rows() >= options.batch_rows && !sender.send(batch.finish()?).await {
                return Ok(());
            }
        }
        if batch.rows() > 0 {
            sender.send(batch.finish()?).await;
        }
        Ok(())
    }))
}

fn append(
    plan: &Plan,
    batch: &mut BatchBuilder,
    row: &Row,
    options: &ExecuteOptions,
) -> Result<()> {
    let unreadable =
        || Error::new(ErrorKind::Remote, "read rows", "neo4j sent a record in an unknown form");
    let values: BoltType = row.get("r").map_err(|_| unreadable())?;
    let BoltType::List(values) = values else { return Err(unreadable()) };
    for (index, column) in batch.columns.iter_mut().enumerate() {
        let value = values.get(index).ok_or_else(unreadable)?;
        if let Some(found) = types::append(column, value) {
            let name = &plan.columns[index].0;
            options.report.misfit(&plan.table, name, found, plan.computed)?;
        }
    }
    batch.close_row();
    Ok(())
}

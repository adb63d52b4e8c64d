//! Runs a statement and turns its rows into batches.

use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use medley_core::column_builder::BatchBuilder;
use medley_core::sql::Parameter;
use medley_core::stream::spawned;
use medley_core::{Connector, Error, ErrorKind, ExecuteOptions, RemoteQuery, Result};
use sqlx::{AssertSqlSafe, Row};

use crate::client::SqliteConnector;
use crate::error::from_sqlx;
use crate::translate::Plan;
use crate::types;

pub(crate) fn execute(
    connector: &SqliteConnector,
    query: &RemoteQuery,
    options: ExecuteOptions,
) -> Result<SendableRecordBatchStream> {
    let plan: Plan = query.plan()?;
    let (pool, path) = (connector.pool().clone(), connector.path().to_owned());
    let schema = query.schema.clone();
    Ok(spawned(query.schema.clone(), &connector.info().catalog, move |sender| async move {
        let mut batch = BatchBuilder::new(schema, &plan.columns);
        let mut statement = sqlx::query(AssertSqlSafe(plan.statement.text.clone()));
        for parameter in plan.statement.parameters.clone() {
            statement = match parameter {
                Parameter::Text(text) => statement.bind(text),
                Parameter::Binary(bytes) => statement.bind(bytes),
                Parameter::Real(value) => statement.bind(value),
            };
        }
        options.report.add_round_trip();
        let mut rows = statement.fetch(&pool);
        while let Some(row) =
            rows.try_next().await.map_err(|error| from_sqlx("run the query", &path, error))?
        {
            for (index, column) in batch.columns.iter_mut().enumerate() {
                let misfit = row
                    .try_get_raw(index)
                    .map_err(Into::into)
                    .and_then(|value| types::append(column, value))
                    .map_err(|error| {
                        Error::new(ErrorKind::Remote, "read rows", "a row cannot be read")
                            .with_source(error)
                    })?;
                if let Some(found) = misfit {
                    let (name, computed) = (&plan.columns[index].0, plan.computed[index]);
                    options.report.misfit(&plan.table, name, found, computed)?;
                }
            }
            batch.close_row();
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

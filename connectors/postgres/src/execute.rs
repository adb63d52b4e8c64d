//! Runs a query with COPY and decodes its rows into batches.

use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use medley_core::column_builder::BatchBuilder;
use medley_core::stream::{BatchSender, spawned};
use medley_core::{Connector, Error, ErrorKind, ExecuteOptions, RemoteQuery, Report, Result};

use crate::client::{Client, Lease, PostgresConnector};
use crate::translate::{Column, Plan};
use crate::types::{Malformed, take, take_value};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

pub(crate) fn execute(
    connector: &PostgresConnector,
    query: &RemoteQuery,
    options: ExecuteOptions,
) -> Result<SendableRecordBatchStream> {
    let plan: Plan = query.plan()?;
    let client = connector.client.clone();
    let schema = query.schema.clone();
    Ok(spawned(query.schema.clone(), &connector.info().catalog, move |sender| async move {
        let shapes: Vec<_> =
            plan.columns.iter().map(|c| (c.name.clone(), c.reading.shape())).collect();
        let batch = BatchBuilder::new(schema, &shapes);
        let mut lease = client.lease().await?;
        let complete = copy(&client, &mut lease, &plan, batch, &options, sender).await?;
        if complete {
            lease.finish();
        }
        Ok(())
    }))
}

/// Reads to the end. Returns false if nobody listens any more; the lease then cancels what is left.
async fn copy(
    client: &Client,
    lease: &mut Lease,
    plan: &Plan,
    mut batch: BatchBuilder,
    options: &ExecuteOptions,
    sender: BatchSender,
) -> Result<bool> {
    let fail = |error| client.error("run the query", error);
    let statement = format!("COPY ({}) TO STDOUT (FORMAT binary)", plan.sql);
    options.report.add_round_trip();
    let mut messages = lease.connection()?.copy_out_raw(&statement).await.map_err(fail)?;
    let mut header_read = false;
    while let Some(message) = messages.try_next().await.map_err(fail)? {
        options.report.add_bytes(message.len());
        append_rows(plan, &mut batch, &message, &mut header_read, &options.report)?;
        if batch.rows() >= options.batch_rows && !sender.send(batch.finish()?).await {
            return Ok(false);
        }
    }
    if batch.rows() > 0 {
        sender.send(batch.finish()?).await;
    }
    Ok(true)
}

/// A message holds whole rows; the first one begins with the header.
fn append_rows(
    plan: &Plan,
    batch: &mut BatchBuilder,
    message: &Bytes,
    header_read: &mut bool,
    report: &Report,
) -> Result<()> {
    let mut bytes = message.as_ref();
    if !*header_read {
        skip_header(&mut bytes).map_err(|Malformed| malformed("the header"))?;
        *header_read = true;
    }
    while !bytes.is_empty() {
        let fields =
            take(&mut bytes).map(i16::from_be_bytes).map_err(|Malformed| malformed("a row"))?;
        if fields == -1 {
            return Ok(());
        }
        for (Column { name, reading, computed }, column) in
            plan.columns.iter().zip(&mut batch.columns)
        {
            let value = take_value(&mut bytes).map_err(|Malformed| malformed(name))?;
            let misfit = reading.append(column, value).map_err(|Malformed| malformed(name))?;
            if let Some(found) = misfit {
                report.misfit(&plan.table, name, found, *computed)?;
            }
        }
        if plan.columns.is_empty() {
            // The constant that is selected where only the number of rows is asked for.
            take_value(&mut bytes).map_err(|Malformed| malformed("a row"))?;
        }
        batch.close_row();
    }
    Ok(())
}

fn skip_header(bytes: &mut &[u8]) -> Result<(), Malformed> {
    if take::<11>(bytes)? != *SIGNATURE {
        return Err(Malformed);
    }
    let _flags: [u8; 4] = take(bytes)?;
    let extension = i32::from_be_bytes(take(bytes)?);
    let extension = usize::try_from(extension).map_err(|_| Malformed)?;
    *bytes = bytes.get(extension..).ok_or(Malformed)?;
    Ok(())
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Remote, "read rows", format!("postgres sent {what} in an unknown form"))
}

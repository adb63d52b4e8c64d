//! Streams that start when they are first polled and end their work when they are dropped.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::{
    RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter,
};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::Result;

/// Batches that may wait for the reader. Two keep the store busy; more would be a buffer.
const BATCHES_IN_FLIGHT: usize = 2;

/// Where a reading task puts its batches. Sending waits while the client is slow, which slows the store's cursor.
#[derive(Clone, Debug)]
pub struct BatchSender {
    sender: mpsc::Sender<datafusion::error::Result<RecordBatch>>,
}

impl BatchSender {
    /// Hands a batch over. Returns whether anyone still listens: if not, the task should end.
    pub async fn send(&self, batch: RecordBatch) -> bool {
        self.sender.send(Ok(batch)).await.is_ok()
    }
}

/// A stream whose batches a task of its own produces.
///
/// The task starts at the first poll. It is aborted when the stream is dropped, so what must reach the store then
/// belongs into the `Drop` of a value that the task owns.
pub fn spawned<F, Fut>(schema: SchemaRef, catalog: &str, produce: F) -> SendableRecordBatchStream
where
    F: FnOnce(BatchSender) -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let catalog = catalog.to_owned();
    let inner_schema = schema.clone();
    let batches = stream::once(async move {
        let mut builder = RecordBatchReceiverStreamBuilder::new(inner_schema, BATCHES_IN_FLIGHT);
        let sender = BatchSender { sender: builder.tx() };
        builder.spawn(async move {
            produce(sender).await.map_err(|error| DataFusionError::from(error.in_catalog(&catalog)))
        });
        builder.build()
    })
    .flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

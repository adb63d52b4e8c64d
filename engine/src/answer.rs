//! The answer to a statement.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::Report;

/// Rows as they come, and what is told besides.
pub struct Answer {
    /// The rows. Dropping the stream cancels the query in every store.
    pub stream: SendableRecordBatchStream,
    /// What the stores reported; complete once the stream has ended.
    pub report: Arc<Report>,
    /// What the user should know of the tables that were read.
    pub warnings: Vec<String>,
    /// Whether the statement was a query; other statements answer with no rows.
    pub is_query: bool,
}

impl Answer {
    /// The schema of every batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema()).finish_non_exhaustive()
    }
}

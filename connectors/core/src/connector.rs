//! The trait that a store implements, and what it is called with.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;

use crate::config::CatalogOptions;
use crate::table::TableListing;
use crate::{Capabilities, Fragment, Pushdown, Refusal, RemoteQuery, Report, Result};
use crate::{TableDescription, TableName, TableStatistics};

/// One attached store.
///
/// Making a connector does no I/O: it connects when it is first asked for something. All methods may be called
/// concurrently. `Debug` must print no credential.
#[async_trait]
pub trait Connector: Debug + Send + Sync + 'static {
    /// What this connector is called and which source it reads.
    fn info(&self) -> &ConnectorInfo;

    /// What the store can be asked to do. The planner offers nothing else.
    fn capabilities(&self) -> &Capabilities;

    /// Every table the credentials can see, in no particular order.
    ///
    /// # Errors
    /// The store is down, or refuses the credentials.
    async fn list_tables(&self) -> Result<Vec<TableListing>>;

    /// One table's columns, keys and access paths.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such table, and as [`Self::list_tables`].
    async fn describe_table(&self, table: &TableName) -> Result<TableDescription>;

    /// What is known of a table's size. Unknown figures are [`Figure::Unknown`](crate::Figure), never an error.
    async fn statistics(&self, table: &TableDescription) -> TableStatistics;

    /// Says whether the store can run the fragment, and with which native query.
    ///
    /// Pure: no I/O, and the same answer for the same fragment. A connector accepts only what it can run with
    /// SQL's meaning; see [`Pushdown`] for a last filter that lets too many rows pass.
    ///
    /// # Errors
    /// A [`Refusal`] whose reason EXPLAIN prints.
    fn translate(&self, fragment: &Fragment) -> Result<Pushdown, Refusal>;

    /// Runs a query that [`Self::translate`] made.
    ///
    /// Returns at once; the work starts at the stream's first poll. Dropping the stream cancels the remote work.
    /// A stream that ends without an error has delivered every row.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorKind::Internal) if the query is not one of this connector's; failures of the store
    /// come through the stream.
    fn execute(
        &self,
        query: &RemoteQuery,
        options: ExecuteOptions,
    ) -> Result<SendableRecordBatchStream>;
}

/// A connector's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorInfo {
    /// The kind of store, as in the configuration's `type`.
    pub kind: &'static str,
    /// The catalog's name in SQL.
    pub catalog: String,
    /// The schema that a name without one is looked up in.
    pub default_schema: String,
    /// Which source is read.
    pub source: SourceId,
}

/// Two connectors with equal ids read the same source with the same rights, so that joins between their tables may
/// be pushed down.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(String);

impl SourceId {
    /// An id made of what tells sources apart, such as host, port, database and user; never of a password.
    #[must_use]
    pub fn new(kind: &str, parts: &[&str]) -> Self {
        Self(format!("{kind}:{}", parts.join("/")))
    }
}

/// How a query is to be run.
#[derive(Clone, Debug)]
pub struct ExecuteOptions {
    /// Keys whose place in the native text was fixed by the translation; none when nothing is bound.
    pub bind_keys: Option<RecordBatch>,
    /// The rows that a batch should have.
    pub batch_rows: usize,
    /// When the answer is of no more use.
    pub deadline: Option<Instant>,
    /// Which of the query's partitions to run, from zero.
    pub partition: usize,
    /// Where values that do not fit their column, bytes and round trips are counted.
    pub report: Arc<Report>,
}

impl Default for ExecuteOptions {
    fn default() -> Self {
        Self {
            bind_keys: None,
            batch_rows: 8192,
            deadline: None,
            partition: 0,
            report: Arc::default(),
        }
    }
}

/// Makes connectors of one kind.
pub trait ConnectorFactory: Debug + Send + Sync + 'static {
    /// The kind, as in the configuration's `type`.
    fn kind(&self) -> &'static str;

    /// Makes a connector without any I/O.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) naming the option that is wrong, and what is right.
    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>>;
}

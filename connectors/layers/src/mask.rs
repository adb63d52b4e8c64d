//! Takes capabilities away from a connector, for users in trouble and for tests that compare with and without.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use medley_core::capabilities::Operator;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorInfo, ExecuteOptions, Fragment, Pushdown, Refusal,
    RemoteQuery, Result, TableDescription, TableName, TableStatistics,
};

/// A connector that is asked for less than it can do.
#[derive(Debug)]
pub struct Mask {
    inner: Arc<dyn Connector>,
    capabilities: Capabilities,
}

impl Mask {
    /// Keeps only `capabilities`, which must be some of the connector's own.
    #[must_use]
    pub fn new(inner: Arc<dyn Connector>, capabilities: Capabilities) -> Self {
        Self { inner, capabilities }
    }

    /// Reads every table whole.
    #[must_use]
    pub fn nothing(inner: Arc<dyn Connector>) -> Self {
        let infers_schema = inner.capabilities().infers_schema;
        Self::new(inner, Capabilities { infers_schema, ..Capabilities::none() })
    }

    fn admits(&self, operator: Operator) -> Result<(), Refusal> {
        if self.capabilities.supports(operator) {
            return Ok(());
        }
        Err(Refusal::new(format!("{operator:?} is switched off for this catalog")))
    }

    fn check(&self, fragment: &Fragment) -> Result<(), Refusal> {
        fragment.operator().map_or(Ok(()), |operator| self.admits(operator))?;
        fragment.inputs().into_iter().try_for_each(|input| self.check(input))
    }
}

#[async_trait]
impl Connector for Mask {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        self.inner.list_tables().await
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        self.inner.describe_table(table).await
    }

    async fn statistics(&self, table: &TableDescription) -> TableStatistics {
        self.inner.statistics(table).await
    }

    fn translate(&self, fragment: &Fragment) -> Result<Pushdown, Refusal> {
        self.check(fragment)?;
        self.inner.translate(fragment)
    }

    fn execute(
        &self,
        query: &RemoteQuery,
        options: ExecuteOptions,
    ) -> Result<SendableRecordBatchStream> {
        self.inner.execute(query, options)
    }
}

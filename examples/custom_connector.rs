//! A connector in one file: a store of our own, of rows in memory, joined and tested like any other.
//!
//! It takes limits and leaves filters to Medley; what it does not declare it is never asked for. The contract suite
//! that the built-in connectors pass runs on it at the end.
#![expect(clippy::print_stdout, reason = "an example shows its answer")]

use std::error::Error as StdError;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use medley_core::capabilities::Operator;
use medley_core::config::CatalogOptions;
use medley_core::stream::spawned;
use medley_core::table::{TableKind, TableListing};
use medley_core::{
    Capabilities, ColumnDescription, Connector, ConnectorFactory, ConnectorInfo, Error, ErrorKind,
    ExecuteOptions, Figure, Fragment, Pushdown, Refusal, RemoteQuery, Result, SourceId,
    TableDescription, TableName, TableStatistics, testkit,
};
use medley_engine::Engine;

const PLANETS: [(i64, Option<&str>); 4] =
    [(1, Some("Mercury")), (2, Some("Venus")), (3, Some("Earth")), (9, None)];

#[derive(Debug)]
struct PlanetsFactory;

impl ConnectorFactory for PlanetsFactory {
    fn kind(&self) -> &'static str {
        "planets"
    }

    fn create(&self, catalog: &str, _options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        let info = ConnectorInfo {
            kind: self.kind(),
            catalog: catalog.to_owned(),
            default_schema: "main".to_owned(),
            source: SourceId::new(self.kind(), &[]),
        };
        let capabilities =
            Capabilities { operators: [Operator::Limit].into(), ..Capabilities::none() };
        Ok(Arc::new(Planets { info, capabilities }))
    }
}

#[derive(Debug)]
struct Planets {
    info: ConnectorInfo,
    capabilities: Capabilities,
}

#[async_trait]
impl Connector for Planets {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        Ok(vec![TableListing { name: TableName::new("main", "planet"), kind: TableKind::Base }])
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        if *table != TableName::new("main", "planet") {
            return Err(Error::new(
                ErrorKind::NotFound,
                "describe table",
                format!("no table \"{table}\""),
            ));
        }
        let columns = vec![
            ColumnDescription::new("position", DataType::Int64, "integer"),
            ColumnDescription::new("name", DataType::Utf8, "text"),
        ];
        Ok(TableDescription::new(table.clone(), columns))
    }

    async fn statistics(&self, _table: &TableDescription) -> TableStatistics {
        TableStatistics::of_rows(Figure::Exact(PLANETS.len() as u64))
    }

    fn translate(&self, fragment: &Fragment) -> Result<Pushdown, Refusal> {
        let selection = fragment.as_selection()?;
        if !selection.filters.is_empty() || selection.columns != [0, 1] {
            return Err(Refusal::new("planets are only listed"));
        }
        let first = selection.fetch.unwrap_or(PLANETS.len());
        let schema = selection.table.schema();
        let query = RemoteQuery::new(
            format!("the first {first} planets"),
            schema,
            &(selection.skip, first),
        )?;
        Ok(Pushdown::Exact(query))
    }

    fn execute(
        &self,
        query: &RemoteQuery,
        _options: ExecuteOptions,
    ) -> Result<SendableRecordBatchStream> {
        let (skip, first): (usize, usize) = query.plan()?;
        let schema = query.schema.clone();
        Ok(spawned(query.schema.clone(), &self.info.catalog, move |sender| async move {
            let rows = || PLANETS.iter().skip(skip).take(first);
            let positions: Int64Array = rows().map(|(position, _)| Some(*position)).collect();
            let names: StringArray = rows().map(|(_, name)| *name).collect();
            sender
                .send(RecordBatch::try_new(schema, vec![Arc::new(positions), Arc::new(names)])?)
                .await;
            Ok(())
        }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let session = Engine::builder().connector(Arc::new(PlanetsFactory)).build()?.session();
    session.sql("ATTACH 'sky' AS sky (TYPE planets)").await?;
    let sql = "SELECT upper(name) AS name FROM sky.planet WHERE position BETWEEN 2 AND 5 ORDER BY position";
    let batches: Vec<_> = session.sql(sql).await?.stream.try_collect().await?;
    println!("{}", arrow::util::pretty::pretty_format_batches(&batches)?);

    let connector = PlanetsFactory.create("sky", CatalogOptions::default())?;
    let outcome = testkit::run(&connector, &TableName::new("main", "planet")).await?;
    println!(
        "the contract suite: {} cases passed, {} fragments refused",
        outcome.passed, outcome.refused
    );
    assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
    Ok(())
}

//! Tables that describe the others: `information_schema` over all catalogs, and the catalog `system`.
//!
//! A filter on catalog, schema or table narrows what is asked of the stores. A store that is down is passed over,
//! unless it is the one that was asked for.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{CatalogProvider, MemTable, SchemaProvider, Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use medley_core::table::{TableKind, TableListing};
use medley_core::{Error, ErrorKind};

use super::home::HOME_SCHEMA;
use super::list::Catalogs;
use super::remote::RemoteCatalog;

/// The catalog of tables about Medley itself.
pub(super) const SYSTEM_CATALOG: &str = "system";

/// `information_schema` and `system`.
#[derive(Clone, Debug)]
pub(super) struct SystemCatalog {
    catalogs: Arc<Catalogs>,
}

impl SystemCatalog {
    pub(super) fn new(catalogs: Arc<Catalogs>) -> Self {
        Self { catalogs }
    }
}

impl CatalogProvider for SystemCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![HOME_SCHEMA.to_owned(), "information_schema".to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let tables: &'static [(&'static str, Contents)] = match name {
            "information_schema" => &[
                ("schemata", Contents::Schemata),
                ("tables", Contents::Tables),
                ("columns", Contents::Columns),
            ],
            HOME_SCHEMA => {
                &[("catalogs", Contents::Catalogs), ("schema_inference", Contents::SchemaInference)]
            }
            _ => return None,
        };
        Some(Arc::new(SystemSchema { catalogs: self.catalogs.clone(), tables }))
    }
}

#[derive(Debug)]
struct SystemSchema {
    catalogs: Arc<Catalogs>,
    tables: &'static [(&'static str, Contents)],
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some((_, contents)) = self.tables.iter().find(|(known, _)| *known == name) else {
            let message =
                format!("no table \"{name}\"; there are {}", self.table_names().join(", "));
            return Err(Error::new(ErrorKind::NotFound, "resolve table", message).into());
        };
        Ok(Some(Arc::new(SystemTable { catalogs: self.catalogs.clone(), contents: *contents })))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.iter().any(|(known, _)| *known == name)
    }
}

#[derive(Clone, Copy, Debug)]
enum Contents {
    Catalogs,
    Schemata,
    Tables,
    Columns,
    SchemaInference,
}

impl Contents {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Catalogs => &["catalog_name", "type"],
            Self::Schemata => &["catalog_name", "schema_name"],
            Self::Tables => &["table_catalog", "table_schema", "table_name", "table_type"],
            Self::Columns => &[
                "table_catalog",
                "table_schema",
                "table_name",
                "column_name",
                "ordinal_position",
                "is_nullable",
                "data_type",
                "native_type",
            ],
            Self::SchemaInference => &[
                "table_catalog",
                "table_schema",
                "table_name",
                "path",
                "native_type",
                "documents",
                "documents_sampled",
            ],
        }
    }
}

/// A table whose rows are found when it is read.
#[derive(Debug)]
struct SystemTable {
    catalogs: Arc<Catalogs>,
    contents: Contents,
}

#[async_trait]
impl TableProvider for SystemTable {
    fn schema(&self) -> SchemaRef {
        let fields: Vec<_> = self
            .contents
            .columns()
            .iter()
            .map(|name| {
                Field::new(
                    *name,
                    if is_number(name) { DataType::Int64 } else { DataType::Utf8 },
                    true,
                )
            })
            .collect();
        Arc::new(Schema::new(fields))
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = self.rows(&Restriction::of(filters)).await?;
        let schema = self.schema();
        let columns =
            (0..schema.fields().len()).map(|index| column(&schema, &rows, index)).collect();
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        MemTable::try_new(schema, vec![vec![batch]])?.scan(session, projection, &[], limit).await
    }
}

fn is_number(column: &str) -> bool {
    matches!(column, "ordinal_position" | "documents" | "documents_sampled")
}

type Row = Vec<String>;

fn column(schema: &SchemaRef, rows: &[Row], index: usize) -> ArrayRef {
    let values = rows.iter().map(|row| row.get(index).map(String::as_str));
    match schema.field(index).data_type() {
        DataType::Int64 => {
            Arc::new(values.map(|text| text?.parse::<i64>().ok()).collect::<Int64Array>())
        }
        _ => Arc::new(values.collect::<StringArray>()),
    }
}

impl SystemTable {
    async fn rows(&self, restriction: &Restriction) -> medley_core::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for catalog in self.catalogs.all() {
            if !restriction.admits("catalog", catalog.name()) {
                continue;
            }
            if matches!(self.contents, Contents::Catalogs) {
                rows.push(vec![catalog.name().to_owned(), catalog.kind().to_owned()]);
                continue;
            }
            match self.rows_of(&catalog, restriction).await {
                Ok(found) => rows.extend(found),
                Err(error) if restriction.names_catalog() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(rows)
    }

    async fn rows_of(
        &self,
        catalog: &RemoteCatalog,
        restriction: &Restriction,
    ) -> medley_core::Result<Vec<Row>> {
        let mut tables = catalog.list_tables().await?;
        tables.retain(|t| {
            restriction.admits("schema", &t.name.schema)
                && restriction.admits("name", &t.name.table)
        });
        match self.contents {
            Contents::Catalogs => Ok(Vec::new()),
            Contents::Schemata => {
                let mut schemas: Vec<_> =
                    tables.into_iter().map(|table| table.name.schema).collect();
                schemas.dedup();
                Ok(schemas
                    .into_iter()
                    .map(|schema| vec![catalog.name().to_owned(), schema])
                    .collect())
            }
            Contents::Tables => Ok(tables.iter().map(|table| table_row(catalog, table)).collect()),
            Contents::Columns | Contents::SchemaInference => {
                self.described_rows(catalog, &tables).await
            }
        }
    }

    async fn described_rows(
        &self,
        catalog: &RemoteCatalog,
        tables: &[TableListing],
    ) -> medley_core::Result<Vec<Row>> {
        let inference = matches!(self.contents, Contents::SchemaInference);
        if inference && !catalog.connector()?.capabilities().infers_schema {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for listing in tables {
            // A table that vanished meanwhile, or may not be read, has no columns to show.
            let Ok(table) = catalog.table(&listing.name).await else { continue };
            let start = || {
                vec![
                    catalog.name().to_owned(),
                    listing.name.schema.clone(),
                    listing.name.table.clone(),
                ]
            };
            let Some(description) = table.description() else { continue };
            if inference {
                for seen in &description.observations {
                    let mut row = start();
                    row.extend([seen.path.clone(), seen.native_type.clone()]);
                    row.extend([seen.count.to_string(), seen.sampled.to_string()]);
                    rows.push(row);
                }
                continue;
            }
            for (index, column) in description.columns.iter().enumerate() {
                let mut row = start();
                let nullable = if column.nullable { "YES" } else { "NO" };
                row.extend([column.name.clone(), (index + 1).to_string(), nullable.to_owned()]);
                row.extend([column.data_type.to_string(), column.native_type.clone()]);
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

fn table_row(catalog: &RemoteCatalog, table: &TableListing) -> Row {
    let kind = match table.kind {
        TableKind::Base => "BASE TABLE",
        TableKind::View => "VIEW",
    };
    vec![
        catalog.name().to_owned(),
        table.name.schema.clone(),
        table.name.table.clone(),
        kind.to_owned(),
    ]
}

/// The equalities of a query's filters, which are applied again above.
#[derive(Debug, Default)]
struct Restriction(Vec<(String, String)>);

impl Restriction {
    fn of(filters: &[Expr]) -> Self {
        let mut equalities = Vec::new();
        for filter in filters {
            if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter
                && let (Expr::Column(column), Expr::Literal(value, _)) =
                    (left.as_ref(), right.as_ref())
                && let ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) = value
            {
                equalities.push((column.name.clone(), text.clone()));
            }
        }
        Self(equalities)
    }

    /// Whether a catalog, schema or table name passes; `part` is the word in the column's name.
    fn admits(&self, part: &str, name: &str) -> bool {
        let columns: &[&str] = match part {
            "catalog" => &["table_catalog", "catalog_name"],
            "schema" => &["table_schema", "schema_name"],
            _ => &["table_name"],
        };
        self.0
            .iter()
            .filter(|(column, _)| columns.contains(&column.as_str()))
            .all(|(_, text)| text == name)
    }

    fn names_catalog(&self) -> bool {
        self.0.iter().any(|(column, _)| column == "table_catalog" || column == "catalog_name")
    }
}

//! The reference: DataFusion over the same rows in memory, with the settings that sessions have.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{Date32Type, Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};
use medley_core::column_builder::{BatchBuilder, ColumnBuilder, Scalar, parse_decimal};
use medley_core::inference::Shape;
use xtask::data::tables::{Kind, TABLES, Table, fields};

use crate::answers::{Rows, rows};

/// A context without tables, that parses as sessions do. DataFusion's physical `FilterPushdown` is left out: it mistakes
/// columns of one name for each other, and loses rows; so is its top-k aggregation, which panics over floats.
#[must_use]
pub fn empty() -> SessionContext {
    let mut config = SessionConfig::new();
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    config.options_mut().optimizer.enable_topk_aggregation = false;
    let mut rules = PhysicalOptimizer::new().rules;
    rules.retain(|rule| !rule.name().starts_with("FilterPushdown"));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_type_planner(Arc::new(medley_engine::SqlTypes))
        .with_physical_optimizer_rules(rules)
        .build();
    SessionContext::new_with_state(state)
}

/// A context with all eight tables in memory.
///
/// # Errors
/// A generated row that cannot be read.
pub fn context(scale_factor: f64) -> Result<SessionContext> {
    let context = empty();
    for table in TABLES {
        let batch = batch(table, scale_factor)?;
        let memory = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        context.register_table(table.name, Arc::new(memory))?;
    }
    Ok(context)
}

/// The reference's answer.
///
/// # Errors
/// The statement's own failure.
pub async fn ask(context: &SessionContext, sql: &str) -> Result<Rows> {
    let frame = context.sql(sql).await?;
    let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
    rows(&schema, &frame.collect().await?)
}

fn batch(table: &Table, scale_factor: f64) -> Result<RecordBatch> {
    let shapes: Vec<(String, Shape)> =
        table.columns.iter().map(|(name, kind)| ((*name).to_owned(), shape(*kind))).collect();
    let schema: Vec<_> =
        shapes.iter().map(|(name, shape)| Field::new(name, shape.data_type(), false)).collect();
    let mut batch = BatchBuilder::new(Arc::new(Schema::new(schema)), &shapes);
    for line in table.lines(scale_factor) {
        for ((column, (_, kind)), field) in
            batch.columns.iter_mut().zip(table.columns).zip(fields(&line))
        {
            anyhow::ensure!(append(column, *kind, field), "{}: {field}", table.name);
        }
        batch.close_row();
    }
    Ok(batch.finish()?)
}

fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Int => Shape::Int32,
        Kind::Long => Shape::Int64,
        Kind::Decimal => Shape::Decimal(15, 2),
        Kind::Date => Shape::Date,
        Kind::Text => Shape::Text,
    }
}

fn append(column: &mut ColumnBuilder, kind: Kind, field: &str) -> bool {
    let scalar = match kind {
        Kind::Int => field.parse().ok().map(Scalar::Int32),
        Kind::Long => field.parse().ok().map(Scalar::Int64),
        Kind::Decimal => {
            parse_decimal(field).map(|(unscaled, scale)| Scalar::Decimal(unscaled, scale))
        }
        Kind::Date => Date32Type::parse(field).map(Scalar::Date),
        Kind::Text => Some(Scalar::Text(field)),
    };
    scalar.is_some_and(|scalar| column.append(scalar))
}

//! Groups and orders as pipeline stages, and why they mean the same there.
//!
//! * A value that is read as NULL is made null before it is grouped, summed or ordered, by its `$type`.
//! * Numbers of several types are one key in MongoDB if they are equal, as they are in a column. Doubles are no keys:
//!   `-0.0` and `0.0` are one there.
//! * `$sum` of nothing is 0; SQL's is NULL, so that values are counted beside the sum.
//! * `$sum` of longs turns into a double where it overflows, and of decimals is rounded to 34 digits: the reader of
//!   computed columns refuses both.
//! * `$min` and `$max` pass over null. Doubles stay here: MongoDB puts NaN below all numbers.
//! * Without keys and without documents `$group` gives nothing, where SQL gives one row: the reader makes it.
//! * Null comes first in MongoDB's order. A key that says so comes first where SQL wants it last.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use medley_core::inference::Shape;
use medley_core::{ColumnDescription, Refusal};
use mongodb::bson::{Bson, Document, doc};

use crate::filter::{Place, comparable, fit, place};
use crate::translate::Level;

/// The value of a column, null where it is read as NULL.
pub(crate) fn clean(column: &ColumnDescription) -> Result<Bson, Refusal> {
    let types: Vec<Bson> = comparable(column)?.into_iter().map(Bson::from).collect();
    let Place { path, is_clean, .. } = place(column)?;
    let value = Bson::String(format!("${path}"));
    if is_clean {
        return Ok(value);
    }
    let is_type = doc! { "$in": [{ "$type": value.clone() }, types] };
    let fits = match fit(column)? {
        Some(fit) => doc! { "$and": [is_type, fit] },
        None => is_type,
    };
    Ok(Bson::Document(doc! { "$cond": [fits, value, Bson::Null] }))
}

/// The stages of a grouping, with the columns that it gives.
pub(crate) fn group(
    level: &mut Level,
    group: &[(Expr, String)],
    aggregates: &[(Expr, String)],
) -> Result<(Vec<Document>, Vec<ColumnDescription>), Refusal> {
    let (mut keys, mut accumulators) = (Document::new(), Document::new());
    let (mut projection, mut columns) = (doc! { "_id": 0 }, Vec::new());
    for (expression, name) in group {
        let column = level.column(expression)?;
        let shape = place(&column)?.shape;
        if shape == Shape::Double {
            return Err(Refusal::new("floats as grouping keys: -0.0 and 0.0 are one there"));
        }
        keys.insert(name, clean(&column)?);
        projection.insert(name, format!("$_id.{name}"));
        columns.push(made(name, shape)?);
    }
    for (expression, name) in aggregates {
        let Expr::AggregateFunction(function) = expression else {
            return Err(Refusal::new(format!("{expression} is no aggregate of MongoDB")));
        };
        let shape = accumulate(level, function, name, &mut accumulators, &mut projection)?;
        columns.push(made(name, shape)?);
    }
    let id = if keys.is_empty() { Bson::Null } else { Bson::Document(keys) };
    let mut stage = doc! { "_id": id };
    stage.extend(accumulators);
    Ok((vec![doc! { "$group": stage }, doc! { "$project": projection }], columns))
}

/// A column that a stage made.
fn made(name: &str, shape: Shape) -> Result<ColumnDescription, Refusal> {
    let place = Place { path: name.to_owned(), shape: shape.clone(), is_clean: true };
    let mut column = ColumnDescription::new(name, shape.data_type(), "computed");
    column.detail = serde_json::to_value(place).map_err(|error| Refusal::new(error.to_string()))?;
    Ok(column)
}

fn accumulate(
    level: &mut Level,
    function: &AggregateFunction,
    name: &str,
    accumulators: &mut Document,
    projection: &mut Document,
) -> Result<Shape, Refusal> {
    let params = &function.params;
    let function_name = function.func.name();
    if params.distinct || params.filter.is_some() || !params.order_by.is_empty() {
        return Err(Refusal::new(format!("{function_name} with DISTINCT, FILTER or an order")));
    }
    let [argument] = params.args.as_slice() else {
        return Err(Refusal::new(format!("{function_name} of several arguments")));
    };
    projection.insert(name, 1);
    if let Expr::Literal(value, _) = argument {
        if function_name == "count" && !value.is_null() {
            accumulators.insert(name, doc! { "$sum": 1 });
            return Ok(Shape::Int64);
        }
        return Err(Refusal::new(format!("{function_name} of a literal")));
    }
    let (argument, target) = unconverted(argument);
    let column = level.column(argument)?;
    let (value, shape) = (clean(&column)?, place(&column)?.shape);
    let (summed, shape) = match (target, shape) {
        (None, shape) => (value.clone(), shape),
        (Some(DataType::Int64), Shape::Int32) => (value.clone(), Shape::Int64),
        (Some(DataType::Float64), Shape::Int32 | Shape::Int64) => {
            (Bson::Document(doc! { "$toDouble": value.clone() }), Shape::Double)
        }
        (Some(other), shape) => {
            return Err(Refusal::new(format!("a conversion of {shape:?} to {other}")));
        }
    };
    let counted = || doc! { "$sum": { "$cond": [{ "$eq": [value.clone(), Bson::Null] }, 0, 1] } };
    match (function_name, shape) {
        ("count", _) => {
            accumulators.insert(name, counted());
            Ok(Shape::Int64)
        }
        ("sum", shape @ (Shape::Int64 | Shape::Double | Shape::Decimal(..))) => {
            let count = format!("{name}_n");
            accumulators.insert(&count, counted());
            accumulators.insert(name, doc! { "$sum": summed });
            let nothing = doc! { "$eq": [format!("${count}"), 0] };
            let sum = format!("${name}");
            projection.insert(name, doc! { "$cond": [nothing, Bson::Null, sum] });
            Ok(shape)
        }
        (
            "min" | "max",
            shape @ (Shape::Int32
            | Shape::Int64
            | Shape::Decimal(..)
            | Shape::Text
            | Shape::Instant),
        ) => {
            accumulators.insert(name, doc! { format!("${function_name}"): value });
            Ok(shape)
        }
        (_, shape) => Err(Refusal::new(format!("{function_name} of {shape:?}"))),
    }
}

/// The expression below a conversion, and what it is converted to.
fn unconverted(expression: &Expr) -> (&Expr, Option<&DataType>) {
    match expression {
        Expr::Cast(cast) => (&cast.expr, Some(cast.field.data_type())),
        other => (other, None),
    }
}

/// The stages of an order, whose keys are computed beside the documents' fields.
pub(crate) fn sort(level: &mut Level, keys: &[Sort]) -> Result<Vec<Document>, Refusal> {
    let (mut computed, mut order) = (Document::new(), Document::new());
    for (index, key) in keys.iter().enumerate() {
        let column = level.column(&key.expr)?;
        if place(&column)?.shape == Shape::Double {
            return Err(Refusal::new("NaN comes first among numbers in MongoDB"));
        }
        let value = clean(&column)?;
        // Null comes first going up, and last going down.
        if key.nulls_first != key.asc {
            let is_null = doc! { "$eq": [value.clone(), Bson::Null] };
            let name = format!("_null{index}");
            computed.insert(&name, doc! { "$cond": [is_null, 1, 0] });
            order.insert(name, if key.nulls_first { -1 } else { 1 });
        }
        let name = format!("_key{index}");
        computed.insert(&name, value);
        order.insert(name, if key.asc { 1 } else { -1 });
    }
    // Fields beside the documents: names of theirs cannot be hidden.
    let paths: Document =
        order.iter().map(|(name, way)| (format!("k.{name}"), way.clone())).collect();
    Ok(vec![
        doc! { "$project": { "_id": 0, "d": "$$ROOT", "k": computed } },
        doc! { "$sort": paths },
    ])
}

/// Takes the keys of an order away again.
pub(crate) fn unwrap_sorted() -> Document {
    doc! { "$replaceRoot": { "newRoot": "$d" } }
}

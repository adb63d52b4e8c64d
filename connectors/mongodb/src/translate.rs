//! Filters in MongoDB's match language, so that indexes serve; and why they mean the same there.
//!
//! * A comparison in MongoDB looks into arrays, and only at values of the compared kind. Each comparison is therefore
//!   guarded by `$type` for the very types that the column takes, and against arrays on the way: what passes is what
//!   is read as a value and not as NULL.
//! * Missing and null compare to nothing in SQL; the guard keeps them out.
//! * NaN is above all numbers in Arrow's order and beside them in MongoDB's, so it is named where a range has no end
//!   above. Zero is not compared: `-0.0 = 0.0` there, and not in Arrow.
//! * Text is compared by bytes under the simple collation, which every query asks for.
//! * Decimals that do not fit the column are read as NULL but compare as numbers: a superset, applied again above.
//! * Fields whose names hold a dot, begin with a dollar or are empty have no path: nothing is pushed down on them.

use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::{Comparison, Predicate};
use medley_core::{
    Capabilities, ColumnDescription, Error, Fragment, Pushdown, Refusal, RemoteQuery, Result,
    TableName,
};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::types::to_decimal128;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The pipeline in canonical Extended JSON, which keeps every type.
    stages: Vec<serde_json::Value>,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Shape)>,
}

impl Plan {
    pub(crate) fn pipeline(&self) -> Result<Vec<Document>> {
        self.stages
            .iter()
            .map(|stage| match Bson::try_from(stage.clone()) {
                Ok(Bson::Document(document)) => Ok(document),
                _ => Err(Error::internal("read remote query", "a stage that is not a document")),
            })
            .collect()
    }
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let selection = fragment.as_selection()?;
    let mut stages = Vec::new();
    let mut exact = true;
    let mut matches = Vec::new();
    for filter in &selection.filters {
        let predicate = Predicate::parse(filter, selection.table, capabilities)?;
        let condition = condition(&predicate)?;
        exact &= condition.exact;
        matches.push(Bson::Document(condition.filter));
    }
    match matches.len() {
        0 => {}
        1 => stages.push(doc! { "$match": matches.remove(0) }),
        _ => stages.push(doc! { "$match": { "$and": matches } }),
    }
    if selection.skip > 0 {
        stages.push(doc! { "$skip": whole(selection.skip)? });
    }
    if let Some(fetch) = selection.fetch {
        // MongoDB takes no limit of zero.
        if fetch == 0 {
            return Err(Refusal::new("a limit of no rows"));
        }
        stages.push(doc! { "$limit": whole(fetch)? });
    }
    let columns: Vec<&ColumnDescription> =
        selection.columns.iter().map(|index| &selection.table.columns[*index]).collect();
    stages.extend(projection(&columns, selection.table.columns.len()));
    let fields = columns
        .iter()
        .map(|column| Ok((column.name.clone(), shape(column)?)))
        .collect::<Result<_, Refusal>>()?;
    let schema = selection.table.schema_of(selection.columns.iter().copied());
    let text = display(&selection.table.name, &stages);
    let stages =
        stages.into_iter().map(|stage| Bson::Document(stage).into_canonical_extjson()).collect();
    let plan = Plan { stages, table: selection.table.name.clone(), columns: fields };
    let query = RemoteQuery::new(text, schema, &plan)?;
    Ok(if exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

fn whole(rows: usize) -> Result<i64, Refusal> {
    i64::try_from(rows).map_err(|_| Refusal::new("a limit beyond 64 bits"))
}

fn display(table: &TableName, stages: &[Document]) -> String {
    let stages: Vec<_> = stages
        .iter()
        .map(|stage| Bson::Document(stage.clone()).into_relaxed_extjson().to_string())
        .collect();
    format!(
        "db.getSiblingDB({:?}).getCollection({:?}).aggregate([{}])",
        table.schema,
        table.table,
        stages.join(", ")
    )
}

/// Only the wanted fields; nothing if all are wanted, or one of them has no path.
fn projection(columns: &[&ColumnDescription], table_columns: usize) -> Option<Document> {
    if columns.len() == table_columns || columns.iter().any(|column| !has_path(&column.name)) {
        return None;
    }
    let mut fields = Document::new();
    for column in columns {
        fields.insert(&column.name, 1);
    }
    if !fields.contains_key("_id") {
        // A projection of nothing would be one of everything.
        fields.insert("_id", i32::from(columns.is_empty()));
    }
    Some(doc! { "$project": fields })
}

fn has_path(name: &str) -> bool {
    !name.is_empty() && !name.contains(['.', '\0']) && !name.starts_with('$')
}

fn shape(column: &ColumnDescription) -> Result<Shape, Refusal> {
    Shape::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

struct Condition {
    filter: Document,
    exact: bool,
}

fn condition(predicate: &Predicate<'_>) -> Result<Condition, Refusal> {
    match predicate {
        Predicate::Compare(column, comparison, value) => compare(column, *comparison, value),
        Predicate::InList(column, values) => {
            let (types, exact) = comparable(column)?;
            let values =
                values.iter().map(|value| literal(column, value)).collect::<Result<Vec<_>, _>>()?;
            Ok(Condition { filter: guarded(column, &types, doc! { "$in": values }), exact })
        }
        Predicate::IsNull(column) => {
            let filter = doc! { "$nor": [guarded(column, &null_types(column)?, Document::new())] };
            Ok(Condition { filter, exact: true })
        }
        Predicate::IsNotNull(column) => Ok(Condition {
            filter: guarded(column, &null_types(column)?, Document::new()),
            exact: true,
        }),
        Predicate::And(parts) => combine("$and", parts),
        Predicate::Or(parts) => combine("$or", parts),
    }
}

fn combine(operator: &str, parts: &[Predicate<'_>]) -> Result<Condition, Refusal> {
    let parts = parts.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    let exact = parts.iter().all(|part| part.exact);
    let filters: Vec<_> = parts.into_iter().map(|part| part.filter).collect();
    Ok(Condition { filter: doc! { operator: filters }, exact })
}

fn compare(
    column: &ColumnDescription,
    comparison: Comparison,
    value: &ScalarValue,
) -> Result<Condition, Refusal> {
    let (types, exact) = comparable(column)?;
    if matches!(value, ScalarValue::Boolean(_)) && comparison != Comparison::Equal {
        return Err(Refusal::new("booleans are not ordered alike"));
    }
    let operator = match comparison {
        Comparison::Equal => "$eq",
        Comparison::Less => "$lt",
        Comparison::LessOrEqual => "$lte",
        Comparison::Greater => "$gt",
        Comparison::GreaterOrEqual => "$gte",
    };
    let filter = guarded(column, &types, doc! { operator: literal(column, value)? });
    let upward = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
    if upward && shape(column)? == Shape::Double {
        let nan = guarded(column, &types, doc! { "$eq": f64::NAN });
        return Ok(Condition { filter: doc! { "$or": [filter, nan] }, exact });
    }
    Ok(Condition { filter, exact })
}

/// The condition on values of the column's types, and on no array.
fn guarded(column: &ColumnDescription, types: &[&str], mut condition: Document) -> Document {
    condition.insert("$type", types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    if !types.contains(&"array") {
        condition.insert("$not", doc! { "$type": "array" });
    }
    doc! { &column.name: condition }
}

/// The types that the column takes and that compare in MongoDB as in SQL, and whether that is exact.
fn comparable(column: &ColumnDescription) -> Result<(Vec<&'static str>, bool), Refusal> {
    if !has_path(&column.name) {
        return Err(Refusal::new(format!("field \"{}\" has no path in MongoDB", column.name)));
    }
    match shape(column)? {
        Shape::Boolean => Ok((vec!["bool"], true)),
        Shape::Int32 => Ok((vec!["int"], true)),
        Shape::Int64 => Ok((vec!["int", "long"], true)),
        Shape::Double => Ok((vec!["double", "int"], true)),
        Shape::Decimal(..) => Ok((vec!["decimal", "int", "long"], false)),
        Shape::Text => Ok((vec!["string"], true)),
        Shape::ObjectId => Ok((vec!["objectId"], true)),
        Shape::Instant => Ok((vec!["date"], true)),
        other => Err(Refusal::new(format!("{other:?} is not compared in MongoDB"))),
    }
}

/// The types that are read as values; the others are NULL.
fn null_types(column: &ColumnDescription) -> Result<Vec<&'static str>, Refusal> {
    let types = comparable(column);
    match shape(column)? {
        Shape::Decimal(..) => Err(Refusal::new("which decimals are read as NULL shows only here")),
        Shape::Struct(_) if has_path(&column.name) => Ok(vec!["object"]),
        Shape::List(_) if has_path(&column.name) => Ok(vec!["array"]),
        Shape::Binary if has_path(&column.name) => Ok(vec!["binData"]),
        _ => types.map(|(types, _)| types),
    }
}

fn literal(column: &ColumnDescription, value: &ScalarValue) -> Result<Bson, Refusal> {
    match (shape(column)?, value) {
        (_, ScalarValue::Boolean(Some(value))) => Ok(Bson::Boolean(*value)),
        (_, ScalarValue::Int32(Some(value))) => Ok(Bson::Int32(*value)),
        (_, ScalarValue::Int64(Some(value))) => Ok(Bson::Int64(*value)),
        (_, ScalarValue::Float64(Some(value))) if *value != 0.0 && !value.is_nan() => {
            Ok(Bson::Double(*value))
        }
        (_, ScalarValue::Decimal128(Some(unscaled), _, scale)) => to_decimal128(*unscaled, *scale)
            .map(Bson::Decimal128)
            .ok_or_else(|| Refusal::new("a decimal of more than 34 digits")),
        (_, ScalarValue::TimestampMillisecond(Some(millis), _)) => {
            Ok(Bson::DateTime(DateTime::from_millis(*millis)))
        }
        (Shape::ObjectId, ScalarValue::Utf8(Some(text))) => {
            let id = ObjectId::parse_str(text).ok().filter(|id| id.to_hex() == *text);
            id.map(Bson::ObjectId).ok_or_else(|| Refusal::new("text that is not an object id"))
        }
        (Shape::Text, ScalarValue::Utf8(Some(text))) => Ok(Bson::String(text.clone())),
        (_, other) => Err(Refusal::new(format!("a {} literal", other.data_type()))),
    }
}

//! Selections as Cypher, and why they mean the same there.
//!
//! * Each comparison is guarded by the property's type, so that what passes is what is read as a value and not as
//!   NULL. Missing properties are null in Cypher, and compare to nothing, as in SQL.
//! * NaN is above all numbers in Arrow's order and compares to nothing in Cypher, so it is named where a range has no
//!   end above. Zero is not compared: `-0.0 = 0.0` there, and not in Arrow.
//! * Text ranges stay here: nothing promises Cypher's order of text to be that of its bytes.
//! * Finer times than microseconds are read as NULL, so times of day and instants are not compared there.

use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::{Comparison, Predicate};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::catalog::{Detail, Part};
use crate::cypher::{Entity, Parameter, Parameters};
use crate::types::cypher_type;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) text: String,
    pub(crate) parameters: Parameters,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Shape)>,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let selection = fragment.as_selection()?;
    let table = selection.table;
    let entity =
        Entity::deserialize(&table.detail).map_err(|error| Refusal::new(error.to_string()))?;
    let mut emitter = Emitter::default();
    let (pattern, condition) = emitter.parameters.pattern(entity, &table.name.table);
    let mut conditions: Vec<String> = condition.into_iter().collect();
    for filter in &selection.filters {
        conditions.push(emitter.predicate(&Predicate::parse(filter, table, capabilities)?)?);
    }
    let mut outputs = Vec::new();
    let mut columns = Vec::new();
    for index in &selection.columns {
        let column = &table.columns[*index];
        outputs.push(emitter.output(column)?);
        columns.push((column.name.clone(), detail(column)?.shape));
    }
    let mut text = format!("MATCH {pattern}");
    if !conditions.is_empty() {
        text.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    // One list a row: the driver would otherwise hash every column's name for every row.
    text.push_str(&format!(" RETURN [{}] AS r", outputs.join(", ")));
    if selection.skip > 0 {
        text.push_str(&format!(" SKIP {}", selection.skip));
    }
    if let Some(fetch) = selection.fetch {
        text.push_str(&format!(" LIMIT {fetch}"));
    }
    let schema = table.schema_of(selection.columns.iter().copied());
    let plan = Plan { text, parameters: emitter.parameters, table: table.name.clone(), columns };
    Ok(Pushdown::Exact(RemoteQuery::new(plan.parameters.display(&plan.text), schema, &plan)?))
}

fn detail(column: &ColumnDescription) -> Result<Detail, Refusal> {
    Detail::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

#[derive(Default)]
struct Emitter {
    parameters: Parameters,
}

impl Emitter {
    fn output(&mut self, column: &ColumnDescription) -> Result<String, Refusal> {
        let Detail { shape, as_text, .. } = detail(column)?;
        let value = self.reference(column)?;
        if as_text {
            return Ok(format!("toStringOrNull({value})"));
        }
        // The driver knows no time zones by their names, and does not show a duration's parts.
        if shape == Shape::InstantMicros {
            return Ok(format!(
                "CASE WHEN {value} IS :: ZONED DATETIME NOT NULL THEN [{value}.epochSeconds, {value}.nanosecond] \
                 ELSE {value} END"
            ));
        }
        if shape == Shape::Interval {
            return Ok(format!(
                "CASE WHEN {value} IS :: DURATION NOT NULL THEN \
                 [{value}.months, {value}.days, {value}.seconds, {value}.nanosecondsOfSecond] ELSE {value} END"
            ));
        }
        Ok(value)
    }

    fn reference(&mut self, column: &ColumnDescription) -> Result<String, Refusal> {
        Ok(match detail(column)?.part {
            Part::Property => self.parameters.property("n", &column.name),
            Part::Id => "id(n)".to_owned(),
            Part::Start => "id(s)".to_owned(),
            Part::End => "id(e)".to_owned(),
        })
    }

    fn predicate(&mut self, predicate: &Predicate<'_>) -> Result<String, Refusal> {
        match predicate {
            Predicate::Compare(column, comparison, value) => {
                self.compare(column, *comparison, value)
            }
            Predicate::InList(column, values) => {
                let guard = self.guard(column)?;
                let reference = self.reference(column)?;
                let values = values.iter().map(parameter).collect::<Result<_, _>>()?;
                let place = self.parameters.push(Parameter::List(values));
                let list = match column.data_type {
                    datafusion::arrow::datatypes::DataType::Date32 => {
                        format!("[d IN {place} | date(d)]")
                    }
                    _ => place,
                };
                Ok(guarded(guard, &format!("{reference} IN {list}")))
            }
            Predicate::IsNull(column) => match self.guard(column)? {
                Some(guard) => Ok(format!("NOT ({guard})")),
                None => Ok("false".to_owned()),
            },
            Predicate::IsNotNull(column) => {
                Ok(self.guard(column)?.unwrap_or_else(|| "true".to_owned()))
            }
            Predicate::And(parts) => self.combine(parts, " AND "),
            Predicate::Or(parts) => self.combine(parts, " OR "),
        }
    }

    fn combine(&mut self, parts: &[Predicate<'_>], with: &str) -> Result<String, Refusal> {
        let parts = parts.iter().map(|part| self.predicate(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("({})", parts.join(with)))
    }

    fn compare(
        &mut self,
        column: &ColumnDescription,
        comparison: Comparison,
        value: &ScalarValue,
    ) -> Result<String, Refusal> {
        let shape = detail(column)?.shape;
        let equality = comparison == Comparison::Equal;
        if !equality && matches!(shape, Shape::Text | Shape::Boolean) {
            return Err(Refusal::new(format!("{shape:?} is not ordered alike")));
        }
        let guard = self.guard(column)?;
        let reference = self.reference(column)?;
        let place = self.parameters.push(parameter(value)?);
        let place = if shape == Shape::Date { format!("date({place})") } else { place };
        let comparison_text = format!("{reference} {} {place}", comparison.symbol());
        let upward = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        if shape == Shape::Double && upward {
            return Ok(guarded(guard, &format!("({comparison_text} OR isNaN({reference}))")));
        }
        Ok(guarded(guard, &comparison_text))
    }

    /// The test for the values that are read as such; none for ids, which always are.
    fn guard(&mut self, column: &ColumnDescription) -> Result<Option<String>, Refusal> {
        let Detail { part, shape, as_text } = detail(column)?;
        if part != Part::Property {
            return Ok(None);
        }
        let kind = cypher_type(&shape)
            .filter(|_| !as_text)
            .ok_or_else(|| Refusal::new(format!("{shape:?} is not compared in Neo4j")))?;
        let reference = self.reference(column)?;
        Ok(Some(format!("{reference} IS :: {kind} NOT NULL")))
    }
}

fn guarded(guard: Option<String>, comparison: &str) -> String {
    match guard {
        Some(guard) => format!("({guard} AND {comparison})"),
        None => comparison.to_owned(),
    }
}

fn parameter(value: &ScalarValue) -> Result<Parameter, Refusal> {
    match value {
        ScalarValue::Boolean(Some(value)) => Ok(Parameter::Boolean(*value)),
        ScalarValue::Int64(Some(value)) => Ok(Parameter::Integer(*value)),
        ScalarValue::Float64(Some(value)) if *value != 0.0 && value.is_finite() => {
            Ok(Parameter::Float(*value))
        }
        ScalarValue::Utf8(Some(text)) => Ok(Parameter::Text(text.clone())),
        ScalarValue::Date32(Some(_)) => {
            let text = value.to_string();
            if text.len() != 10 || text.starts_with("0000") {
                return Err(Refusal::new("a day before the year 1 or after 9999"));
            }
            Ok(Parameter::Text(text))
        }
        other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
    }
}

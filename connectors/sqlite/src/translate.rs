//! SQLite's dialect: what goes down, and why it means the same there.
//!
//! A stored value may be of any class, and one of another class than the column's is read as NULL. So every
//! comparison is guarded by `typeof`, which leaves indexes usable. Text is compared by bytes under `COLLATE BINARY`,
//! whatever the column's own collation. Days and decimals are compared as they are stored, which keeps all rows that
//! SQL keeps and perhaps values that are then read as NULL: a superset, applied again above.

use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::Comparison;
use medley_core::sql::{Condition, Dialect, Operand, Parameter, Statement, emit, quote};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::types::Detail;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) statement: Statement,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Shape)>,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let (selection, statement, exact) = emit(&Sqlite, fragment, capabilities)?;
    let columns = selection
        .columns
        .iter()
        .map(|index| {
            let column = &selection.table.columns[*index];
            Ok((column.name.clone(), detail(column)?.shape))
        })
        .collect::<Result<_, Refusal>>()?;
    let schema = selection.table.schema_of(selection.columns.iter().copied());
    let text = statement.display();
    let plan = Plan { statement, table: selection.table.name.clone(), columns };
    let query = RemoteQuery::new(text, schema, &plan)?;
    Ok(if exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

fn detail(column: &ColumnDescription) -> Result<Detail, Refusal> {
    Detail::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

struct Sqlite;

/// Decimals of more digits are not all different as floats.
const EXACT_DIGITS: u32 = 15;

impl Dialect for Sqlite {
    fn placeholder(&self, index: usize) -> String {
        format!("?{index}")
    }

    fn table(&self, name: &TableName) -> String {
        quote(&name.table)
    }

    fn operand(
        &self,
        column: &ColumnDescription,
        comparison: Comparison,
    ) -> Result<Operand, Refusal> {
        let Detail { shape, utf8 } = detail(column)?;
        let name = quote(&column.name);
        let of = |class: &str, exact| Operand {
            text: name.clone(),
            guard: Some(format!("typeof({name}) = '{class}'")),
            exact,
        };
        match shape {
            Shape::Int64 => Ok(of("integer", true)),
            // Other integers than 0 and 1 are NULL, and equal to neither.
            Shape::Boolean if comparison == Comparison::Equal => Ok(of("integer", true)),
            Shape::Text if comparison == Comparison::Equal || utf8 => {
                Ok(Operand { text: format!("{name} COLLATE BINARY"), ..of("text", true) })
            }
            Shape::Date => Ok(of("text", false)),
            Shape::Decimal(..) => Ok(Operand { text: name.clone(), guard: None, exact: false }),
            Shape::Double => {
                Err(Refusal::new("floats may be stored as integers, which compare otherwise"))
            }
            other => Err(Refusal::new(format!("{other:?} is not compared in SQLite"))),
        }
    }

    fn literal(
        &self,
        _column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        match value {
            ScalarValue::Int64(Some(value)) => Ok(value.to_string()),
            ScalarValue::Boolean(Some(value)) => Ok(i32::from(*value).to_string()),
            ScalarValue::Utf8(Some(text)) => {
                parameters.push(Parameter::Text(text.clone()));
                Ok(self.placeholder(parameters.len()))
            }
            ScalarValue::Date32(Some(_)) => {
                let text = value.to_string();
                // Years beyond 9999 or before 0 are not in the form that is compared.
                if text.len() != 10 {
                    return Err(Refusal::new("a day that SQLite's text form cannot hold"));
                }
                Ok(format!("'{text}'"))
            }
            ScalarValue::Decimal128(Some(unscaled), _, scale) => {
                let digits = unscaled.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
                let scale = u32::try_from(*scale).map_err(|_| Refusal::new("a negative scale"))?;
                if digits > EXACT_DIGITS || scale > EXACT_DIGITS {
                    return Err(Refusal::new("a decimal with more digits than a float keeps"));
                }
                let value = format!("{unscaled}e-{scale}")
                    .parse()
                    .map_err(|_| Refusal::new("an unreadable decimal"))?;
                parameters.push(Parameter::Real(value));
                Ok(self.placeholder(parameters.len()))
            }
            other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
        }
    }

    fn null_test(&self, column: &ColumnDescription, is_null: bool) -> Result<Condition, Refusal> {
        let class = match detail(column)?.shape {
            Shape::Int64 => "integer",
            Shape::Binary => "blob",
            other => {
                return Err(Refusal::new(format!(
                    "which {other:?} values are read as NULL shows only here"
                )));
            }
        };
        let comparison = if is_null { "<>" } else { "=" };
        Ok(Condition::exact(format!("typeof({}) {comparison} '{class}'", quote(&column.name))))
    }
}

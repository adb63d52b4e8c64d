//! The dialect of DataFusion itself: what goes down means the same, because the same engine runs it.

use datafusion::scalar::ScalarValue;
use medley_core::predicate::Comparison;
use medley_core::sql::{Dialect, Operand, Parameter, Statement, emit, quote};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::types::Source;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) statement: Statement,
    pub(crate) table: String,
    pub(crate) source: Source,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let (selection, statement, exact) = emit(&DataFusion, fragment, capabilities)?;
    let schema = selection.table.schema_of(selection.columns.iter().copied());
    let source = Source::deserialize(&selection.table.detail)
        .map_err(|error| Refusal::new(error.to_string()))?;
    let text = statement.display();
    let plan = Plan { statement, table: selection.table.name.table.clone(), source };
    let query = RemoteQuery::new(text, schema, &plan)?;
    Ok(if exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

struct DataFusion;

impl Dialect for DataFusion {
    fn placeholder(&self, index: usize) -> String {
        format!("${index}")
    }

    fn table(&self, name: &TableName) -> String {
        quote(&name.table)
    }

    fn operand(
        &self,
        column: &ColumnDescription,
        _comparison: Comparison,
    ) -> Result<Operand, Refusal> {
        Ok(Operand { text: quote(&column.name), guard: None, exact: true })
    }

    fn literal(
        &self,
        _column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        match value {
            ScalarValue::Int8(_)
            | ScalarValue::Int16(_)
            | ScalarValue::Int32(_)
            | ScalarValue::Int64(_)
            | ScalarValue::UInt8(_)
            | ScalarValue::UInt16(_)
            | ScalarValue::UInt32(_)
            | ScalarValue::Boolean(_) => Ok(value.to_string()),
            ScalarValue::Date32(_) => Ok(format!("DATE '{value}'")),
            ScalarValue::Decimal128(_, precision, scale) if *scale >= 0 => {
                Ok(format!("CAST('{}' AS DECIMAL({precision},{scale}))", decimal_text(value)?))
            }
            ScalarValue::Float64(Some(real)) if real.is_finite() => {
                parameters.push(Parameter::Real(*real));
                Ok(self.placeholder(parameters.len()))
            }
            ScalarValue::Utf8(Some(text)) => {
                parameters.push(Parameter::Text(text.clone()));
                Ok(self.placeholder(parameters.len()))
            }
            other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
        }
    }
}

fn decimal_text(value: &ScalarValue) -> Result<String, Refusal> {
    let array = value.to_array().map_err(|error| Refusal::new(error.to_string()))?;
    datafusion::arrow::util::display::array_value_to_string(&array, 0)
        .map_err(|error| Refusal::new(error.to_string()))
}

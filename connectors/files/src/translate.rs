//! The dialect of DataFusion itself: what goes down means the same, because the same engine runs it.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::Operator;
use datafusion::scalar::ScalarValue;
use medley_core::predicate::Comparison;
use medley_core::sql::{
    Call, Condition, Dialect, Form, Operand, Parameter, Statement, Value, emit, quote,
};
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
    let selection = fragment.as_selection()?;
    let emitted = emit(&DataFusion, fragment, capabilities)?;
    let (statement, exact) = (emitted.statement, emitted.exact);
    let schema = selection.table.schema_of(selection.columns.iter().copied());
    let source = Source::deserialize(&selection.table.detail)
        .map_err(|error| Refusal::new(error.to_string()))?;
    let text = statement.display();
    let plan = Plan { statement, table: selection.table.name.table.clone(), source };
    let query = RemoteQuery::new(text, schema, &plan)?;
    Ok(if exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

/// Files are read by the same engine, in the same process, as computes the rest.
const NOT_BETTER: &str = "files are read here, and computing on them is done above";

struct DataFusion;

impl Dialect for DataFusion {
    fn placeholder(&self, index: usize) -> String {
        format!("${index}")
    }

    fn table(&self, name: &TableName) -> String {
        quote(&name.table)
    }

    fn output(&self, value: &Value) -> Result<String, Refusal> {
        Ok(value.text.clone())
    }

    fn form(&self, _column: &ColumnDescription, text: &str) -> Result<Form, Refusal> {
        Ok(Form::always(text))
    }

    fn operand(
        &self,
        _column: &ColumnDescription,
        text: &str,
        _comparison: Comparison,
    ) -> Result<Operand, Refusal> {
        Ok(Operand { text: text.to_owned(), guard: None, exact: true })
    }

    fn operand_literal(
        &self,
        column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        if value.data_type() != column.data_type {
            return Err(Refusal::new(format!("a {} literal", value.data_type())));
        }
        self.literal(value, parameters)
    }

    fn null_test(
        &self,
        _column: &ColumnDescription,
        text: &str,
        is_null: bool,
    ) -> Result<Condition, Refusal> {
        let not = if is_null { "" } else { "NOT " };
        Ok(Condition::exact(format!("{text} IS {not}NULL")))
    }

    fn literal(
        &self,
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

    fn compare(
        &self,
        left: &str,
        operator: Operator,
        right: &str,
        _data_type: &DataType,
    ) -> Result<String, Refusal> {
        Ok(format!("{left} {operator} {right}"))
    }

    fn arithmetic(
        &self,
        _left: &Value,
        _operator: Operator,
        _right: &Value,
        _data_type: &DataType,
    ) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }

    fn cast(&self, _text: &str, _from: &DataType, _to: &DataType) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }

    fn function(&self, _call: &Call<'_>) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }

    fn like(&self, _text: &str, _pattern: &str, _negated: bool) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }

    fn aggregate(&self, _call: &Call<'_>) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }

    fn group_key(&self, _text: &str, _data_type: &DataType) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }

    fn sort_key(
        &self,
        _text: &str,
        _data_type: &DataType,
        _ascending: bool,
        _nulls_first: bool,
    ) -> Result<String, Refusal> {
        Err(Refusal::new(NOT_BETTER))
    }
}

fn decimal_text(value: &ScalarValue) -> Result<String, Refusal> {
    let array = value.to_array().map_err(|error| Refusal::new(error.to_string()))?;
    datafusion::arrow::util::display::array_value_to_string(&array, 0)
        .map_err(|error| Refusal::new(error.to_string()))
}

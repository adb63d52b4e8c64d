//! SQLite's dialect: what goes down, and why it means the same there.
//!
//! * A stored value may be of any class, and one of another class than the column's is read as NULL. So every value is
//!   guarded by `typeof`, which leaves indexes usable.
//! * Text is compared, grouped and ordered by bytes under `COLLATE BINARY`, whatever the column's own collation.
//! * Days are text. One that is not a day in canonical form is read as NULL: `date()` gives back only those.
//! * Decimals are stored as floats and compared as such, which keeps all rows that SQL keeps and perhaps values that are
//!   then read as NULL: a superset, applied again above. Nothing is computed from them there.
//! * Integer arithmetic turns into floats where it overflows, and LIKE folds case: both stay here. A sum of integers
//!   fails on overflow, and so may go down.

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::JoinType;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::Comparison;
use medley_core::sql::{
    Call, Condition, Dialect, Form, Operand, Parameter, Statement, Value, emit, quote,
};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
    capabilities,
};
use serde::{Deserialize, Serialize};

use crate::types::Detail;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) statement: Statement,
    /// The table of the answer's stored columns, for reports.
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Shape)>,
    /// Which columns are computed, so that a value that does not fit is an error.
    pub(crate) computed: Vec<bool>,
}

pub(crate) fn capabilities() -> Capabilities {
    use capabilities::Operator::{Aggregate, Join, Sort, Union};
    let mut selection = Capabilities::selection();
    selection.predicates.remove(&capabilities::PredicateForm::Like);
    selection
        .with_operators([Aggregate, Join, Sort, Union])
        .with_functions(&["coalesce", "nullif"])
        .with_aggregates(&["count", "max", "min", "sum"])
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    check_joins(fragment)?;
    let emitted = emit(&Sqlite, fragment, capabilities)?;
    let (mut columns, mut computed, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in &emitted.outputs {
        let shape = match &value.stored {
            Some(column) => detail(column)?.shape,
            None => shape(&value.data_type)?,
        };
        fields.push(Field::new(name, shape.data_type(), true));
        columns.push((name.clone(), shape));
        computed.push(value.stored.is_none());
    }
    let table = fragment.first_table().map(|table| table.name.clone());
    let table = table.ok_or_else(|| Refusal::new("nothing is read"))?;
    let text = emitted.statement.display();
    let plan = Plan { statement: emitted.statement, table, columns, computed };
    let query = RemoteQuery::new(text, Schema::new(fields).into(), &plan)?;
    Ok(if emitted.exact { Pushdown::Exact(query) } else { Pushdown::Superset(query) })
}

/// SQLite knows no hash join: without an index it reads one side anew for each row of the other.
fn check_joins(fragment: &Fragment) -> Result<(), Refusal> {
    if let Fragment::Join { left, right, kind, on, .. } = fragment {
        let serves = on.iter().any(|(l, r)| {
            is_indexed(right, r) || (*kind == JoinType::Inner && is_indexed(left, l))
        });
        if !serves {
            return Err(Refusal::new("no index serves the join, and SQLite has no hash join"));
        }
    }
    fragment.inputs().into_iter().try_for_each(check_joins)
}

/// Whether the expression is the first column of a table's primary key.
fn is_indexed(fragment: &Fragment, expression: &Expr) -> bool {
    let Expr::Column(column) = expression else { return false };
    match fragment {
        Fragment::Scan(table) => table.key.first() == Some(&column.name),
        Fragment::Filter { input, .. } => is_indexed(input, expression),
        Fragment::Project { input, expressions } => {
            expressions.iter().any(|(inner, name)| *name == column.name && is_indexed(input, inner))
        }
        Fragment::Aggregate { .. }
        | Fragment::Sort { .. }
        | Fragment::Limit { .. }
        | Fragment::Join { .. }
        | Fragment::Union(_)
        | Fragment::Unnest { .. } => false,
    }
}

fn detail(column: &ColumnDescription) -> Result<Detail, Refusal> {
    Detail::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

/// How a computed value is read.
fn shape(data_type: &DataType) -> Result<Shape, Refusal> {
    match data_type {
        DataType::Boolean => Ok(Shape::Boolean),
        DataType::Int32 | DataType::Int64 => Ok(Shape::Int64),
        DataType::Float64 => Ok(Shape::Double),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Shape::Text),
        DataType::Binary => Ok(Shape::Binary),
        DataType::Date32 => Ok(Shape::Date),
        other => Err(Refusal::new(format!("a computed {other} has no form in SQLite"))),
    }
}

struct Sqlite;

/// Decimals of more digits are not all different as floats.
const EXACT_DIGITS: u32 = 15;
/// Integers beyond this are not all floats.
const EXACT_INTEGER_MAX: u64 = 1 << 53;

impl Dialect for Sqlite {
    fn placeholder(&self, index: usize) -> String {
        format!("?{index}")
    }

    fn table(&self, name: &TableName) -> String {
        quote(&name.table)
    }

    fn output(&self, value: &Value) -> Result<String, Refusal> {
        Ok(value.text.clone())
    }

    fn form(&self, column: &ColumnDescription, text: &str) -> Result<Form, Refusal> {
        let Detail { shape, utf8 } = detail(column)?;
        let class = |name: &str| Form {
            text: text.to_owned(),
            fit: Some(format!("typeof({text}) = '{name}'")),
        };
        match shape {
            Shape::Int64 => Ok(class("integer")),
            Shape::Binary => Ok(class("blob")),
            Shape::Text if utf8 => Ok(class("text")),
            Shape::Boolean => Ok(Form {
                text: text.to_owned(),
                fit: Some(format!("(typeof({text}) = 'integer' AND {text} IN (0, 1))")),
            }),
            Shape::Double => Ok(Form {
                text: format!("CAST({text} AS REAL)"),
                fit: Some(format!(
                    "(typeof({text}) = 'real' OR (typeof({text}) = 'integer' \
                     AND {text} BETWEEN -{EXACT_INTEGER_MAX} AND {EXACT_INTEGER_MAX}))"
                )),
            }),
            Shape::Date => Ok(Form {
                text: text.to_owned(),
                fit: Some(format!(
                    "(typeof({text}) = 'text' AND length({text}) = 10 AND coalesce(date({text}) = {text}, 0))"
                )),
            }),
            other => Err(Refusal::new(format!("{other:?} is not computed with in SQLite"))),
        }
    }

    fn operand(
        &self,
        column: &ColumnDescription,
        text: &str,
        comparison: Comparison,
    ) -> Result<Operand, Refusal> {
        let Detail { shape, utf8 } = detail(column)?;
        let of = |class: &str, exact| Operand {
            text: text.to_owned(),
            guard: Some(format!("typeof({text}) = '{class}'")),
            exact,
        };
        match shape {
            Shape::Int64 => Ok(of("integer", true)),
            // Other integers than 0 and 1 are NULL, and equal to neither.
            Shape::Boolean if comparison == Comparison::Equal => Ok(of("integer", true)),
            Shape::Text if comparison == Comparison::Equal || utf8 => {
                Ok(Operand { text: format!("{text} COLLATE BINARY"), ..of("text", true) })
            }
            Shape::Date => {
                let Form { text, fit } = self.form(column, text)?;
                Ok(Operand { text, guard: fit, exact: true })
            }
            Shape::Decimal(..) => Ok(Operand { text: text.to_owned(), guard: None, exact: false }),
            Shape::Double => {
                Err(Refusal::new("floats may be stored as integers, which compare otherwise"))
            }
            other => Err(Refusal::new(format!("{other:?} is not compared in SQLite"))),
        }
    }

    fn operand_literal(
        &self,
        column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        let shape = detail(column)?.shape;
        match value {
            ScalarValue::Decimal128(Some(unscaled), _, scale)
                if matches!(shape, Shape::Decimal(..)) =>
            {
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
            value if value.data_type() == column.data_type => self.literal(value, parameters),
            other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
        }
    }

    fn null_test(
        &self,
        column: &ColumnDescription,
        text: &str,
        is_null: bool,
    ) -> Result<Condition, Refusal> {
        let form = self.form(column, text)?;
        let fit = form.fit.unwrap_or_else(|| "1".to_owned());
        Ok(Condition::exact(if is_null { format!("NOT ({fit})") } else { fit }))
    }

    fn literal(
        &self,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal> {
        match value {
            value if value.is_null() => Ok("NULL".to_owned()),
            ScalarValue::Int64(Some(i64::MIN)) => Err(Refusal::new("the least integer")),
            ScalarValue::Int64(Some(value)) => Ok(value.to_string()),
            ScalarValue::Int32(Some(value)) => Ok(value.to_string()),
            ScalarValue::Boolean(Some(value)) => Ok(i32::from(*value).to_string()),
            ScalarValue::Float64(Some(value)) if *value != 0.0 && value.is_finite() => {
                parameters.push(Parameter::Real(*value));
                Ok(self.placeholder(parameters.len()))
            }
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)) => {
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
            other => Err(Refusal::new(format!("a {} literal", other.data_type()))),
        }
    }

    fn compare(
        &self,
        left: &str,
        operator: Operator,
        right: &str,
        data_type: &DataType,
    ) -> Result<String, Refusal> {
        let collation = match shape(data_type)? {
            Shape::Double => {
                return Err(Refusal::new("floats that may both be zero are not compared alike"));
            }
            Shape::Text | Shape::Date => " COLLATE BINARY",
            _ => "",
        };
        Ok(format!("{left}{collation} {operator} {right}"))
    }

    fn arithmetic(
        &self,
        _left: &Value,
        _operator: Operator,
        _right: &Value,
        _data_type: &DataType,
    ) -> Result<String, Refusal> {
        Err(Refusal::new("arithmetic turns into floats where it overflows"))
    }

    fn cast(&self, text: &str, from: &DataType, to: &DataType) -> Result<String, Refusal> {
        match (from, to) {
            (DataType::Int32 | DataType::Int64, DataType::Int64) => Ok(text.to_owned()),
            (DataType::Int32 | DataType::Int64, DataType::Float64) => {
                Ok(format!("CAST({text} AS REAL)"))
            }
            (DataType::Int64, DataType::Utf8 | DataType::Utf8View) => {
                Ok(format!("CAST({text} AS TEXT)"))
            }
            (DataType::Null, _) => Ok(text.to_owned()),
            (from, to) if shape(from)? == Shape::Text && shape(to)? == Shape::Text => {
                Ok(text.to_owned())
            }
            _ => Err(Refusal::new(format!("a conversion of {from} to {to}"))),
        }
    }

    fn function(&self, call: &Call<'_>) -> Result<String, Refusal> {
        let texts: Vec<_> = call.arguments.iter().map(|argument| argument.text.as_str()).collect();
        match (call.name, call.arguments) {
            // SQLite's own takes two arguments at least.
            ("coalesce", [_, _, ..]) => Ok(format!("coalesce({})", texts.join(", "))),
            ("nullif", [left, right]) => {
                let equal = self.compare(&left.text, Operator::Eq, &right.text, &left.data_type)?;
                Ok(format!("CASE WHEN {equal} THEN NULL ELSE {} END", left.text))
            }
            _ => Err(Refusal::new(format!("{} with such arguments", call.name))),
        }
    }

    fn like(&self, _text: &str, _pattern: &str, _negated: bool) -> Result<String, Refusal> {
        Err(Refusal::new("LIKE folds case in SQLite"))
    }

    fn aggregate(&self, call: &Call<'_>) -> Result<String, Refusal> {
        let Call { name, literals, distinct, filter, .. } = call;
        let [argument] = call.arguments else {
            return Err(Refusal::new(format!("{name} of several arguments")));
        };
        let constant = literals.first().is_some_and(|l| l.as_ref().is_some_and(|l| !l.is_null()));
        let kind = shape(&argument.data_type)?;
        let word = if *distinct { "DISTINCT " } else { "" };
        let text = &argument.text;
        match (*name, kind) {
            ("count", _) if constant && !distinct => Ok(format!("count(*){filter}")),
            (_, Shape::Double) if *distinct => Err(Refusal::new("distinct floats")),
            ("count", Shape::Text | Shape::Date) if *distinct => {
                Ok(format!("count(DISTINCT {text} COLLATE BINARY){filter}"))
            }
            ("count", _) => Ok(format!("count({word}{text}){filter}")),
            ("sum", Shape::Int64 | Shape::Double) => Ok(format!("sum({word}{text}){filter}")),
            ("min" | "max", Shape::Text | Shape::Date) => {
                Ok(format!("{name}({text} COLLATE BINARY){filter}"))
            }
            ("min" | "max", Shape::Int64) => Ok(format!("{name}({text}){filter}")),
            (_, kind) => Err(Refusal::new(format!("{name} of {kind:?}"))),
        }
    }

    fn group_key(&self, text: &str, data_type: &DataType) -> Result<String, Refusal> {
        match shape(data_type)? {
            Shape::Double => {
                Err(Refusal::new("floats as grouping keys: -0.0 and 0.0 are one there"))
            }
            Shape::Text | Shape::Date => Ok(format!("{text} COLLATE BINARY")),
            _ => Ok(text.to_owned()),
        }
    }

    fn sort_key(
        &self,
        text: &str,
        data_type: &DataType,
        ascending: bool,
        nulls_first: bool,
    ) -> Result<String, Refusal> {
        let collation = match shape(data_type)? {
            Shape::Text | Shape::Date => " COLLATE BINARY",
            _ => "",
        };
        let direction = if ascending { "ASC" } else { "DESC" };
        let nulls = if nulls_first { "FIRST" } else { "LAST" };
        // A bare literal would be a column's position.
        Ok(format!("({text}){collation} {direction} NULLS {nulls}"))
    }
}

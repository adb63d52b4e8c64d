//! What one store's SQL is like.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::Operator;
use datafusion::scalar::ScalarValue;

use super::{Parameter, Value, quote};
use crate::predicate::Comparison;
use crate::{ColumnDescription, Refusal, TableName};

/// A condition, and whether it is true for the very rows that SQL keeps, or for some more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its text.
    pub text: String,
    /// Whether it needs no check above.
    pub exact: bool,
}

impl Condition {
    /// A condition that needs no check above.
    #[must_use]
    pub fn exact(text: String) -> Self {
        Self { text, exact: true }
    }
}

/// A stored column as the left side of a comparison with a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The left side.
    pub text: String,
    /// What must hold besides, such as the type of the stored value.
    pub guard: Option<String>,
    /// Whether the comparison is then exact.
    pub exact: bool,
}

/// A stored column as a value of its Arrow type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The value.
    pub text: String,
    /// True for the values that are read as such, and not as NULL; none if that is all of them.
    pub fit: Option<String>,
}

impl Form {
    /// A column of which every value is read.
    #[must_use]
    pub fn always(text: impl Into<String>) -> Self {
        Self { text: text.into(), fit: None }
    }

    /// The value, NULL where it is read as NULL.
    #[must_use]
    pub fn clean(&self) -> String {
        match &self.fit {
            Some(fit) => format!("CASE WHEN {fit} THEN {} END", self.text),
            None => self.text.clone(),
        }
    }
}

/// A call of a scalar or aggregate function, its arguments clean values.
#[derive(Debug)]
pub struct Call<'a> {
    /// DataFusion's name of the function.
    pub name: &'a str,
    /// The arguments.
    pub arguments: &'a [Value],
    /// Literals among the arguments, by position.
    pub literals: &'a [Option<ScalarValue>],
    /// The type of the result.
    pub data_type: &'a DataType,
    /// Whether an aggregate takes each value once.
    pub distinct: bool,
    /// What follows an aggregate's call: its FILTER, or nothing.
    pub filter: &'a str,
}

/// How one store writes SQL.
///
/// Every method that can refuse must refuse what does not mean the same in the store.
pub trait Dialect {
    /// The placeholder of the `index`-th parameter, from 1.
    fn placeholder(&self, index: usize) -> String;

    /// The table as it stands after FROM.
    fn table(&self, name: &TableName) -> String {
        format!("{}.{}", quote(&name.schema), quote(&name.table))
    }

    /// A value as it stands in the outermost SELECT list.
    ///
    /// # Errors
    /// A refusal if its type has no form on the wire.
    fn output(&self, value: &Value) -> Result<String, Refusal>;

    /// A stored column, written as `text`, as a value to compute with.
    ///
    /// # Errors
    /// A refusal if the store cannot tell which values are read as NULL.
    fn form(&self, column: &ColumnDescription, text: &str) -> Result<Form, Refusal>;

    /// A stored column, written as `text`, as the left side of a comparison with a literal, so that indexes serve.
    ///
    /// # Errors
    /// A refusal if the store compares this type in another way than SQL does.
    fn operand(
        &self,
        column: &ColumnDescription,
        text: &str,
        comparison: Comparison,
    ) -> Result<Operand, Refusal>;

    /// A literal that is compared with a stored column; text and bytes go into `parameters`.
    ///
    /// # Errors
    /// A refusal if the store cannot hold the value, so that comparing would fail.
    fn operand_literal(
        &self,
        column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal>;

    /// `IS NULL`, or `IS NOT NULL`, of a stored column.
    ///
    /// # Errors
    /// A refusal if the store cannot tell which values are read as NULL.
    fn null_test(
        &self,
        column: &ColumnDescription,
        text: &str,
        is_null: bool,
    ) -> Result<Condition, Refusal>;

    /// A literal in an expression. NULL has a type too.
    ///
    /// # Errors
    /// A refusal if the store has no such value.
    fn literal(
        &self,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal>;

    /// A comparison of two values of one type, under SQL's logic.
    ///
    /// # Errors
    /// A refusal if the store compares this type in another way than SQL does.
    fn compare(
        &self,
        left: &str,
        operator: Operator,
        right: &str,
        data_type: &DataType,
    ) -> Result<String, Refusal>;

    /// `+`, `-` and `*` of two values of one kind.
    ///
    /// # Errors
    /// A refusal if the store computes in another way.
    fn arithmetic(
        &self,
        left: &Value,
        operator: Operator,
        right: &Value,
        data_type: &DataType,
    ) -> Result<String, Refusal>;

    /// A conversion.
    ///
    /// # Errors
    /// A refusal if it is not exactly DataFusion's.
    fn cast(&self, text: &str, from: &DataType, to: &DataType) -> Result<String, Refusal>;

    /// A scalar function.
    ///
    /// # Errors
    /// A refusal if the store has none of the same meaning.
    fn function(&self, call: &Call<'_>) -> Result<String, Refusal>;

    /// LIKE with a pattern that holds no escape.
    ///
    /// # Errors
    /// A refusal if the store matches in another way.
    fn like(&self, text: &str, pattern: &str, negated: bool) -> Result<String, Refusal>;

    /// An aggregate function, with its FILTER right after the call.
    ///
    /// # Errors
    /// A refusal if the store has none of the same meaning.
    fn aggregate(&self, call: &Call<'_>) -> Result<String, Refusal>;

    /// A value as a grouping key.
    ///
    /// # Errors
    /// A refusal if equal values of this type are not the same value.
    fn group_key(&self, text: &str, data_type: &DataType) -> Result<String, Refusal>;

    /// A value in ORDER BY.
    ///
    /// # Errors
    /// A refusal if the store orders this type in another way.
    fn sort_key(
        &self,
        text: &str,
        data_type: &DataType,
        ascending: bool,
        nulls_first: bool,
    ) -> Result<String, Refusal>;
}

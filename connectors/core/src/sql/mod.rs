//! The emitter for stores that speak SQL.
//!
//! A [`Dialect`] says how one store writes names, outputs and comparisons; the emitter puts them together from a
//! fragment. Text and bytes of the query become parameters; numbers, days and times are written by the dialect from
//! their typed values, so that no text of the user's ever becomes part of a statement.

use serde::{Deserialize, Serialize};

use datafusion::scalar::ScalarValue;

use crate::fragment::Selection;
use crate::predicate::{Comparison, Predicate};
use crate::{Capabilities, ColumnDescription, Fragment, Refusal, TableName};

/// A value that travels beside the statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A finite float.
    Real(f64),
}

/// A statement and its parameters, in the order of their placeholders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The text.
    pub text: String,
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

impl Statement {
    /// The statement and its parameters, for EXPLAIN.
    #[must_use]
    pub fn display(&self) -> String {
        if self.parameters.is_empty() {
            return self.text.clone();
        }
        let shown: Vec<_> = self
            .parameters
            .iter()
            .map(|parameter| match parameter {
                Parameter::Text(text) => format!("{text:?}"),
                Parameter::Binary(bytes) => format!("{} bytes", bytes.len()),
                Parameter::Real(value) => value.to_string(),
            })
            .collect();
        format!("{} [{}]", self.text, shown.join(", "))
    }
}

/// A condition over one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its text.
    pub text: String,
    /// Whether it is true for the very rows that SQL keeps, or for some more.
    pub exact: bool,
}

impl Condition {
    /// A condition that needs no check above.
    #[must_use]
    pub fn exact(text: String) -> Self {
        Self { text, exact: true }
    }
}

/// How a column is named in a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The left side.
    pub text: String,
    /// What must hold besides, such as the type of the stored value.
    pub guard: Option<String>,
    /// Whether the comparison is then exact.
    pub exact: bool,
}

/// How one store writes SQL.
pub trait Dialect {
    /// The placeholder of the `index`-th parameter, from 1.
    fn placeholder(&self, index: usize) -> String;

    /// The table as it stands after FROM.
    fn table(&self, name: &TableName) -> String {
        format!("{}.{}", quote(&name.schema), quote(&name.table))
    }

    /// The column as it stands in the SELECT list.
    fn output(&self, column: &ColumnDescription) -> String {
        quote(&column.name)
    }

    /// The column as the left side of a comparison with some value.
    ///
    /// # Errors
    /// A refusal if the store compares this type in another way than SQL does.
    fn operand(
        &self,
        column: &ColumnDescription,
        comparison: Comparison,
    ) -> Result<Operand, Refusal>;

    /// A value as the right side; text and bytes go into `parameters`.
    ///
    /// # Errors
    /// A refusal if the store cannot hold the value, so that comparing would fail.
    fn literal(
        &self,
        column: &ColumnDescription,
        value: &ScalarValue,
        parameters: &mut Vec<Parameter>,
    ) -> Result<String, Refusal>;

    /// `IS NULL`, or `IS NOT NULL`.
    ///
    /// # Errors
    /// A refusal if the store cannot tell which values are read as NULL.
    fn null_test(&self, column: &ColumnDescription, is_null: bool) -> Result<Condition, Refusal> {
        let negation = if is_null { "" } else { "NOT " };
        Ok(Condition::exact(format!("{} IS {negation}NULL", quote(&column.name))))
    }
}

/// A quoted identifier.
#[must_use]
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A fragment as one SELECT, and whether its filters are exact.
///
/// # Errors
/// The refusal of the part that has no exact form.
pub fn emit<'a>(
    dialect: &impl Dialect,
    fragment: &'a Fragment,
    capabilities: &Capabilities,
) -> Result<(Selection<'a>, Statement, bool), Refusal> {
    let selection = fragment.as_selection()?;
    let mut emitter = Emitter { dialect, parameters: Vec::new() };
    let outputs: Vec<_> =
        selection.columns.iter().map(|i| dialect.output(&selection.table.columns[*i])).collect();
    // A statement must select something, also when only the number of rows is asked for.
    let outputs = if outputs.is_empty() { "1".to_owned() } else { outputs.join(", ") };
    let mut text = format!("SELECT {outputs} FROM {}", dialect.table(&selection.table.name));
    let mut exact = true;
    for (index, filter) in selection.filters.iter().enumerate() {
        let condition =
            emitter.predicate(&Predicate::parse(filter, selection.table, capabilities)?)?;
        exact &= condition.exact;
        text.push_str(if index == 0 { " WHERE " } else { " AND " });
        text.push_str(&condition.text);
    }
    if let Some(fetch) = selection.fetch {
        text.push_str(&format!(" LIMIT {fetch}"));
    }
    if selection.skip > 0 {
        text.push_str(&format!(" OFFSET {}", selection.skip));
    }
    Ok((selection, Statement { text, parameters: emitter.parameters }, exact))
}

struct Emitter<'d, D> {
    dialect: &'d D,
    parameters: Vec<Parameter>,
}

impl<D: Dialect> Emitter<'_, D> {
    fn predicate(&mut self, predicate: &Predicate<'_>) -> Result<Condition, Refusal> {
        match predicate {
            Predicate::Compare(column, comparison, value) => {
                let operand = self.dialect.operand(column, *comparison)?;
                let literal = self.literal(column, value)?;
                Ok(guarded(
                    &operand,
                    &format!("{} {} {literal}", operand.text, comparison.symbol()),
                ))
            }
            Predicate::InList(column, values) => {
                let operand = self.dialect.operand(column, Comparison::Equal)?;
                let literals = values
                    .iter()
                    .map(|v| self.literal(column, v))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(guarded(&operand, &format!("{} IN ({})", operand.text, literals.join(", "))))
            }
            Predicate::IsNull(column) => self.dialect.null_test(column, true),
            Predicate::IsNotNull(column) => self.dialect.null_test(column, false),
            Predicate::And(parts) => self.combine(parts, " AND "),
            Predicate::Or(parts) => self.combine(parts, " OR "),
        }
    }

    fn combine(&mut self, parts: &[Predicate<'_>], with: &str) -> Result<Condition, Refusal> {
        let parts = parts.iter().map(|part| self.predicate(part)).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        Ok(Condition {
            text: format!("({})", texts.join(with)),
            exact: parts.iter().all(|part| part.exact),
        })
    }

    fn literal(
        &mut self,
        column: &ColumnDescription,
        value: &ScalarValue,
    ) -> Result<String, Refusal> {
        self.dialect.literal(column, value, &mut self.parameters)
    }
}

fn guarded(operand: &Operand, comparison: &str) -> Condition {
    let text = match &operand.guard {
        Some(guard) => format!("({guard} AND {comparison})"),
        None => comparison.to_owned(),
    };
    Condition { text, exact: operand.exact }
}

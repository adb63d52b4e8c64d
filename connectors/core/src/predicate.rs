//! The filters that may be pushed down, in one small form that every translator reads.
//!
//! A filter arrives as a DataFusion expression. [`Predicate::parse`] accepts the forms that have one meaning
//! everywhere and refuses the rest, so that a translator only has to know how its store says them. Negation is part of
//! the leaves (`<>`, NOT LIKE), which NULL never passes. So all of them are monotone: a leaf that lets too many rows pass
//! makes a whole that lets too many rows pass.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{InList, Like};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;

use crate::capabilities::PredicateForm;
use crate::{Capabilities, ColumnDescription, Refusal, TableDescription};

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn of(operator: Operator) -> Option<Self> {
        match operator {
            Operator::Eq => Some(Self::Equal),
            Operator::NotEq => Some(Self::NotEqual),
            Operator::Lt => Some(Self::Less),
            Operator::LtEq => Some(Self::LessOrEqual),
            Operator::Gt => Some(Self::Greater),
            Operator::GtEq => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    /// The comparison with its sides changed over.
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::NotEqual => Self::NotEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// Whether it tells values apart only, and does not order them.
    #[must_use]
    pub fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// The form that a store must take.
    pub(crate) fn form(self) -> PredicateForm {
        match self {
            Self::Equal => PredicateForm::Equal,
            Self::NotEqual => PredicateForm::NotEqual,
            _ => PredicateForm::Range,
        }
    }

    /// As SQL and Cypher write it.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A filter over the columns of one table. NULL compares as SQL says: to nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate<'a> {
    /// A column against a value of its own type, which is not NULL.
    Compare(&'a ColumnDescription, Comparison, ScalarValue),
    /// A column against a list of values of its own type, none of them NULL. The list is not empty.
    InList(&'a ColumnDescription, Vec<ScalarValue>),
    /// Text against a pattern of parts, and whether it must not match.
    Like(&'a ColumnDescription, Vec<PatternPart>, bool),
    /// `IS NULL`.
    IsNull(&'a ColumnDescription),
    /// `IS NOT NULL`.
    IsNotNull(&'a ColumnDescription),
    /// All are true.
    And(Vec<Predicate<'a>>),
    /// One is true.
    Or(Vec<Predicate<'a>>),
}

/// A part of a LIKE pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternPart {
    /// Text that stands for itself.
    Text(String),
    /// `_`: any one character.
    One,
    /// `%`: any number of any characters.
    Any,
}

/// Takes a pattern without escapes apart.
fn pattern_parts(pattern: &str) -> Vec<PatternPart> {
    let mut parts: Vec<PatternPart> = Vec::new();
    for c in pattern.chars() {
        match (c, parts.last_mut()) {
            ('%', Some(PatternPart::Any)) => {}
            ('%', _) => parts.push(PatternPart::Any),
            ('_', _) => parts.push(PatternPart::One),
            (c, Some(PatternPart::Text(text))) => text.push(c),
            (c, _) => parts.push(PatternPart::Text(c.to_string())),
        }
    }
    parts
}

impl<'a> Predicate<'a> {
    /// Reads an expression.
    ///
    /// # Errors
    /// A refusal that says which part has no pushable form, or is beyond the store's capabilities.
    pub fn parse(
        expression: &Expr,
        table: &'a TableDescription,
        capabilities: &Capabilities,
    ) -> Result<Self, Refusal> {
        Parser { table, capabilities }.predicate(expression)
    }
}

struct Parser<'a, 'c> {
    table: &'a TableDescription,
    capabilities: &'c Capabilities,
}

impl<'a> Parser<'a, '_> {
    fn predicate(&self, expression: &Expr) -> Result<Predicate<'a>, Refusal> {
        match expression {
            Expr::BinaryExpr(binary) => self.binary(binary),
            Expr::Between(between) => self.between(between),
            Expr::InList(list) => self.in_list(list),
            Expr::Like(like) => self.like(like),
            Expr::IsNull(inner) => {
                self.require(PredicateForm::IsNull)?;
                Ok(Predicate::IsNull(self.column(inner)?))
            }
            Expr::IsNotNull(inner) => {
                self.require(PredicateForm::IsNull)?;
                Ok(Predicate::IsNotNull(self.column(inner)?))
            }
            Expr::Column(_) => self.truth(expression, true),
            Expr::Not(inner) if matches!(**inner, Expr::Column(_)) => self.truth(inner, false),
            Expr::Alias(alias) => self.predicate(&alias.expr),
            _ => Err(refuse(expression)),
        }
    }

    fn binary(&self, binary: &BinaryExpr) -> Result<Predicate<'a>, Refusal> {
        let BinaryExpr { left, op, right } = binary;
        match op {
            Operator::And => {
                self.require(PredicateForm::And)?;
                Ok(Predicate::And(vec![self.predicate(left)?, self.predicate(right)?]))
            }
            Operator::Or => {
                let (left, right) = (self.predicate(left)?, self.predicate(right)?);
                // The optimizer writes a short IN list as a disjunction.
                if let (Some((column, mut values)), Some((other, more))) =
                    (equalities(&left), equalities(&right))
                    && column.name == other.name
                    && self.require(PredicateForm::InList).is_ok()
                {
                    values.extend(more);
                    return Ok(Predicate::InList(column, values));
                }
                self.require(PredicateForm::Or)?;
                Ok(Predicate::Or(vec![left, right]))
            }
            _ => {
                let comparison =
                    Comparison::of(*op).ok_or_else(|| refuse(&Expr::BinaryExpr(binary.clone())))?;
                if matches!(**left, Expr::Literal(..)) {
                    return self.compare(right, comparison.flipped(), left);
                }
                self.compare(left, comparison, right)
            }
        }
    }

    fn compare(
        &self,
        column: &Expr,
        comparison: Comparison,
        value: &Expr,
    ) -> Result<Predicate<'a>, Refusal> {
        self.require(comparison.form())?;
        let column = self.column(column)?;
        Ok(Predicate::Compare(column, comparison, literal(column, value)?))
    }

    fn between(&self, between: &Between) -> Result<Predicate<'a>, Refusal> {
        if between.negated {
            return Ok(Predicate::Or(vec![
                self.compare(&between.expr, Comparison::Less, &between.low)?,
                self.compare(&between.expr, Comparison::Greater, &between.high)?,
            ]));
        }
        Ok(Predicate::And(vec![
            self.compare(&between.expr, Comparison::GreaterOrEqual, &between.low)?,
            self.compare(&between.expr, Comparison::LessOrEqual, &between.high)?,
        ]))
    }

    fn in_list(&self, list: &InList) -> Result<Predicate<'a>, Refusal> {
        self.require(PredicateForm::InList)?;
        if list.list.len() > self.capabilities.in_list_values_max || list.list.is_empty() {
            return Err(Refusal::new(format!("an IN list of {} values", list.list.len())));
        }
        let column = self.column(&list.expr)?;
        if list.negated {
            let each = |value| self.compare(&list.expr, Comparison::NotEqual, value);
            return Ok(Predicate::And(list.list.iter().map(each).collect::<Result<_, _>>()?));
        }
        let values =
            list.list.iter().map(|value| literal(column, value)).collect::<Result<_, _>>()?;
        Ok(Predicate::InList(column, values))
    }

    fn like(&self, like: &Like) -> Result<Predicate<'a>, Refusal> {
        self.require(PredicateForm::Like)?;
        let column = self.column(&like.expr)?;
        if like.case_insensitive || like.escape_char.is_some() {
            return Err(Refusal::new("LIKE that folds case, or with an escape"));
        }
        match literal(column, &like.pattern)? {
            ScalarValue::Utf8(Some(pattern)) if !pattern.contains('\\') => {
                Ok(Predicate::Like(column, pattern_parts(&pattern), like.negated))
            }
            _ => Err(Refusal::new("LIKE with an escape")),
        }
    }

    fn truth(&self, column: &Expr, value: bool) -> Result<Predicate<'a>, Refusal> {
        self.require(PredicateForm::Equal)?;
        let column = self.column(column)?;
        if column.data_type != DataType::Boolean {
            return Err(Refusal::new(format!("column \"{}\" is not boolean", column.name)));
        }
        Ok(Predicate::Compare(column, Comparison::Equal, ScalarValue::Boolean(Some(value))))
    }

    fn column(&self, expression: &Expr) -> Result<&'a ColumnDescription, Refusal> {
        let Expr::Column(column) = expression else { return Err(refuse(expression)) };
        self.table.column(&column.name).map(|(_, column)| column).ok_or_else(|| {
            Refusal::new(format!("no column \"{}\" in \"{}\"", column.name, self.table.name))
        })
    }

    fn require(&self, form: PredicateForm) -> Result<(), Refusal> {
        if self.capabilities.predicates.contains(&form) {
            return Ok(());
        }
        Err(Refusal::new(format!("the store takes no {form:?} predicates")))
    }
}

/// The column and values of an equality or an IN list.
fn equalities<'a>(predicate: &Predicate<'a>) -> Option<(&'a ColumnDescription, Vec<ScalarValue>)> {
    match predicate {
        Predicate::Compare(column, Comparison::Equal, value) => Some((column, vec![value.clone()])),
        Predicate::InList(column, values) => Some((column, values.clone())),
        _ => None,
    }
}

/// The value of a literal of the column's own type; text comes as [`ScalarValue::Utf8`] whatever its layout.
fn literal(column: &ColumnDescription, expression: &Expr) -> Result<ScalarValue, Refusal> {
    let Expr::Literal(value, _) = expression else { return Err(refuse(expression)) };
    if value.is_null() {
        return Err(Refusal::new("a comparison with NULL"));
    }
    let value = match value {
        ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text) => {
            ScalarValue::Utf8(text.clone())
        }
        other => other.clone(),
    };
    if value.data_type() != column.data_type {
        let (found, wanted) = (value.data_type(), &column.data_type);
        return Err(Refusal::new(format!(
            "a {found} compared with column \"{}\" of {wanted}",
            column.name
        )));
    }
    Ok(value)
}

fn refuse(expression: &Expr) -> Refusal {
    Refusal::new(format!("{expression} has no exact form in the store"))
}

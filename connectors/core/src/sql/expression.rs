//! Expressions as SQL text.
//!
//! There are two ways to say the same thing. A *condition* only has to be true for the right rows, so a stored column is
//! compared as it is, which lets indexes serve, beside a guard against values that are read as NULL; and it may let too
//! many rows pass. A *value* has to be right for every row, NULL included, so columns are cleaned first.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::{Between, Case, InList, Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use datafusion::scalar::ScalarValue;

use super::{Call, Condition, Dialect, Form, Parameter};
use crate::capabilities::PredicateForm;
use crate::predicate::Comparison;
use crate::{Capabilities, ColumnDescription, Refusal};

/// An expression as text.
#[derive(Clone, Debug)]
pub struct Value {
    /// The text; a column as it is stored, if it is one.
    pub text: String,
    /// Its Arrow type.
    pub data_type: DataType,
    /// The column that this is, with all the values that are read as NULL.
    pub stored: Option<ColumnDescription>,
    /// Whether the text is a column's name, and thus NULL where an outer join has no row.
    pub is_column: bool,
}

impl Value {
    fn computed(text: String, data_type: DataType) -> Self {
        Self { text, data_type, stored: None, is_column: false }
    }
}

/// Columns by position, with the texts that they stand for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) schema: DFSchema,
    pub(super) values: Vec<Value>,
}

/// Turns expressions into text, collecting parameters.
pub(super) struct Translator<'d, D> {
    pub(super) dialect: &'d D,
    pub(super) capabilities: &'d Capabilities,
    pub(super) parameters: Vec<Parameter>,
}

impl<D: Dialect> Translator<'_, D> {
    /// A condition, as for WHERE.
    pub(super) fn condition(
        &mut self,
        expression: &Expr,
        scope: &Scope,
    ) -> Result<Condition, Refusal> {
        match expression {
            Expr::Alias(alias) => self.condition(&alias.expr, scope),
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: op @ (Operator::And | Operator::Or),
                right,
            }) => {
                let conjunction = *op == Operator::And;
                self.require(if conjunction { PredicateForm::And } else { PredicateForm::Or })?;
                let (left, right) = (self.condition(left, scope)?, self.condition(right, scope)?);
                let word = if conjunction { "AND" } else { "OR" };
                Ok(Condition {
                    text: format!("({} {word} {})", left.text, right.text),
                    exact: left.exact && right.exact,
                })
            }
            Expr::BinaryExpr(binary) => self.comparison(binary, scope),
            Expr::InList(list) if !list.negated => self.membership(list, scope),
            Expr::Between(Between { expr, negated: false, low, high }) => {
                let at_least = binary(expr, Operator::GtEq, low);
                let at_most = binary(expr, Operator::LtEq, high);
                self.condition(&at_least.and(at_most), scope)
            }
            Expr::IsNull(inner) => self.null_test(inner, scope, true),
            Expr::IsNotNull(inner) => self.null_test(inner, scope, false),
            _ => self.boolean(expression, scope).map(Condition::exact),
        }
    }

    fn comparison(&mut self, comparison: &BinaryExpr, scope: &Scope) -> Result<Condition, Refusal> {
        let BinaryExpr { left, op, right } = comparison;
        let Some(comparison) = Comparison::of(*op) else {
            let whole = binary(left, *op, right);
            return self.boolean(&whole, scope).map(Condition::exact);
        };
        self.require(comparison.form())?;
        let stored = match self.stored_comparison(left, comparison, right, scope) {
            Ok(None) => self.stored_comparison(right, comparison.flipped(), left, scope),
            found => found,
        };
        if let Ok(Some(condition)) = stored {
            return Ok(condition);
        }
        let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
        self.compare_values(&left, *op, &right).map(Condition::exact)
    }

    /// Two values compared where only truth counts: guards stand beside the comparison.
    pub(super) fn compare_values(
        &self,
        left: &Value,
        operator: Operator,
        right: &Value,
    ) -> Result<String, Refusal> {
        let (left, right, data_type) = (self.form(left)?, self.form(right)?, &left.data_type);
        let mut text = self.dialect.compare(&left.text, operator, &right.text, data_type)?;
        for fit in [left.fit, right.fit].into_iter().flatten() {
            text = format!("{text} AND {fit}");
        }
        Ok(format!("({text})"))
    }

    /// A stored column against a literal; none if it is not that.
    fn stored_comparison(
        &mut self,
        column: &Expr,
        comparison: Comparison,
        literal: &Expr,
        scope: &Scope,
    ) -> Result<Option<Condition>, Refusal> {
        let Some((column, text)) = self.stored(column, scope) else { return Ok(None) };
        let Some(literal) = constant(literal) else { return Ok(None) };
        if literal.is_null() {
            return Err(Refusal::new("a comparison with NULL"));
        }
        let operand = self.dialect.operand(&column, &text, comparison)?;
        let literal = self.dialect.operand_literal(&column, &literal, &mut self.parameters)?;
        let text = format!("{} {} {literal}", operand.text, comparison.symbol());
        Ok(Some(guarded(&operand.guard, text, operand.exact)))
    }

    fn membership(&mut self, list: &InList, scope: &Scope) -> Result<Condition, Refusal> {
        self.require(PredicateForm::InList)?;
        let max = self.capabilities.in_list_values_max;
        if list.list.is_empty() || list.list.len() > max {
            return Err(Refusal::new(format!("an IN list of {} values", list.list.len())));
        }
        if let Some((column, text)) = self.stored(&list.expr, scope)
            && let Some(literals) = list.list.iter().map(constant).collect::<Option<Vec<_>>>()
            && literals.iter().all(|literal| !literal.is_null())
        {
            let operand = self.dialect.operand(&column, &text, Comparison::Equal)?;
            let literals = literals
                .iter()
                .map(|v| self.dialect.operand_literal(&column, v, &mut self.parameters))
                .collect::<Result<Vec<_>, _>>()?;
            let text = format!("{} IN ({})", operand.text, literals.join(", "));
            return Ok(guarded(&operand.guard, text, operand.exact));
        }
        self.boolean(&Expr::InList(list.clone()), scope).map(Condition::exact)
    }

    fn null_test(
        &mut self,
        inner: &Expr,
        scope: &Scope,
        is_null: bool,
    ) -> Result<Condition, Refusal> {
        self.require(PredicateForm::IsNull)?;
        if let Some((column, text)) = self.stored(inner, scope) {
            return self.dialect.null_test(&column, &text, is_null);
        }
        let text = self.clean(inner, scope)?.text;
        let word = if is_null { "IS NULL" } else { "IS NOT NULL" };
        Ok(Condition::exact(format!("({text}) {word}")))
    }

    /// A stored column, seen through conversions that change no value.
    fn stored(&self, expression: &Expr, scope: &Scope) -> Option<(ColumnDescription, String)> {
        match expression {
            Expr::Alias(alias) => self.stored(&alias.expr, scope),
            Expr::Cast(cast) => {
                let from = cast.expr.get_type(&scope.schema).ok()?;
                widens(&from, cast.field.data_type()).then(|| self.stored(&cast.expr, scope))?
            }
            Expr::Column(column) => {
                let value = lookup(column, scope).ok()?;
                value.stored.clone().map(|stored| (stored, value.text.clone()))
            }
            _ => None,
        }
    }

    /// A boolean that is right for every row.
    fn boolean(&mut self, expression: &Expr, scope: &Scope) -> Result<String, Refusal> {
        let value = self.clean(expression, scope)?;
        if value.data_type != DataType::Boolean {
            return Err(refuse(expression));
        }
        Ok(value.text)
    }

    /// A value in which NULL is what is read as NULL.
    pub(super) fn clean(&mut self, expression: &Expr, scope: &Scope) -> Result<Value, Refusal> {
        let value = self.value(expression, scope)?;
        let text = self.form(&value)?.clean();
        Ok(Value { text, stored: None, ..value })
    }

    pub(super) fn form(&self, value: &Value) -> Result<Form, Refusal> {
        match &value.stored {
            Some(column) => self.dialect.form(column, &value.text),
            None => Ok(Form::always(&value.text)),
        }
    }

    /// A value; a column stays as it is stored.
    pub(super) fn value(&mut self, expression: &Expr, scope: &Scope) -> Result<Value, Refusal> {
        let data_type = expression.get_type(&scope.schema)?;
        let text = match expression {
            Expr::Column(column) => return lookup(column, scope).cloned(),
            Expr::Alias(alias) => return self.value(&alias.expr, scope),
            Expr::Literal(value, _) => self.dialect.literal(value, &mut self.parameters)?,
            Expr::BinaryExpr(binary) => self.binary(binary, &data_type, scope)?,
            Expr::Not(inner) => format!("(NOT {})", self.boolean(inner, scope)?),
            Expr::IsNull(inner) => format!("({} IS NULL)", self.clean(inner, scope)?.text),
            Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", self.clean(inner, scope)?.text),
            Expr::IsTrue(inner) => format!("({} IS TRUE)", self.boolean(inner, scope)?),
            Expr::IsFalse(inner) => format!("({} IS FALSE)", self.boolean(inner, scope)?),
            Expr::IsUnknown(inner) => format!("({} IS NULL)", self.boolean(inner, scope)?),
            Expr::IsNotTrue(inner) => format!("({} IS NOT TRUE)", self.boolean(inner, scope)?),
            Expr::IsNotFalse(inner) => format!("({} IS NOT FALSE)", self.boolean(inner, scope)?),
            Expr::IsNotUnknown(inner) => format!("({} IS NOT NULL)", self.boolean(inner, scope)?),
            Expr::Between(between) => self.between(between, scope)?,
            Expr::Case(case) => self.case(case, scope)?,
            Expr::Cast(cast) => {
                let inner = self.clean(&cast.expr, scope)?;
                self.dialect.cast(&inner.text, &inner.data_type, &data_type)?
            }
            Expr::ScalarFunction(function) => self.function(function, &data_type, scope)?,
            Expr::InList(list) => self.in_list(list, scope)?,
            Expr::Like(like) => self.like(like, scope)?,
            _ => return Err(refuse(expression)),
        };
        Ok(Value::computed(text, data_type))
    }

    fn binary(
        &mut self,
        binary: &BinaryExpr,
        data_type: &DataType,
        scope: &Scope,
    ) -> Result<String, Refusal> {
        let BinaryExpr { left, op, right } = binary;
        let (left, right) = match op {
            Operator::And | Operator::Or => {
                let word = if *op == Operator::And { "AND" } else { "OR" };
                let (left, right) = (self.boolean(left, scope)?, self.boolean(right, scope)?);
                return Ok(format!("({left} {word} {right})"));
            }
            _ => (self.clean(left, scope)?, self.clean(right, scope)?),
        };
        match op {
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom => {
                let text = self.dialect.compare(&left.text, *op, &right.text, &left.data_type)?;
                Ok(format!("({text})"))
            }
            Operator::Plus | Operator::Minus | Operator::Multiply => {
                self.dialect.arithmetic(&left, *op, &right, data_type)
            }
            Operator::StringConcat if is_text(&left.data_type) && is_text(&right.data_type) => {
                Ok(format!("({} || {})", left.text, right.text))
            }
            _ => Err(Refusal::new(format!("operator {op} has no exact form in the store"))),
        }
    }

    fn between(&mut self, between: &Between, scope: &Scope) -> Result<String, Refusal> {
        let Between { expr, negated, low, high } = between;
        let (value, low, high) =
            (self.clean(expr, scope)?, self.clean(low, scope)?, self.clean(high, scope)?);
        let compare = |operator, other: &Value| {
            self.dialect.compare(&value.text, operator, &other.text, &value.data_type)
        };
        let (from, to) = (compare(Operator::GtEq, &low)?, compare(Operator::LtEq, &high)?);
        let not = if *negated { "NOT " } else { "" };
        Ok(format!("({not}({from} AND {to}))"))
    }

    fn case(&mut self, case: &Case, scope: &Scope) -> Result<String, Refusal> {
        let mut text = "CASE".to_owned();
        for (when, then) in &case.when_then_expr {
            let when = match &case.expr {
                Some(operand) => self.boolean(&binary(operand, Operator::Eq, when), scope)?,
                None => self.boolean(when, scope)?,
            };
            text.push_str(&format!(" WHEN {when} THEN {}", self.clean(then, scope)?.text));
        }
        if let Some(otherwise) = &case.else_expr {
            text.push_str(&format!(" ELSE {}", self.clean(otherwise, scope)?.text));
        }
        Ok(text + " END")
    }

    fn in_list(&mut self, list: &InList, scope: &Scope) -> Result<String, Refusal> {
        self.require(PredicateForm::InList)?;
        if list.list.is_empty() || list.list.len() > self.capabilities.in_list_values_max {
            return Err(Refusal::new(format!("an IN list of {} values", list.list.len())));
        }
        let value = self.clean(&list.expr, scope)?;
        let mut items = Vec::new();
        for item in &list.list {
            let item = self.clean(item, scope)?;
            // Each item must compare exactly; the texts are then put into one list.
            self.dialect.compare(&value.text, Operator::Eq, &item.text, &value.data_type)?;
            items.push(item.text);
        }
        let not = if list.negated { "NOT " } else { "" };
        Ok(format!("({} {not}IN ({}))", value.text, items.join(", ")))
    }

    fn like(&mut self, like: &Like, scope: &Scope) -> Result<String, Refusal> {
        self.require(PredicateForm::Like)?;
        let pattern = match constant(&like.pattern) {
            Some(ScalarValue::Utf8(Some(text))) => text,
            _ => return Err(Refusal::new("LIKE with a pattern that is not a literal")),
        };
        if like.case_insensitive {
            return Err(Refusal::new("the store folds case in its own way"));
        }
        if like.escape_char.is_some() || pattern.contains('\\') {
            return Err(Refusal::new("LIKE with an escape"));
        }
        let text = self.clean(&like.expr, scope)?.text;
        self.dialect.like(&text, &pattern, like.negated)
    }

    fn function(
        &mut self,
        function: &ScalarFunction,
        data_type: &DataType,
        scope: &Scope,
    ) -> Result<String, Refusal> {
        if !self.capabilities.functions.contains(function.name()) {
            return Err(Refusal::new(format!("the store has no exact {}", function.name())));
        }
        let arguments = function
            .args
            .iter()
            .map(|argument| self.clean(argument, scope))
            .collect::<Result<Vec<_>, _>>()?;
        let literals: Vec<_> = function.args.iter().map(constant).collect();
        self.dialect.function(&Call {
            name: function.name(),
            arguments: &arguments,
            literals: &literals,
            data_type,
            distinct: false,
            filter: "",
        })
    }

    /// An aggregate function over rows of the scope.
    pub(super) fn aggregate(&mut self, expression: &Expr, scope: &Scope) -> Result<Value, Refusal> {
        let Expr::AggregateFunction(function) = expression else {
            return match expression {
                Expr::Alias(alias) => self.aggregate(&alias.expr, scope),
                _ => Err(refuse(expression)),
            };
        };
        let name = function.func.name();
        if !function.params.order_by.is_empty() || function.params.null_treatment.is_some() {
            return Err(Refusal::new(format!("{name} with an order")));
        }
        if !self.capabilities.aggregates.contains(name) {
            return Err(Refusal::new(format!("the store has no exact {name}")));
        }
        let data_type = expression.get_type(&scope.schema)?;
        let arguments = function
            .params
            .args
            .iter()
            .map(|argument| self.clean(argument, scope))
            .collect::<Result<Vec<_>, _>>()?;
        let literals: Vec<_> = function.params.args.iter().map(constant).collect();
        let filter = match &function.params.filter {
            Some(filter) => format!(" FILTER (WHERE {})", self.boolean(filter, scope)?),
            None => String::new(),
        };
        let text = self.dialect.aggregate(&Call {
            name,
            arguments: &arguments,
            literals: &literals,
            data_type: &data_type,
            distinct: function.params.distinct,
            filter: &filter,
        })?;
        Ok(Value::computed(text, data_type))
    }

    fn require(&self, form: PredicateForm) -> Result<(), Refusal> {
        if self.capabilities.predicates.contains(&form) {
            return Ok(());
        }
        Err(Refusal::new(format!("the store takes no {form:?} predicates")))
    }
}

fn lookup<'s>(column: &Column, scope: &'s Scope) -> Result<&'s Value, Refusal> {
    scope
        .schema
        .index_of_column(column)
        .ok()
        .and_then(|index| scope.values.get(index))
        .ok_or_else(|| Refusal::new(format!("no column \"{}\"", column.name)))
}

fn binary(left: &Expr, operator: Operator, right: &Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left.clone()), operator, Box::new(right.clone())))
}

fn guarded(guard: &Option<String>, comparison: String, exact: bool) -> Condition {
    let text = match guard {
        Some(guard) => format!("({guard} AND {comparison})"),
        None => comparison,
    };
    Condition { text, exact }
}

fn refuse(expression: &Expr) -> Refusal {
    Refusal::new(format!("{expression} has no exact form in the store"))
}

/// The value of a literal; text comes as [`ScalarValue::Utf8`] whatever its layout.
fn constant(expression: &Expr) -> Option<ScalarValue> {
    match expression {
        Expr::Literal(ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text), _) => {
            Some(ScalarValue::Utf8(text.clone()))
        }
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => constant(&alias.expr),
        _ => None,
    }
}

/// Whether the type is text in any layout.
#[must_use]
pub fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether every value of one type is the same value of the other, and compares alike.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal128, Int16, Int32, Int64};
    match (from, to) {
        (from, to) if is_text(from) && is_text(to) => true,
        (Int16, Int32 | Int64) | (Int32, Int64) => true,
        (Int16, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 5,
        (Int32, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 10,
        (Int64, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 19,
        (Decimal128(p, s), Decimal128(q, t)) => {
            t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s)
        }
        _ => false,
    }
}

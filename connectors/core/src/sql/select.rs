//! A fragment as one SELECT, with a derived table for each level that needs one.
//!
//! A projection is put into the texts of what is above it, and a filter into the WHERE of its level. What sees the rows
//! of the level below as they are (an aggregate above a limit, say) reads it as a derived table.

use datafusion::common::{DFSchema, JoinType};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, Operator};

use super::expression::{Scope, Translator, Value};
use super::{Dialect, Statement, quote};
use crate::{Capabilities, Fragment, Refusal, TableDescription};

/// A statement, and what it answers.
#[derive(Debug)]
pub struct Emitted {
    /// The statement.
    pub statement: Statement,
    /// Its columns, by name. Those that are stored columns hold values that are read as NULL.
    pub outputs: Vec<(String, Value)>,
    /// Whether its filters need not be applied again.
    pub exact: bool,
}

/// Emits a fragment.
///
/// # Errors
/// The refusal of the part that has no exact form.
pub fn emit(
    dialect: &impl Dialect,
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Emitted, Refusal> {
    let translator = Translator { dialect, capabilities, parameters: Vec::new() };
    let mut emitter = Emitter { translator, aliases: 0, exact: true };
    let select = emitter.walk(fragment)?;
    let outputs = select
        .outputs
        .iter()
        .map(|(_, value)| dialect.output(value))
        .collect::<Result<Vec<_>, _>>()?;
    let statement =
        Statement { text: select.render(&outputs), parameters: emitter.translator.parameters };
    Ok(Emitted { statement, outputs: select.outputs, exact: emitter.exact })
}

/// A SELECT in the making.
#[derive(Debug)]
struct Select {
    from: String,
    /// Whether `from` is a join, which stands in parentheses where it is joined again.
    is_join: bool,
    filters: Vec<String>,
    /// The keys of GROUP BY; none if rows are not grouped at all.
    group: Option<Vec<String>>,
    order: Vec<String>,
    skip: usize,
    fetch: Option<usize>,
    outputs: Vec<(String, Value)>,
}

impl Select {
    fn from(from: String, outputs: Vec<(String, Value)>) -> Self {
        Self {
            from,
            is_join: false,
            filters: Vec::new(),
            group: None,
            order: Vec::new(),
            skip: 0,
            fetch: None,
            outputs,
        }
    }

    fn is_limited(&self) -> bool {
        self.fetch.is_some() || self.skip > 0
    }

    /// Whether rows are those of FROM and WHERE.
    fn is_plain(&self) -> bool {
        !self.is_limited() && self.group.is_none()
    }

    fn render(&self, outputs: &[String]) -> String {
        // A statement must select something, also when only the number of rows is asked for.
        let outputs = match (outputs.is_empty(), self.group.as_ref().is_some_and(Vec::is_empty)) {
            (false, _) => outputs.join(", "),
            (true, false) => "1".to_owned(),
            // One row, as long as something is aggregated.
            (true, true) => "count(*)".to_owned(),
        };
        let mut text = format!("SELECT {outputs} FROM {}", self.from);
        if !self.filters.is_empty() {
            text.push_str(&format!(" WHERE {}", self.filters.join(" AND ")));
        }
        if let Some(keys) = &self.group
            && !keys.is_empty()
        {
            text.push_str(&format!(" GROUP BY {}", keys.join(", ")));
        }
        if !self.order.is_empty() {
            text.push_str(&format!(" ORDER BY {}", self.order.join(", ")));
        }
        if let Some(fetch) = self.fetch {
            text.push_str(&format!(" LIMIT {fetch}"));
        } else if self.skip > 0 {
            // SQLite knows OFFSET only after LIMIT.
            text.push_str(&format!(" LIMIT {}", i64::MAX));
        }
        if self.skip > 0 {
            text.push_str(&format!(" OFFSET {}", self.skip));
        }
        text
    }

    fn scope(&self) -> Result<Scope, Refusal> {
        scope(self.outputs.iter())
    }
}

fn scope<'a>(outputs: impl Iterator<Item = &'a (String, Value)>) -> Result<Scope, Refusal> {
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for (name, value) in outputs {
        fields.push(datafusion::arrow::datatypes::Field::new(name, value.data_type.clone(), true));
        values.push(value.clone());
    }
    let schema = DFSchema::from_unqualified_fields(fields.into(), Default::default())?;
    Ok(Scope { schema, values })
}

struct Emitter<'d, D> {
    translator: Translator<'d, D>,
    aliases: usize,
    exact: bool,
}

impl<D: Dialect> Emitter<'_, D> {
    fn walk(&mut self, fragment: &Fragment) -> Result<Select, Refusal> {
        match fragment {
            Fragment::Scan(table) => Ok(self.scan(table)),
            Fragment::Filter { input, predicate } => self.filter(input, predicate),
            Fragment::Project { input, expressions } => {
                let mut select = self.walk(input)?;
                let scope = select.scope()?;
                select.outputs = expressions
                    .iter()
                    .map(|(e, name)| Ok((name.clone(), self.translator.value(e, &scope)?)))
                    .collect::<Result<_, Refusal>>()?;
                Ok(select)
            }
            Fragment::Aggregate { input, group, aggregates } => {
                self.aggregate(input, group, aggregates)
            }
            Fragment::Sort { input, keys } => self.sort(input, keys),
            Fragment::Limit { input, skip, fetch } => {
                let select = self.walk_exact(input)?;
                let mut select = if select.is_limited() { self.nest(select) } else { select };
                (select.skip, select.fetch) = (*skip, *fetch);
                Ok(select)
            }
            Fragment::Join { left, right, kind, on, filter, nulls_equal } => {
                let condition =
                    JoinCondition { on, filter: filter.as_ref(), nulls_equal: *nulls_equal };
                self.join(left, right, *kind, &condition)
            }
            Fragment::Union(inputs) => self.union(inputs),
            Fragment::Unnest { .. } => Err(Refusal::new("the store has no UNNEST of ours")),
        }
    }

    /// What must not stand above a filter that lets too many rows pass.
    fn walk_exact(&mut self, fragment: &Fragment) -> Result<Select, Refusal> {
        let select = self.walk(fragment)?;
        if !self.exact {
            return Err(Refusal::new("a filter below is applied again above"));
        }
        Ok(select)
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    fn scan(&mut self, table: &TableDescription) -> Select {
        let alias = self.alias();
        let outputs = table
            .columns
            .iter()
            .map(|column| {
                let value = Value {
                    text: format!("{alias}.{}", quote(&column.name)),
                    data_type: column.data_type.clone(),
                    stored: Some(column.clone()),
                    is_column: true,
                };
                (column.name.clone(), value)
            })
            .collect();
        let name = self.translator.dialect.table(&table.name);
        Select::from(format!("{name} AS {alias}"), outputs)
    }

    /// The level as a derived table of one above.
    fn nest(&mut self, mut select: Select) -> Select {
        let alias = self.alias();
        if !select.is_limited() {
            select.order.clear();
        }
        let inner: Vec<_> = select
            .outputs
            .iter()
            .map(|(name, value)| format!("{} AS {}", value.text, quote(name)))
            .collect();
        let from = format!("({}) AS {alias}", select.render(&inner));
        let outputs = select
            .outputs
            .into_iter()
            .map(|(name, value)| {
                let text = format!("{alias}.{}", quote(&name));
                (name, Value { text, is_column: true, ..value })
            })
            .collect();
        Select::from(from, outputs)
    }

    fn filter(&mut self, input: &Fragment, predicate: &Expr) -> Result<Select, Refusal> {
        let select = self.walk(input)?;
        let mut select = if select.is_plain() { select } else { self.nest(select) };
        let condition = self.translator.condition(predicate, &select.scope()?)?;
        self.exact &= condition.exact;
        select.filters.push(condition.text);
        Ok(select)
    }

    fn aggregate(
        &mut self,
        input: &Fragment,
        group: &[(Expr, String)],
        aggregates: &[(Expr, String)],
    ) -> Result<Select, Refusal> {
        let select = self.walk_exact(input)?;
        let mut select = if select.is_plain() { select } else { self.nest(select) };
        select.order.clear();
        let scope = select.scope()?;
        let (mut keys, mut outputs) = (Vec::new(), Vec::new());
        for (expression, name) in group {
            if matches!(expression, Expr::Literal(..)) {
                return Err(Refusal::new("a literal as a grouping key"));
            }
            let value = self.translator.clean(expression, &scope)?;
            let text = self.translator.dialect.group_key(&value.text, &value.data_type)?;
            keys.push(text.clone());
            outputs.push((name.clone(), Value { text, is_column: false, ..value }));
        }
        for (expression, name) in aggregates {
            outputs.push((name.clone(), self.translator.aggregate(expression, &scope)?));
        }
        (select.group, select.outputs) = (Some(keys), outputs);
        Ok(select)
    }

    fn sort(&mut self, input: &Fragment, keys: &[Sort]) -> Result<Select, Refusal> {
        let select = self.walk_exact(input)?;
        let mut select = if select.is_limited() { self.nest(select) } else { select };
        let scope = select.scope()?;
        let mut order = Vec::new();
        for key in keys {
            let value = self.translator.clean(&key.expr, &scope)?;
            order.push(self.translator.dialect.sort_key(
                &value.text,
                &value.data_type,
                key.asc,
                key.nulls_first,
            )?);
        }
        select.order = order;
        Ok(select)
    }

    fn union(&mut self, inputs: &[Fragment]) -> Result<Select, Refusal> {
        let (mut parts, mut outputs): (Vec<String>, Vec<(String, Value)>) =
            (Vec::new(), Vec::new());
        for input in inputs {
            let mut select = self.walk_exact(input)?;
            if !select.is_limited() {
                select.order.clear();
            }
            if select.is_limited() {
                select = self.nest(select);
            }
            let mut texts = Vec::new();
            for (index, (name, value)) in select.outputs.iter().enumerate() {
                let text = self.translator.form(value)?.clean();
                let name = outputs.get(index).map_or(name, |(name, _)| name);
                texts.push(format!("{text} AS {}", quote(name)));
            }
            if outputs.is_empty() {
                outputs = select.outputs.clone();
            }
            parts.push(select.render(&texts));
        }
        let alias = self.alias();
        for (name, value) in &mut outputs {
            let text = format!("{alias}.{}", quote(name));
            *value = Value { text, stored: None, is_column: true, ..value.clone() };
        }
        Ok(Select::from(format!("({}) AS {alias}", parts.join(" UNION ALL ")), outputs))
    }

    fn join(
        &mut self,
        left: &Fragment,
        right: &Fragment,
        kind: JoinType,
        condition: &JoinCondition<'_>,
    ) -> Result<Select, Refusal> {
        let (left, right) = (self.walk_exact(left)?, self.walk_exact(right)?);
        let word = match kind {
            JoinType::LeftSemi => return self.exists(left, right, "EXISTS", condition),
            JoinType::LeftAnti => return self.exists(left, right, "NOT EXISTS", condition),
            JoinType::Inner => "JOIN",
            JoinType::Left => "LEFT JOIN",
            JoinType::Right => "RIGHT JOIN",
            JoinType::Full if condition.filter.is_none() && !condition.on.is_empty() => "FULL JOIN",
            other => return Err(Refusal::new(format!("a {other} join has no form in the store"))),
        };
        let (left_outer, right_outer) = (
            matches!(kind, JoinType::Right | JoinType::Full),
            matches!(kind, JoinType::Left | JoinType::Full),
        );
        let mut left = self.side(left, left_outer, kind == JoinType::Full);
        let mut right = self.side(right, right_outer, kind == JoinType::Full);
        let text = self.join_condition(&left, &right, condition)?;
        let right_from =
            if right.is_join { format!("({})", right.from) } else { right.from.clone() };
        let from = format!("{} {word} {right_from} ON {text}", left.from);
        let mut outputs = std::mem::take(&mut left.outputs);
        outputs.append(&mut right.outputs);
        let mut joined = Select::from(from, outputs);
        joined.is_join = true;
        joined.filters.append(&mut left.filters);
        joined.filters.append(&mut right.filters);
        Ok(joined)
    }

    /// A side of a join. One whose rows may be missing must have columns only, which are then NULL, and no filter, which
    /// would then be applied to the joined rows.
    fn side(&mut self, mut select: Select, may_be_missing: bool, no_filter: bool) -> Select {
        select.order.clear();
        let computed = select.outputs.iter().any(|(_, value)| !value.is_column);
        let filtered = !select.filters.is_empty();
        if !select.is_plain()
            || (may_be_missing && (computed || filtered))
            || (no_filter && filtered)
        {
            return self.nest(select);
        }
        select
    }

    fn join_condition(
        &mut self,
        left: &Select,
        right: &Select,
        condition: &JoinCondition<'_>,
    ) -> Result<String, Refusal> {
        let (left_scope, right_scope) = (left.scope()?, right.scope()?);
        let mut texts = Vec::new();
        for (left, right) in condition.on {
            let left = self.translator.value(left, &left_scope)?;
            let right = self.translator.value(right, &right_scope)?;
            if condition.nulls_equal {
                let clean = |value: &Value| Ok::<_, Refusal>(self.translator.form(value)?.clean());
                texts.push(self.translator.dialect.compare(
                    &clean(&left)?,
                    Operator::IsNotDistinctFrom,
                    &clean(&right)?,
                    &left.data_type,
                )?);
            } else {
                texts.push(self.translator.compare_values(&left, Operator::Eq, &right)?);
            }
        }
        if let Some(filter) = condition.filter {
            let both = scope(left.outputs.iter().chain(&right.outputs))?;
            let filter = self.translator.condition(filter, &both)?;
            if !filter.exact {
                return Err(Refusal::new("a join condition that is not exact"));
            }
            texts.push(filter.text);
        }
        Ok(if texts.is_empty() { "TRUE".to_owned() } else { texts.join(" AND ") })
    }

    fn exists(
        &mut self,
        left: Select,
        right: Select,
        word: &str,
        condition: &JoinCondition<'_>,
    ) -> Result<Select, Refusal> {
        let mut left = self.side(left, false, false);
        let mut right = self.side(right, false, false);
        let text = self.join_condition(&left, &right, condition)?;
        right.filters.push(text);
        let inner = right.render(&[]);
        left.filters.push(format!("{word} ({inner})"));
        Ok(left)
    }
}

struct JoinCondition<'a> {
    on: &'a [(Expr, Expr)],
    filter: Option<&'a Expr>,
    nulls_equal: bool,
}

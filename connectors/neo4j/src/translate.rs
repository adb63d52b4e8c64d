//! Fragments as Cypher.
//!
//! Scans are MATCH clauses, and so are joins of a relationship with the nodes at its ends, which share a variable then.
//! Each relationship has a MATCH of its own: within one, Cypher would not let a relationship stand twice. Aggregates are
//! WITH clauses. See [`filter`](crate::filter) for how values and predicates are written.
//!
//! * Integers, booleans, text and days are equal in Cypher where they are in SQL, and so are keys of groups. Floats are
//!   not: `-0.0` and `0.0` are one there.
//! * `sum` of nothing is 0 in Cypher; SQL's is NULL. A sum of integers fails on overflow.
//! * Null is the greatest value in Cypher's order; a key that says so comes first where SQL wants it otherwise. Text and
//!   booleans are not ordered there.

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use medley_core::inference::Shape;
use medley_core::predicate::Predicate;
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableDescription,
    TableName, capabilities,
};
use serde::{Deserialize, Serialize};

use crate::catalog::{Detail, Part};
use crate::cypher::{Entity, Parameters, quoted};
use crate::filter::{Emitter, Origin, Place, place};

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) text: String,
    pub(crate) parameters: Parameters,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Shape)>,
    /// Whether the columns are computed, so that a value that does not fit is an error.
    pub(crate) computed: bool,
}

pub(crate) fn capabilities() -> Capabilities {
    use capabilities::Operator::{Aggregate, Join, Sort};
    let selection = Capabilities::selection()
        .with_operators([Aggregate, Join, Sort])
        .with_aggregates(&["count", "max", "min", "sum"]);
    Capabilities { infers_schema: true, ..selection }
}

/// A MATCH clause.
#[derive(Clone, Debug)]
struct Pattern {
    entity: Entity,
    name: String,
    /// The start, the entity and the end.
    variables: [String; 3],
}

/// A query in the making.
#[derive(Debug, Default)]
struct Query {
    /// The clauses before the patterns, or after them once these are written.
    text: String,
    patterns: Vec<Pattern>,
    /// Over the columns of `places`.
    conditions: Vec<Expr>,
    /// Every column, named by its index; the details are places.
    places: Vec<ColumnDescription>,
    outputs: Vec<(String, usize)>,
    order: Vec<(usize, bool, bool)>,
    skip: usize,
    fetch: Option<usize>,
    computed: bool,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let mut translator = Translator { capabilities, emitter: Emitter::default(), variables: 0 };
    let mut query = translator.walk(fragment)?;
    translator.flush(&mut query)?;
    let (mut outputs, mut columns, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    for (name, index) in &query.outputs {
        let column = &query.places[*index];
        outputs.push(translator.emitter.output(column)?);
        let shape = place(column)?.shape;
        fields.push(Field::new(name, shape.data_type(), true));
        columns.push((name.clone(), shape));
    }
    // One list a row: the driver would otherwise hash every column's name for every row.
    let tail = translator.tail(&query)?;
    let text = format!("{} RETURN [{}] AS r{tail}", query.text, outputs.join(", "));
    let table = fragment.first_table().map(|table| table.name.clone());
    let table = table.ok_or_else(|| Refusal::new("nothing is read"))?;
    let parameters = translator.emitter.parameters;
    let plan = Plan { text, parameters, table, columns, computed: query.computed };
    let text = plan.parameters.display(&plan.text);
    Ok(Pushdown::Exact(RemoteQuery::new(text, Schema::new(fields).into(), &plan)?))
}

struct Translator<'a> {
    capabilities: &'a Capabilities,
    emitter: Emitter,
    variables: usize,
}

impl Translator<'_> {
    fn walk(&mut self, fragment: &Fragment) -> Result<Query, Refusal> {
        match fragment {
            Fragment::Scan(table) => self.scan(table),
            Fragment::Filter { input, predicate } => {
                let mut query = self.walk(input)?;
                self.settle(&mut query)?;
                let predicate = query.resolved(predicate)?;
                // What has no form must be refused now; it is written when all variables are known.
                let table = query.table();
                let parsed = Predicate::parse(&predicate, &table, self.capabilities)?;
                Emitter::default().predicate(&parsed)?;
                query.conditions.push(predicate);
                Ok(query)
            }
            Fragment::Project { input, expressions } => {
                let mut query = self.walk(input)?;
                query.outputs = expressions
                    .iter()
                    .map(|(e, name)| Ok((name.clone(), query.index(e)?)))
                    .collect::<Result<_, Refusal>>()?;
                Ok(query)
            }
            Fragment::Aggregate { input, group, aggregates } => {
                let query = self.walk(input)?;
                self.aggregate(query, group, aggregates)
            }
            Fragment::Sort { input, keys } => {
                let mut query = self.walk(input)?;
                self.settle(&mut query)?;
                query.order = keys.iter().map(|key| query.key(key)).collect::<Result<_, _>>()?;
                self.tail(&query)?;
                Ok(query)
            }
            Fragment::Limit { input, skip, fetch } => {
                let mut query = self.walk(input)?;
                if query.fetch.is_some() || query.skip > 0 {
                    self.settle(&mut query)?;
                }
                (query.skip, query.fetch) = (*skip, *fetch);
                Ok(query)
            }
            Fragment::Join {
                left,
                right,
                kind: JoinType::Inner,
                on,
                filter: None,
                nulls_equal: false,
            } => self.join(left, right, on),
            Fragment::Join { .. } => Err(Refusal::new("only paths are joined in Neo4j")),
            Fragment::Union(_) => Err(Refusal::new("UNION is not pushed down to Neo4j")),
            Fragment::Unnest { .. } => Err(Refusal::new("UNNEST is not pushed down to Neo4j")),
        }
    }

    fn scan(&mut self, table: &TableDescription) -> Result<Query, Refusal> {
        let entity =
            Entity::deserialize(&table.detail).map_err(|error| Refusal::new(error.to_string()))?;
        self.variables += 1;
        let variables = ["s", "n", "e"].map(|letter| format!("{letter}{}", self.variables));
        let mut query = Query::default();
        for (index, column) in table.columns.iter().enumerate() {
            let Detail { part, shape, as_text } = Detail::deserialize(&column.detail)
                .map_err(|error| Refusal::new(error.to_string()))?;
            let [start, own, end] = &variables;
            let (variable, origin) = match part {
                Part::Property => (own, Origin::Property(column.name.clone())),
                Part::Id if entity == Entity::Relationship => (own, Origin::RelationshipId),
                Part::Id => (own, Origin::Id),
                Part::Start => (start, Origin::Id),
                Part::End => (end, Origin::Id),
            };
            query.add(Place { variable: variable.clone(), origin, shape, as_text })?;
            query.outputs.push((column.name.clone(), index));
        }
        query.patterns.push(Pattern { entity, name: table.name.table.clone(), variables });
        Ok(query)
    }

    /// Writes the patterns and conditions so far.
    fn flush(&mut self, query: &mut Query) -> Result<(), Refusal> {
        let mut conditions = Vec::new();
        for Pattern { entity, name, variables } in std::mem::take(&mut query.patterns) {
            let [start, own, end] = &variables;
            let (pattern, condition) =
                self.emitter.parameters.pattern_of(entity, &name, [start, own, end]);
            let space = if query.text.is_empty() { "" } else { " " };
            query.text.push_str(&format!("{space}MATCH {pattern}"));
            conditions.extend(condition);
        }
        let table = query.table();
        for condition in std::mem::take(&mut query.conditions) {
            let predicate = Predicate::parse(&condition, &table, self.capabilities)?;
            conditions.push(self.emitter.predicate(&predicate)?);
        }
        if !conditions.is_empty() {
            query.text.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        Ok(())
    }

    /// Makes an end of a limit, so that what follows sees only its rows.
    fn settle(&mut self, query: &mut Query) -> Result<(), Refusal> {
        if query.fetch.is_none() && query.skip == 0 {
            query.order.clear();
            return Ok(());
        }
        self.flush(query)?;
        let mut variables: Vec<String> = Vec::new();
        for column in &query.places {
            let Place { variable, origin, .. } = place(column)?;
            let variable = if origin == Origin::Made { name(&variable)? } else { variable };
            if !variables.contains(&variable) {
                variables.push(variable);
            }
        }
        let tail = self.tail(query)?;
        query.text.push_str(&format!(" WITH {}{tail}", variables.join(", ")));
        (query.skip, query.fetch) = (0, None);
        query.order.clear();
        Ok(())
    }

    /// ORDER BY, SKIP and LIMIT.
    fn tail(&mut self, query: &Query) -> Result<String, Refusal> {
        let mut keys = Vec::new();
        for (index, ascending, nulls_first) in &query.order {
            let column = &query.places[*index];
            if !matches!(place(column)?.shape, Shape::Int64 | Shape::Double | Shape::Date) {
                return Err(Refusal::new("text and booleans are not ordered alike in Neo4j"));
            }
            let value = self.emitter.clean(column)?;
            // Null comes last going up, and first going down.
            if nulls_first == ascending {
                let direction = if *nulls_first { "DESC" } else { "ASC" };
                keys.push(format!("{value} IS NULL {direction}"));
            }
            keys.push(format!("{value} {}", if *ascending { "ASC" } else { "DESC" }));
        }
        let mut text = String::new();
        if !keys.is_empty() {
            text.push_str(&format!(" ORDER BY {}", keys.join(", ")));
        }
        if query.skip > 0 {
            text.push_str(&format!(" SKIP {}", query.skip));
        }
        if let Some(fetch) = query.fetch {
            text.push_str(&format!(" LIMIT {fetch}"));
        }
        Ok(text)
    }

    fn aggregate(
        &mut self,
        mut query: Query,
        group: &[(Expr, String)],
        aggregates: &[(Expr, String)],
    ) -> Result<Query, Refusal> {
        self.settle(&mut query)?;
        self.flush(&mut query)?;
        let mut made = Query { computed: true, ..Query::default() };
        let mut texts = Vec::new();
        for (expression, alias) in group {
            let column = &query.places[query.index(expression)?];
            let Place { shape, as_text, .. } = place(column)?;
            let known = matches!(shape, Shape::Int64 | Shape::Boolean | Shape::Text | Shape::Date);
            if !known || as_text {
                return Err(Refusal::new(format!("{shape:?} as a grouping key")));
            }
            texts.push(format!("{} AS {}", self.emitter.clean(column)?, name(alias)?));
            made.make(alias, shape)?;
        }
        for (expression, alias) in aggregates {
            let Expr::AggregateFunction(function) = expression else {
                return Err(Refusal::new(format!("{expression} is no aggregate of Neo4j")));
            };
            let (text, shape) = self.accumulate(&query, function)?;
            texts.push(format!("{text} AS {}", name(alias)?));
            made.make(alias, shape)?;
        }
        // Without a function nothing would be grouped.
        let distinct = if aggregates.is_empty() { "DISTINCT " } else { "" };
        made.text = format!("{} WITH {distinct}{}", query.text, texts.join(", "));
        Ok(made)
    }

    fn accumulate(
        &mut self,
        query: &Query,
        function: &AggregateFunction,
    ) -> Result<(String, Shape), Refusal> {
        let (function_name, params) = (function.func.name(), &function.params);
        let [argument] = params.args.as_slice() else {
            return Err(Refusal::new(format!("{function_name} of several arguments")));
        };
        if params.filter.is_some() || !params.order_by.is_empty() {
            return Err(Refusal::new(format!("{function_name} with FILTER or an order")));
        }
        if let Expr::Literal(value, _) = argument {
            return match function_name {
                "count" if !value.is_null() && !params.distinct => {
                    Ok(("count(*)".to_owned(), Shape::Int64))
                }
                _ => Err(Refusal::new(format!("{function_name} of a literal"))),
            };
        }
        let (argument, to_float) = match argument {
            Expr::Cast(cast) if *cast.field.data_type() == DataType::Float64 => (&*cast.expr, true),
            other => (other, false),
        };
        let column = &query.places[query.index(argument)?];
        let Place { shape, as_text, .. } = place(column)?;
        let mut value = self.emitter.clean(column)?;
        if as_text || (to_float && shape != Shape::Int64) {
            return Err(Refusal::new(format!("{function_name} of {shape:?}")));
        }
        let shape = if to_float { Shape::Double } else { shape };
        if to_float {
            value = format!("toFloat({value})");
        }
        let distinct = if params.distinct { "DISTINCT " } else { "" };
        match (function_name, shape) {
            ("count", Shape::Double) if params.distinct => Err(Refusal::new("distinct floats")),
            ("count", _) => Ok((format!("count({distinct}{value})"), Shape::Int64)),
            ("sum", shape @ (Shape::Int64 | Shape::Double)) if !params.distinct => {
                Ok((format!("CASE count({value}) WHEN 0 THEN null ELSE sum({value}) END"), shape))
            }
            ("min" | "max", shape @ (Shape::Int64 | Shape::Date)) => {
                Ok((format!("{function_name}({value})"), shape))
            }
            (_, shape) => Err(Refusal::new(format!("{function_name} of {shape:?}"))),
        }
    }

    /// Joins by ids: the variables of equal ids become one.
    fn join(
        &mut self,
        left: &Fragment,
        right: &Fragment,
        on: &[(Expr, Expr)],
    ) -> Result<Query, Refusal> {
        let (mut left, mut right) = (self.walk(left)?, self.walk(right)?);
        for side in [&mut left, &mut right] {
            if side.computed || side.fetch.is_some() || side.skip > 0 {
                return Err(Refusal::new("only paths are joined in Neo4j"));
            }
            side.order.clear();
        }
        let mut same = Vec::new();
        for (l, r) in on {
            let (l, r) =
                (place(&left.places[left.index(l)?])?, place(&right.places[right.index(r)?])?);
            if l.origin != Origin::Id || r.origin != Origin::Id {
                return Err(Refusal::new("only ids are joined in Neo4j"));
            }
            same.push((r.variable, l.variable));
        }
        let offset = left.places.len();
        for column in &mut right.places {
            let mut moved = place(column)?;
            rename(&mut moved.variable, &same);
            left.add(moved)?;
        }
        for mut pattern in right.patterns {
            pattern.variables.iter_mut().for_each(|variable| rename(variable, &same));
            left.patterns.push(pattern);
        }
        for condition in right.conditions {
            left.conditions.push(shifted(condition, offset)?);
        }
        left.outputs.extend(right.outputs.into_iter().map(|(name, index)| (name, index + offset)));
        // Two ids of the left that are one of the right must be the same: rare, and left to joins here.
        let mut targets: Vec<&String> = same.iter().map(|(from, _)| from).collect();
        targets.sort();
        targets.dedup();
        if targets.len() < same.len() {
            return Err(Refusal::new("one end that is joined twice"));
        }
        Ok(left)
    }
}

impl Query {
    fn add(&mut self, place: Place) -> Result<usize, Refusal> {
        let index = self.places.len();
        let mut column =
            ColumnDescription::new(index.to_string(), place.shape.data_type(), "a value");
        column.detail =
            serde_json::to_value(place).map_err(|error| Refusal::new(error.to_string()))?;
        self.places.push(column);
        Ok(index)
    }

    fn make(&mut self, name: &str, shape: Shape) -> Result<(), Refusal> {
        let origin = Origin::Made;
        let index = self.add(Place { variable: name.to_owned(), origin, shape, as_text: false })?;
        self.outputs.push((name.to_owned(), index));
        Ok(())
    }

    fn index(&self, expression: &Expr) -> Result<usize, Refusal> {
        let Expr::Column(column) = expression else {
            return Err(Refusal::new(format!("{expression} is not computed in Neo4j")));
        };
        let output = self.outputs.iter().find(|(name, _)| *name == column.name);
        output
            .map(|(_, index)| *index)
            .ok_or_else(|| Refusal::new(format!("no column \"{}\"", column.name)))
    }

    fn key(&self, key: &Sort) -> Result<(usize, bool, bool), Refusal> {
        Ok((self.index(&key.expr)?, key.asc, key.nulls_first))
    }

    /// The places as a table, over which conditions are read.
    fn table(&self) -> TableDescription {
        TableDescription::new(TableName::new("", ""), self.places.clone())
    }

    /// The expression over the places.
    fn resolved(&self, expression: &Expr) -> Result<Expr, Refusal> {
        let resolved = expression.clone().transform(|expression| {
            let Expr::Column(_) = &expression else { return Ok(Transformed::no(expression)) };
            let index = self
                .index(&expression)
                .map_err(|refusal| datafusion::error::DataFusionError::Plan(refusal.to_string()))?;
            Ok(Transformed::yes(Expr::Column(Column::new_unqualified(index.to_string()))))
        });
        Ok(resolved?.data)
    }
}

/// A condition whose places come after others.
fn shifted(condition: Expr, offset: usize) -> Result<Expr, Refusal> {
    let shifted = condition.transform(|expression| {
        let Expr::Column(column) = &expression else { return Ok(Transformed::no(expression)) };
        let index: usize = column.name.parse().unwrap_or(usize::MAX / 2);
        Ok(Transformed::yes(Expr::Column(Column::new_unqualified((index + offset).to_string()))))
    });
    Ok(shifted?.data)
}

fn rename(variable: &mut String, same: &[(String, String)]) {
    if let Some((_, to)) = same.iter().find(|(from, _)| from == variable) {
        variable.clone_from(to);
    }
}

fn name(name: &str) -> Result<String, Refusal> {
    quoted(name).ok_or_else(|| Refusal::new(format!("\"{name}\" is no name in Cypher")))
}

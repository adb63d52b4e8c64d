//! Fragments as aggregation pipelines.
//!
//! A projection is no stage: columns are paths into the documents, and the last stage keeps the wanted ones. See
//! [`filter`](crate::filter) and [`group`](crate::group) for what each stage means.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use medley_core::inference::Shape;
use medley_core::predicate::Predicate;
use medley_core::{
    Capabilities, ColumnDescription, Error, Fragment, Pushdown, Refusal, RemoteQuery, Result,
    TableDescription, TableName, capabilities,
};
use mongodb::bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use crate::filter::{Place, condition, has_path, place};
use crate::group;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The pipeline in canonical Extended JSON, which keeps every type.
    stages: Vec<serde_json::Value>,
    pub(crate) table: TableName,
    /// The answer's columns: each is a field of its documents.
    pub(crate) columns: Vec<(String, Shape)>,
    /// Whether the columns are computed, so that a value that does not fit is an error.
    pub(crate) computed: bool,
    /// The row that stands for no document at all: for each column, whether it is 0; else it is NULL.
    pub(crate) row_of_nothing: Option<Vec<bool>>,
}

impl Plan {
    pub(crate) fn pipeline(&self) -> Result<Vec<Document>> {
        self.stages
            .iter()
            .map(|stage| match Bson::try_from(stage.clone()) {
                Ok(Bson::Document(document)) => Ok(document),
                _ => Err(Error::internal("read remote query", "a stage that is not a document")),
            })
            .collect()
    }
}

pub(crate) fn capabilities() -> Capabilities {
    use capabilities::Operator::{Aggregate, Sort};
    let selection = Capabilities::selection()
        .with_operators([Aggregate, Sort])
        .with_functions(&["get_field"])
        .with_aggregates(&["count", "max", "min", "sum"]);
    Capabilities { infers_schema: true, ..selection }
}

/// What a stage gives.
pub(crate) struct Level {
    table: TableName,
    stages: Vec<Document>,
    /// Filters that are still to become one `$match`.
    matches: Vec<Bson>,
    /// The columns as a table, whose details are their places.
    columns: TableDescription,
    /// For each output column the table's column.
    outputs: Vec<(String, usize)>,
    /// Rows of documents from the collection, of which each field may be anything.
    is_stored: bool,
    /// Whether a global aggregate was made, and which of its columns are counts.
    global: Option<BTreeMap<String, bool>>,
    is_limited: bool,
}

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let mut level = walk(fragment, capabilities)?;
    level.flush();
    let (renames, columns) = level.answer()?;
    level.stages.extend(renames);
    let text = display(&level.table, &level.stages);
    let stages = level
        .stages
        .into_iter()
        .map(|stage| Bson::Document(stage).into_canonical_extjson())
        .collect();
    let fields: Vec<_> = level
        .outputs
        .iter()
        .zip(&columns)
        .map(|((name, _), (_, shape))| Field::new(name, shape.data_type(), true))
        .collect();
    let row_of_nothing = level.global.as_ref().map(|counts| {
        let is_count = |(_, index): &(String, usize)| {
            counts.get(&level.columns.columns[*index].name).copied().unwrap_or(false)
        };
        level.outputs.iter().map(is_count).collect()
    });
    let plan =
        Plan { stages, table: level.table, columns, computed: !level.is_stored, row_of_nothing };
    let query = RemoteQuery::new(text, Schema::new(fields).into(), &plan)?;
    Ok(Pushdown::Exact(query))
}

fn walk(fragment: &Fragment, capabilities: &Capabilities) -> Result<Level, Refusal> {
    match fragment {
        Fragment::Scan(table) => Level::scan(table),
        Fragment::Filter { input, predicate } => {
            let mut level = walk(input, capabilities)?;
            level.refuse_global("a filter")?;
            if level.is_limited {
                level.flush();
                level.is_limited = false;
            }
            let predicate = level.resolved(predicate)?;
            let predicate = Predicate::parse(&predicate, &level.columns, capabilities)?;
            level.matches.push(Bson::Document(condition(&predicate)?));
            Ok(level)
        }
        Fragment::Project { input, expressions } => {
            let mut level = walk(input, capabilities)?;
            let mut outputs = Vec::new();
            for (expression, name) in expressions {
                let index = level.index(expression)?;
                outputs.push((name.clone(), index));
            }
            level.outputs = outputs;
            Ok(level)
        }
        Fragment::Aggregate { input, group, aggregates } => {
            let mut level = walk(input, capabilities)?;
            level.refuse_global("a group")?;
            let (stages, columns) = group::group(&mut level, group, aggregates)?;
            level.flush();
            level.stages.extend(stages);
            level.global = group.is_empty().then(|| {
                let is_count =
                    |e: &Expr| matches!(e, Expr::AggregateFunction(f) if f.func.name() == "count");
                aggregates.iter().map(|(e, name)| (name.clone(), is_count(e))).collect()
            });
            level.replace(columns);
            Ok(level)
        }
        Fragment::Sort { .. } => Err(Refusal::new("an order of all documents is made here")),
        Fragment::Limit { input, skip, fetch } => limit(input, *skip, *fetch, capabilities),
        Fragment::Join { .. } => Err(Refusal::new("joins are not pushed down to MongoDB")),
        Fragment::Union(_) => Err(Refusal::new("UNION is not pushed down to MongoDB")),
        Fragment::Unnest { .. } => Err(Refusal::new("UNNEST is not pushed down to MongoDB")),
    }
}

/// A limit, and the order below it, which is made only where few documents are kept.
fn limit(
    input: &Fragment,
    skip: usize,
    fetch: Option<usize>,
    capabilities: &Capabilities,
) -> Result<Level, Refusal> {
    // MongoDB takes no limit of zero.
    if fetch == Some(0) {
        return Err(Refusal::new("a limit of no rows"));
    }
    let (input, keys) = match input {
        Fragment::Sort { input, keys } if fetch.is_some() => (input.as_ref(), Some(keys)),
        input => (input, None),
    };
    let mut level = walk(input, capabilities)?;
    level.refuse_global("a limit")?;
    level.flush();
    if let Some(keys) = keys {
        let stages = group::sort(&mut level, keys)?;
        level.stages.extend(stages);
    }
    if skip > 0 {
        level.stages.push(doc! { "$skip": whole(skip)? });
    }
    if let Some(fetch) = fetch {
        level.stages.push(doc! { "$limit": whole(fetch)? });
    }
    if keys.is_some() {
        level.stages.push(group::unwrap_sorted());
    }
    level.is_limited = true;
    Ok(level)
}

impl Level {
    fn scan(table: &TableDescription) -> Result<Self, Refusal> {
        let mut columns = table.clone();
        for column in &mut columns.columns {
            let shape = Shape::deserialize(&column.detail)
                .map_err(|error| Refusal::new(error.to_string()))?;
            let path = if has_path(&column.name) { column.name.clone() } else { String::new() };
            *column = with_place(column, Place { path, shape, is_clean: false })?;
        }
        let outputs =
            columns.columns.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        Ok(Self {
            table: table.name.clone(),
            stages: Vec::new(),
            matches: Vec::new(),
            columns,
            outputs,
            is_stored: true,
            global: None,
            is_limited: false,
        })
    }

    fn replace(&mut self, columns: Vec<ColumnDescription>) {
        self.outputs = columns.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        self.columns.columns = columns;
        (self.is_stored, self.is_limited) = (false, false);
    }

    fn refuse_global(&self, what: &str) -> Result<(), Refusal> {
        if self.global.is_some() {
            return Err(Refusal::new(format!("{what} above the one row of a global aggregate")));
        }
        Ok(())
    }

    fn flush(&mut self) {
        match self.matches.len() {
            0 => {}
            1 => self.stages.push(doc! { "$match": self.matches.remove(0) }),
            _ => {
                let all = std::mem::take(&mut self.matches);
                self.stages.push(doc! { "$match": { "$and": all } });
            }
        }
    }

    /// The column that an expression is: one of the outputs, or a field inside one, which becomes a column.
    fn index(&mut self, expression: &Expr) -> Result<usize, Refusal> {
        match expression {
            Expr::Alias(alias) => self.index(&alias.expr),
            Expr::Column(column) => self
                .outputs
                .iter()
                .find(|(name, _)| *name == column.name)
                .map(|(_, index)| *index)
                .ok_or_else(|| Refusal::new(format!("no column \"{}\"", column.name))),
            Expr::ScalarFunction(function) if function.name() == "get_field" => {
                let Some((first, path)) = function.args.split_first() else {
                    return Err(Refusal::new("get_field of nothing"));
                };
                let mut index = self.index(first)?;
                for name in path {
                    let Expr::Literal(name, _) = name else {
                        return Err(Refusal::new("a field whose name is computed"));
                    };
                    let name = name.try_as_str().flatten().unwrap_or_default().to_owned();
                    index = self.field(index, &name)?;
                }
                Ok(index)
            }
            _ => Err(Refusal::new(format!("{expression} is not computed in MongoDB"))),
        }
    }

    /// The column that an expression is.
    pub(crate) fn column(&mut self, expression: &Expr) -> Result<ColumnDescription, Refusal> {
        let index = self.index(expression)?;
        Ok(self.columns.columns[index].clone())
    }

    fn field(&mut self, index: usize, name: &str) -> Result<usize, Refusal> {
        let Place { path, shape, .. } = place(&self.columns.columns[index])?;
        let Shape::Struct(fields) = shape else {
            return Err(Refusal::new("a field of no document"));
        };
        let found = fields.into_iter().find(|(field, _)| field == name);
        let Some((_, shape)) = found.filter(|_| !path.is_empty() && has_path(name)) else {
            return Err(Refusal::new(format!("field \"{name}\" has no path in MongoDB")));
        };
        let path = format!("{path}.{name}");
        let known = self.columns.columns.iter().position(|column| column.name == path);
        if let Some(index) = known {
            return Ok(index);
        }
        let column = ColumnDescription::new(&path, shape.data_type(), "field");
        self.columns.columns.push(with_place(&column, Place { path, shape, is_clean: false })?);
        Ok(self.columns.columns.len() - 1)
    }

    /// The expression over the table's own columns.
    fn resolved(&mut self, expression: &Expr) -> Result<Expr, Refusal> {
        let mut failure = None;
        let resolved = expression.clone().transform_down(|expression| {
            let is_field =
                matches!(&expression, Expr::ScalarFunction(f) if f.name() == "get_field");
            if !is_field && !matches!(expression, Expr::Column(_)) {
                return Ok(Transformed::no(expression));
            }
            Ok(match self.index(&expression) {
                Ok(index) => {
                    let name = &self.columns.columns[index].name;
                    let column = Expr::Column(Column::new_unqualified(name));
                    Transformed::new(column, true, TreeNodeRecursion::Jump)
                }
                Err(refusal) => {
                    failure = Some(refusal);
                    Transformed::no(expression)
                }
            })
        });
        if let Some(refusal) = failure {
            return Err(refusal);
        }
        let resolved = resolved?;
        // An output and a column of the table may share a name and not be the same: then nothing is sure.
        for (name, index) in &self.outputs {
            let other = self.columns.column(name).is_some_and(|(known, _)| known != *index);
            if other {
                return Err(Refusal::new(format!("two columns are called \"{name}\"")));
            }
        }
        Ok(resolved.data)
    }

    /// The stage that leaves only what is wanted, and the fields that are then read.
    #[expect(clippy::type_complexity, reason = "a stage, and columns as they are read")]
    fn answer(&self) -> Result<(Option<Document>, Vec<(String, Shape)>), Refusal> {
        let mut places = Vec::new();
        for (name, index) in &self.outputs {
            places.push((
                name,
                &self.columns.columns[*index],
                place(&self.columns.columns[*index])?,
            ));
        }
        let plain = places.iter().all(|(_, column, place)| {
            place.path == column.name && !place.path.contains('.') || place.path.is_empty()
        });
        let columns = |named: bool| {
            let name = |own: &str, column: &ColumnDescription| {
                if named { own.to_owned() } else { column.name.clone() }
            };
            places
                .iter()
                .map(|(own, column, place)| (name(own, column), place.shape.clone()))
                .collect()
        };
        if plain {
            let unpathed = places.iter().any(|(_, _, place)| place.path.is_empty());
            let distinct: std::collections::BTreeSet<_> =
                places.iter().map(|(_, column, _)| &column.name).collect();
            if distinct.len() < places.len() {
                return Err(Refusal::new("one column under two names"));
            }
            let whole = places.len() == self.columns.columns.len();
            if unpathed || whole {
                return Ok((None, columns(false)));
            }
            let mut fields: Document =
                places.iter().map(|(_, _, place)| (place.path.clone(), Bson::Int32(1))).collect();
            if !fields.contains_key("_id") {
                // A projection of nothing would be one of everything.
                fields.insert("_id", i32::from(places.is_empty()));
            }
            return Ok((Some(doc! { "$project": fields }), columns(false)));
        }
        let mut fields = doc! { "_id": 0 };
        for (name, _, place) in &places {
            if place.path.is_empty() || !has_path(name) {
                return Err(Refusal::new(format!("field \"{name}\" has no path in MongoDB")));
            }
            fields.insert(*name, format!("${}", place.path));
        }
        Ok((Some(doc! { "$project": fields }), columns(true)))
    }
}

fn with_place(column: &ColumnDescription, place: Place) -> Result<ColumnDescription, Refusal> {
    let detail = serde_json::to_value(place).map_err(|error| Refusal::new(error.to_string()))?;
    Ok(ColumnDescription { detail, ..column.clone() })
}

fn whole(rows: usize) -> Result<i64, Refusal> {
    i64::try_from(rows).map_err(|_| Refusal::new("a limit beyond 64 bits"))
}

fn display(table: &TableName, stages: &[Document]) -> String {
    let stages: Vec<_> = stages
        .iter()
        .map(|stage| Bson::Document(stage.clone()).into_relaxed_extjson().to_string())
        .collect();
    format!(
        "db.getSiblingDB({:?}).getCollection({:?}).aggregate([{}])",
        table.schema,
        table.table,
        stages.join(", ")
    )
}

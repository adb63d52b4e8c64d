//! What goes down to Redis: the placeholders' values as direct reads, ranges inside keys, the wanted fields, a limit, and
//! the number of rows.
//!
//! Equality and IN on every placeholder of a pattern name the keys, which are read in pipelines. A bigint placeholder
//! takes only numbers as Redis would print them, and text stands for itself, so a value has one key and the answer is
//! exact. A text's beginning narrows the SCAN. Scores, places and ids are ranges inside keys, see [`range`](crate::range).
//! Nothing else is compared in Redis, which has no types. Rows are counted by the keys' own cardinalities.

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;
use medley_core::fragment::Selection;
use medley_core::inference::Shape;
use medley_core::predicate::{Comparison, PatternPart, Predicate};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::catalog::{Detail, Part, Source};
use crate::config::KeyKind;
use crate::range::Range;

/// What travels to [`execute`](crate::execute).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<(String, Detail)>,
    /// The placeholders' shapes, against which keys are checked.
    pub(crate) placeholders: Vec<Shape>,
    /// The keys to read; all that fit the pattern if none.
    pub(crate) keys: Option<Vec<String>>,
    /// What the placeholders' values must begin with.
    pub(crate) beginnings: Vec<String>,
    /// What is read of each key.
    pub(crate) range: Range,
    /// How many columns say how many rows there are; none if the rows are read.
    pub(crate) counts: Option<usize>,
    pub(crate) skip: usize,
    pub(crate) fetch: Option<usize>,
}

/// More combinations of placeholder values than this are not spelt out.
const KEYS_MAX: usize = 1_000_000;
/// Keys shown by EXPLAIN.
const KEYS_SHOWN: usize = 10;

pub(crate) fn translate(
    fragment: &Fragment,
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    // A count may be renamed above it.
    let (counted, names) = match fragment {
        Fragment::Project { input, expressions } => (input.as_ref(), Some(expressions)),
        other => (other, None),
    };
    if let Fragment::Aggregate { input, group, aggregates } = counted {
        return count(input, group, aggregates, names.unwrap_or(aggregates), capabilities);
    }
    let (plan, selection) = select(fragment, capabilities)?;
    let schema = selection.table.schema_of(selection.columns.iter().copied());
    Ok(Pushdown::Exact(RemoteQuery::new(plan.display(), schema, &plan)?))
}

/// A count of all rows, under one or more names.
fn count(
    input: &Fragment,
    group: &[(Expr, String)],
    aggregates: &[(Expr, String)],
    outputs: &[(Expr, String)],
    capabilities: &Capabilities,
) -> Result<Pushdown, Refusal> {
    let is_count = |expression: &Expr| match expression {
        Expr::AggregateFunction(function) => {
            let params = &function.params;
            let all =
                matches!(params.args.as_slice(), [Expr::Literal(value, _)] if !value.is_null());
            function.func.name() == "count" && all && !params.distinct && params.filter.is_none()
        }
        _ => false,
    };
    let is_output =
        |expression: &Expr| matches!(expression, Expr::Column(_)) || is_count(expression);
    let all_counts = aggregates.iter().all(|(expression, _)| is_count(expression));
    let all_outputs = outputs.iter().all(|(expression, _)| is_output(expression));
    if !group.is_empty() || !all_counts || !all_outputs {
        return Err(Refusal::new("Redis counts rows, and computes nothing else"));
    }
    let (mut plan, selection) = select(input, capabilities)?;
    if selection.fetch.is_some() || selection.skip > 0 {
        return Err(Refusal::new("a count above a limit"));
    }
    let ranged = plan.range.scores().is_some() && plan.source.kind == KeyKind::Zset;
    if plan.range != Range::default() && !ranged {
        return Err(Refusal::new("Redis counts whole keys, and members by score"));
    }
    plan.columns.clear();
    plan.counts = Some(outputs.len());
    let fields: Vec<_> =
        outputs.iter().map(|(_, name)| Field::new(name, DataType::Int64, false)).collect();
    let schema = Schema::new(fields).into();
    Ok(Pushdown::Exact(RemoteQuery::new(plan.display(), schema, &plan)?))
}

fn select<'f>(
    fragment: &'f Fragment,
    capabilities: &Capabilities,
) -> Result<(Plan, Selection<'f>), Refusal> {
    let selection = fragment.as_selection()?;
    let table = selection.table;
    let source =
        Source::deserialize(&table.detail).map_err(|error| Refusal::new(error.to_string()))?;
    let mut wanted = Wanted {
        values: vec![None; source.pattern.placeholders.len()],
        beginnings: vec![String::new(); source.pattern.placeholders.len()],
        range: Range::default(),
        kind: source.kind,
    };
    for filter in &selection.filters {
        wanted.narrow(&Predicate::parse(filter, table, capabilities)?)?;
    }
    let Wanted { values, beginnings, range, .. } = wanted;
    let keys = keys(&source, &values)?;
    let columns = selection
        .columns
        .iter()
        .map(|index| Ok((table.columns[*index].name.clone(), detail(&table.columns[*index])?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let plan = Plan {
        placeholders: placeholder_shapes(
            table.columns.as_slice(),
            source.pattern.placeholders.len(),
        )?,
        source,
        table: table.name.clone(),
        columns,
        keys,
        beginnings,
        range,
        counts: None,
        skip: selection.skip,
        fetch: selection.fetch,
    };
    Ok((plan, selection))
}

fn detail(column: &ColumnDescription) -> Result<Detail, Refusal> {
    Detail::deserialize(&column.detail).map_err(|error| Refusal::new(error.to_string()))
}

fn placeholder_shapes(columns: &[ColumnDescription], count: usize) -> Result<Vec<Shape>, Refusal> {
    let mut shapes = vec![Shape::Text; count];
    for column in columns {
        let Detail { part, shape } = detail(column)?;
        if let Part::Placeholder(index) = part {
            shapes[index] = shape;
        }
    }
    Ok(shapes)
}

/// What the filters admit.
struct Wanted {
    values: Vec<Option<Vec<String>>>,
    beginnings: Vec<String>,
    range: Range,
    kind: KeyKind,
}

impl Wanted {
    fn narrow(&mut self, predicate: &Predicate<'_>) -> Result<(), Refusal> {
        match predicate {
            Predicate::Compare(column, comparison, value) => {
                self.compare(column, *comparison, value)
            }
            Predicate::InList(column, values) => {
                let values = values.iter().map(key_text).collect::<Result<_, _>>()?;
                self.admit(column, values)
            }
            Predicate::Like(column, parts, false) => match (detail(column)?, parts.as_slice()) {
                (
                    Detail { part: Part::Placeholder(index), shape: Shape::Text },
                    [PatternPart::Text(text), PatternPart::Any],
                ) => {
                    let known = &mut self.beginnings[index];
                    if text.starts_with(known.as_str()) {
                        known.clone_from(text);
                    } else if !known.starts_with(text) {
                        return Err(Refusal::new("two beginnings of one text"));
                    }
                    Ok(())
                }
                _ => Err(Refusal::new("Redis matches only how a part of a key begins")),
            },
            Predicate::Like(..) => Err(Refusal::new("Redis matches only how a key begins")),
            Predicate::IsNull(_) | Predicate::IsNotNull(_) => {
                Err(Refusal::new("a part of a key is never NULL"))
            }
            Predicate::And(parts) => parts.iter().try_for_each(|part| self.narrow(part)),
            Predicate::Or(_) => Err(Refusal::new("Redis reads keys, and combines nothing")),
        }
    }

    fn compare(
        &mut self,
        column: &ColumnDescription,
        comparison: Comparison,
        value: &ScalarValue,
    ) -> Result<(), Refusal> {
        match (detail(column)?.part, self.kind) {
            (Part::Placeholder(_), _) if comparison == Comparison::Equal => {
                self.admit(column, vec![key_text(value)?])
            }
            (Part::Value(name), KeyKind::Zset) if name == "score" => {
                self.range.score(comparison, value)
            }
            (Part::Value(name), KeyKind::List) if name == "index" => {
                self.range.place(comparison, value)
            }
            (Part::Value(name), KeyKind::Stream)
                if name == "id" && comparison == Comparison::Equal && self.range.id.is_none() =>
            {
                let id = key_text(value)?;
                let canonical =
                    id.split_once('-').is_some_and(|(a, b)| [a, b].iter().all(|n| is_canonical(n)));
                if !canonical {
                    return Err(Refusal::new("text that is no id as Redis prints it"));
                }
                self.range.id = Some(id);
                Ok(())
            }
            (Part::Placeholder(_), _) => Err(Refusal::new("Redis has no ranges of keys")),
            _ => Err(Refusal::new(format!("\"{}\" is not part of the key", column.name))),
        }
    }

    fn admit(
        &mut self,
        column: &ColumnDescription,
        mut wanted: Vec<String>,
    ) -> Result<(), Refusal> {
        let Part::Placeholder(index) = detail(column)?.part else {
            return Err(Refusal::new(format!("\"{}\" is not part of the key", column.name)));
        };
        if let Some(known) = &self.values[index] {
            wanted.retain(|value| known.contains(value));
        }
        wanted.sort();
        wanted.dedup();
        self.values[index] = Some(wanted);
        Ok(())
    }
}

/// A number as Redis prints it.
fn is_canonical(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
}

fn key_text(value: &ScalarValue) -> Result<String, Refusal> {
    match value {
        ScalarValue::Int64(Some(value)) => Ok(value.to_string()),
        ScalarValue::Utf8(Some(text)) => Ok(text.clone()),
        other => Err(Refusal::new(format!("a {} is not part of a key", other.data_type()))),
    }
}

/// Every combination of the placeholders' values as a key; none without filters.
fn keys(source: &Source, values: &[Option<Vec<String>>]) -> Result<Option<Vec<String>>, Refusal> {
    if values.iter().all(Option::is_none) {
        return Ok(None);
    }
    let values: Option<Vec<&Vec<String>>> = values.iter().map(Option::as_ref).collect();
    let values = values.ok_or_else(|| Refusal::new("only some of the key's parts are given"))?;
    let count = values.iter().try_fold(1_usize, |count, list| count.checked_mul(list.len()));
    if count.is_none_or(|count| count > KEYS_MAX) {
        return Err(Refusal::new("too many combinations of the key's parts"));
    }
    let mut combinations: Vec<Vec<&str>> = vec![Vec::new()];
    for list in values {
        combinations = combinations
            .iter()
            .flat_map(|start| {
                list.iter().map(move |value| [start.as_slice(), &[value.as_str()]].concat())
            })
            .collect();
    }
    Ok(Some(
        combinations.iter().filter_map(|combination| source.pattern.key(combination)).collect(),
    ))
}

impl Plan {
    fn display(&self) -> String {
        let fields: Vec<_> = self.fields();
        let read = self.source.kind.redis_type().to_uppercase();
        let fields =
            if fields.is_empty() { String::new() } else { format!(" {}", fields.join(" ")) };
        let read = match self.counts {
            Some(_) => format!("count {read}"),
            None => read,
        };
        let fields = format!("{fields}{}", self.range.display());
        let limit = self.fetch.map_or(String::new(), |fetch| format!(" until {fetch} rows"));
        match &self.keys {
            None => format!(
                "SCAN MATCH {:?} TYPE {} -> {read}{fields}{limit}",
                self.source.pattern.glob(&self.beginnings),
                self.source.kind.redis_type()
            ),
            Some(keys) => {
                let shown: Vec<_> =
                    keys.iter().take(KEYS_SHOWN).map(|key| format!("{key:?}")).collect();
                let more = keys.len().saturating_sub(KEYS_SHOWN);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{read}{fields} of {}{more}{limit}", shown.join(" "))
            }
        }
    }

    /// The names of the values that are wanted.
    pub(crate) fn fields(&self) -> Vec<&str> {
        self.columns
            .iter()
            .filter_map(|(_, detail)| match &detail.part {
                Part::Value(name) => Some(name.as_str()),
                Part::Placeholder(_) | Part::Key | Part::Ttl => None,
            })
            .collect()
    }
}

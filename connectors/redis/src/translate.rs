//! What goes down to Redis: the placeholders' values as direct reads, the wanted fields, and a limit.
//!
//! Equality and IN on every placeholder of a pattern name the keys, which are read in pipelines. A bigint placeholder
//! takes only numbers as Redis would print them, and text stands for itself, so a value has one key and the answer is
//! exact. Nothing else is compared in Redis, which has no types.

use datafusion::scalar::ScalarValue;
use medley_core::inference::Shape;
use medley_core::predicate::{Comparison, Predicate};
use medley_core::{
    Capabilities, ColumnDescription, Fragment, Pushdown, Refusal, RemoteQuery, TableName,
};
use serde::{Deserialize, Serialize};

use crate::catalog::{Detail, Part, Source};

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
    let selection = fragment.as_selection()?;
    let table = selection.table;
    let source =
        Source::deserialize(&table.detail).map_err(|error| Refusal::new(error.to_string()))?;
    let mut values: Vec<Option<Vec<String>>> = vec![None; source.pattern.placeholders.len()];
    for filter in &selection.filters {
        let (column, mut wanted) = wanted(&Predicate::parse(filter, table, capabilities)?)?;
        let Part::Placeholder(index) = detail(column)?.part else {
            return Err(Refusal::new(format!("\"{}\" is not part of the key", column.name)));
        };
        if let Some(known) = &values[index] {
            wanted.retain(|value| known.contains(value));
        }
        wanted.sort();
        wanted.dedup();
        values[index] = Some(wanted);
    }
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
        skip: selection.skip,
        fetch: selection.fetch,
    };
    let schema = table.schema_of(selection.columns.iter().copied());
    Ok(Pushdown::Exact(RemoteQuery::new(plan.display(), schema, &plan)?))
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

/// The values that a predicate admits, as they stand in a key.
fn wanted<'a>(predicate: &Predicate<'a>) -> Result<(&'a ColumnDescription, Vec<String>), Refusal> {
    match predicate {
        Predicate::Compare(column, Comparison::Equal, value) => {
            Ok((column, vec![key_text(value)?]))
        }
        Predicate::InList(column, values) => {
            Ok((column, values.iter().map(key_text).collect::<Result<_, _>>()?))
        }
        Predicate::Compare(..) => Err(Refusal::new("Redis has no ranges of keys")),
        Predicate::Like(..) => Err(Refusal::new("Redis matches keys only as they are given")),
        Predicate::IsNull(_) | Predicate::IsNotNull(_) => {
            Err(Refusal::new("a part of a key is never NULL"))
        }
        Predicate::And(_) | Predicate::Or(_) => {
            Err(Refusal::new("Redis reads keys, and combines nothing"))
        }
    }
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
        let limit = self.fetch.map_or(String::new(), |fetch| format!(" until {fetch} rows"));
        match &self.keys {
            None => format!(
                "SCAN MATCH {:?} TYPE {} -> {read}{fields}{limit}",
                self.source.pattern.glob(),
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

//! A part of a plan that one store runs, and what is asked of the store at last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use medley_core::capabilities::Operator;
use medley_core::{
    Connector, Fragment, Pushdown, Refusal, RemoteQuery, TableDescription, TableName,
    TableStatistics,
};

/// A fragment with the connector that accepted it: a table, as far as DataFusion is concerned.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The store.
    pub connector: Arc<dyn Connector>,
    /// What the store runs.
    pub fragment: Fragment,
    /// Whether the fragment's rows are all wanted; if not, filters are applied again above, and nothing may go below them.
    pub exact: bool,
    /// The columns as DataFusion sees them.
    pub schema: SchemaRef,
    /// For each of them, the fragment's column.
    pub columns: Vec<String>,
    /// The order in which rows come, by fragment columns.
    pub ordering: Vec<(String, SortOptions)>,
    /// The tables that are read, with what is known of them.
    pub tables: BTreeMap<TableName, (Arc<TableDescription>, Arc<TableStatistics>)>,
    /// What was offered to the store and refused, with the reasons.
    pub refusals: BTreeSet<String>,
}

/// A remote's native query.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The native query.
    pub query: RemoteQuery,
    /// What it runs.
    pub fragment: Fragment,
    /// The output columns, as indexes into the query's columns; none if they are the query's own.
    pub projection: Option<Vec<usize>>,
}

impl Remote {
    /// A whole table.
    #[must_use]
    pub fn table(
        connector: Arc<dyn Connector>,
        description: Arc<TableDescription>,
        statistics: TableStatistics,
    ) -> Self {
        let schema = description.schema();
        let columns = description.columns.iter().map(|column| column.name.clone()).collect();
        let tables = [(description.name.clone(), (description.clone(), Arc::new(statistics)))];
        Self {
            connector,
            fragment: Fragment::Scan(description),
            exact: true,
            schema,
            columns,
            ordering: Vec::new(),
            tables: tables.into(),
            refusals: BTreeSet::new(),
        }
    }

    /// The native query for some of the columns and a number of rows that is enough.
    ///
    /// # Errors
    /// The refusal of the fragment, which the connector accepted when it was grown.
    pub fn plan(
        &self,
        columns: &[usize],
        fetch: Option<usize>,
        may_project: bool,
    ) -> Result<Planned, Refusal> {
        let mut fragment = self.fragment.clone();
        if let Some(fetch) = fetch
            && self.exact
            && let Ok(limited) =
                offer(self.connector.as_ref(), limit(fragment.clone(), 0, Some(fetch)))
        {
            fragment = limited.0;
        }
        let wanted: Vec<&String> = columns.iter().filter_map(|i| self.columns.get(*i)).collect();
        let names: Vec<String> =
            fragment.schema()?.fields().iter().map(|field| field.name().clone()).collect();
        let same = wanted.len() == names.len() && wanted.iter().zip(&names).all(|(a, b)| *a == b);
        if !same && may_project && self.connector.capabilities().supports(Operator::Project) {
            let narrower = project(fragment.clone(), &wanted);
            let needed = wanted.iter().map(|name| (*name).clone()).collect();
            let narrower = narrower.pruned(&needed);
            if let Ok(pushdown) = self.connector.translate(&narrower) {
                let query = pushdown.into_query();
                return Ok(Planned { query, fragment: narrower, projection: None });
            }
        }
        let query = self.connector.translate(&fragment)?.into_query();
        let position = |name: &String| names.iter().position(|known| known == name);
        let projection = (!same).then(|| wanted.into_iter().filter_map(position).collect());
        Ok(Planned { query, fragment, projection })
    }
}

/// Offers a fragment. Answers with it and whether it is exact.
pub(crate) fn offer(
    connector: &dyn Connector,
    fragment: Fragment,
) -> Result<(Fragment, bool), Refusal> {
    let Some(operator) = fragment.operator() else { return Ok((fragment, true)) };
    if !connector.capabilities().supports(operator) {
        return Err(Refusal::new(format!("the store takes no {operator:?}")));
    }
    let exact = matches!(connector.translate(&fragment)?, Pushdown::Exact(_));
    Ok((fragment, exact))
}

/// A limit on top; one on a limit becomes one.
pub(crate) fn limit(input: Fragment, skip: usize, fetch: Option<usize>) -> Fragment {
    match input {
        Fragment::Limit { input, skip: below, fetch: most } => {
            let left = most.map(|most| most.saturating_sub(skip));
            let fetch = match (fetch, left) {
                (Some(fetch), Some(left)) => Some(fetch.min(left)),
                (fetch, left) => fetch.or(left),
            };
            Fragment::Limit { input, skip: below.saturating_add(skip), fetch }
        }
        input => Fragment::Limit { input: Box::new(input), skip, fetch },
    }
}

/// Some columns under their own names, each once.
fn project(input: Fragment, names: &[&String]) -> Fragment {
    let expressions = names
        .iter()
        .map(|name| (Expr::Column(Column::new_unqualified(name.as_str())), (*name).clone()))
        .collect();
    Fragment::Project { input: Box::new(input), expressions }
}

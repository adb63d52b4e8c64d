//! Grows a scan into a selection: filters, then a projection, then a limit, each offered to the connector.
//!
//! ```text
//! TableScan: orders, filters=[o_custkey = 7, o_comment LIKE '%x%'], projection=[o_orderkey], limit=10
//!   becomes
//! Fragment: Project[o_orderkey] <- Filter[o_custkey = 7] <- Scan[orders]
//!   with `o_comment LIKE '%x%'` left above, and therefore the limit too
//! ```
//!
//! Conjuncts are offered one by one, so that one which is refused does not keep the others back. A limit goes down
//! only when every filter went down exactly: below a filter that is applied again it would take rows away.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use medley_core::capabilities::Operator;
use medley_core::{Connector, Fragment, Pushdown, Refusal, RemoteQuery, TableDescription};

/// What a scan is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// The output columns, as indexes into the table's.
    pub columns: &'a [usize],
    /// Conjuncts that [`is_pushable`] accepted.
    pub filters: &'a [Expr],
    /// The rows that are enough.
    pub fetch: Option<usize>,
}

/// A selection as the store will run it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The native query.
    pub query: RemoteQuery,
    /// The output columns, as indexes into the query's columns; none if they are the query's own.
    pub projection: Option<Vec<usize>>,
    /// Whether the limit is part of the query.
    pub limited: bool,
}

/// Says whether the store takes a conjunct over the table, and whether its answer is exact.
///
/// # Errors
/// The refusal.
pub fn is_pushable(
    connector: &dyn Connector,
    table: &Arc<TableDescription>,
    conjunct: &Expr,
) -> Result<bool, Refusal> {
    if !connector.capabilities().supports(Operator::Filter) {
        return Err(Refusal::new("the store takes no filters"));
    }
    let fragment = filter(Fragment::Scan(table.clone()), conjunct);
    connector.translate(&fragment).map(|pushdown| pushdown.is_exact())
}

/// Plans a selection.
///
/// # Errors
/// The refusal of a plain scan, which every connector must accept, or of filters that are refused together.
pub fn plan(
    connector: &dyn Connector,
    table: &Arc<TableDescription>,
    selection: Selection<'_>,
) -> Result<Planned, Refusal> {
    let scan = Fragment::Scan(table.clone());
    let mut fragment = selection.filters.iter().fold(scan, filter);
    let mut pushdown = connector.translate(&fragment)?;
    let mut projection = Some(selection.columns.to_vec());
    if connector.capabilities().supports(Operator::Project) {
        let narrower = project(fragment.clone(), table, selection.columns);
        if let Ok(accepted) = connector.translate(&narrower) {
            (fragment, pushdown, projection) = (narrower, accepted, None);
        }
    }
    let mut limited = false;
    if let Some(fetch) = selection.fetch
        && pushdown.is_exact()
        && connector.capabilities().supports(Operator::Limit)
    {
        let limit = Fragment::Limit { input: Box::new(fragment), skip: 0, fetch: Some(fetch) };
        if let Ok(Pushdown::Exact(query)) = connector.translate(&limit) {
            (pushdown, limited) = (Pushdown::Exact(query), true);
        }
    }
    Ok(Planned { query: pushdown.into_query(), projection, limited })
}

/// The conjunct on top, its columns named without their table.
fn filter(input: Fragment, conjunct: &Expr) -> Fragment {
    Fragment::Filter { input: Box::new(input), predicate: unqualified(conjunct) }
}

fn unqualified(expression: &Expr) -> Expr {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let stripped = expression.clone().transform(|expression| {
        Ok(match expression {
            Expr::Column(column) if column.relation.is_some() => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            other => Transformed::no(other),
        })
    });
    stripped.map_or_else(|_| expression.clone(), |transformed| transformed.data)
}

fn project(input: Fragment, table: &TableDescription, columns: &[usize]) -> Fragment {
    let expressions = columns
        .iter()
        .filter_map(|index| table.columns.get(*index))
        .map(|column| (Expr::Column(Column::new_unqualified(&column.name)), column.name.clone()))
        .collect();
    Fragment::Project { input: Box::new(input), expressions }
}

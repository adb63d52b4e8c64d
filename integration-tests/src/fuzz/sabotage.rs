//! Planted translation bugs: a connector that translates something else than it was asked to, to see that the fuzzer
//! notices. Some are made in the fragment, some in the native query.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use medley_core::config::CatalogOptions;
use medley_core::table::TableListing;
use medley_core::{
    Capabilities, Connector, ConnectorFactory, ConnectorInfo, ExecuteOptions, Fragment, Pushdown,
    Refusal, RemoteQuery, Result, TableDescription, TableName, TableStatistics,
};

/// What is wrong with a translation.
#[derive(Clone, Copy, Debug)]
pub enum Bug {
    /// Another fragment is translated, if this changes it.
    Fragment(fn(Fragment) -> Fragment),
    /// Other expressions are.
    Expression(fn(&Expr) -> Option<Expr>),
    /// Text of the native query is replaced.
    Text(&'static str, &'static str),
    /// A superset passes for exact.
    Superset,
}

/// The bugs, each with a name.
#[must_use]
pub fn bugs() -> Vec<(&'static str, Bug)> {
    let mut all = fragment_bugs();
    all.extend(expression_bugs());
    all.extend(text_bugs());
    all
}

fn fragment_bugs() -> Vec<(&'static str, Bug)> {
    use Bug::Fragment;
    vec![
        ("filter dropped", Fragment(|f| with(f, &drop_filter))),
        ("projection keeps the first column only", Fragment(|f| with(f, &first_column))),
        (
            "limit one too many",
            Fragment(|f| with(f, &|f| limit(f, |skip, n| (skip, n.map(|n| n + 1))))),
        ),
        (
            "limit one too few",
            Fragment(|f| with(f, &|f| limit(f, |skip, n| (skip, n.map(|n| n.saturating_sub(1)))))),
        ),
        ("limit dropped", Fragment(|f| with(f, &|f| limit(f, |skip, _| (skip, None))))),
        ("offset dropped", Fragment(|f| with(f, &|f| limit(f, |_, n| (0, n))))),
        ("limit below the sort", Fragment(|f| with(f, &limit_first))),
        ("limit below the filter", Fragment(|f| with(f, &limit_below_filter))),
        ("order reversed", Fragment(|f| with(f, &|f| order(f, |asc, nulls| (!asc, nulls))))),
        (
            "nulls at the other end",
            Fragment(|f| with(f, &|f| order(f, |asc, nulls| (asc, !nulls)))),
        ),
        ("last sort key dropped", Fragment(|f| with(f, &last_key))),
        ("last group key dropped", Fragment(|f| with(f, &last_group))),
        (
            "inner join made left",
            Fragment(|f| with(f, &|f| joined(f, JoinType::Inner, JoinType::Left))),
        ),
        (
            "left join made inner",
            Fragment(|f| with(f, &|f| joined(f, JoinType::Left, JoinType::Inner))),
        ),
        (
            "right join made inner",
            Fragment(|f| with(f, &|f| joined(f, JoinType::Right, JoinType::Inner))),
        ),
        (
            "semi join made anti",
            Fragment(|f| with(f, &|f| joined(f, JoinType::LeftSemi, JoinType::LeftAnti))),
        ),
        (
            "anti join made semi",
            Fragment(|f| with(f, &|f| joined(f, JoinType::LeftAnti, JoinType::LeftSemi))),
        ),
        ("join condition dropped", Fragment(|f| with(f, &join_filter))),
        ("NULL equals NULL in a join", Fragment(|f| with(f, &|f| nulls_equal(f, true)))),
        ("NULL equals nothing in INTERSECT", Fragment(|f| with(f, &|f| nulls_equal(f, false)))),
        ("union without its last input", Fragment(|f| with(f, &last_input))),
    ]
}

fn expression_bugs() -> Vec<(&'static str, Bug)> {
    use Bug::Expression;
    vec![
        ("< made <=", Expression(|e| operator(e, Operator::Lt, Operator::LtEq))),
        ("<= made <", Expression(|e| operator(e, Operator::LtEq, Operator::Lt))),
        ("> made >=", Expression(|e| operator(e, Operator::Gt, Operator::GtEq))),
        (">= made >", Expression(|e| operator(e, Operator::GtEq, Operator::Gt))),
        ("= made <=", Expression(|e| operator(e, Operator::Eq, Operator::LtEq))),
        ("<> made >", Expression(|e| operator(e, Operator::NotEq, Operator::Gt))),
        ("AND made OR", Expression(|e| operator(e, Operator::And, Operator::Or))),
        ("OR made AND", Expression(|e| operator(e, Operator::Or, Operator::And))),
        ("OR branch skipped", Expression(skip_branch)),
        (
            "NOT dropped",
            Expression(|e| if let Expr::Not(inner) = e { Some((**inner).clone()) } else { None }),
        ),
        (
            "IS NULL made IS NOT NULL",
            Expression(|e| {
                if let Expr::IsNull(i) = e { Some(Expr::IsNotNull(i.clone())) } else { None }
            }),
        ),
        ("IN without its last value", Expression(shorter_list)),
        ("NOT IN made IN", Expression(not_in)),
    ]
}

fn text_bugs() -> Vec<(&'static str, Bug)> {
    use Bug::Text;
    vec![
        ("NaN guard lost", Text("<> 'NaN'", "IS NOT NULL")),
        ("infinity guard lost", Text("isfinite(", "(NULL IS NULL) AND NOT 'x' = text(")),
        ("collation lost in Postgres", Text(" COLLATE \\\"C\\\"", " COLLATE \\\"en-x-icu\\\"")),
        ("null order lost", Text("NULLS FIRST", "NULLS LAST")),
        ("class guard lost in SQLite", Text("typeof(", "iif(1, 'integer', ")),
        ("binary collation lost in SQLite", Text("COLLATE BINARY", "COLLATE NOCASE")),
        ("day guard lost in SQLite", Text("coalesce(date(", "iif(1, 1, iif(")),
        (
            "type guard lost in MongoDB",
            Text("\"$type\":[\"string\"]", "\"$type\":[\"string\",\"int\"]"),
        ),
        ("missing counted in MongoDB", Text("\"$eq\":[{\"$cond\"", "\"$ne\":[{\"$cond\"")),
        (
            "null for empty sums lost in MongoDB",
            Text("_n\",{\"$numberInt\":\"0\"}]},null", "_n\",{\"$numberInt\":\"-1\"}]},null"),
        ),
        ("type guard lost in Neo4j", Text("IS :: INTEGER NOT NULL", "IS NOT NULL OR true")),
        ("distinct lost in Neo4j", Text("WITH DISTINCT ", "WITH ")),
        ("null for empty sums lost in Neo4j", Text("WHEN 0 THEN null", "WHEN 0 THEN 0")),
        ("a superset passes for exact", Bug::Superset),
    ]
}

/// Makes connectors that have a bug.
#[derive(Debug)]
pub struct Factory {
    /// The factory of the right ones.
    pub inner: Arc<dyn ConnectorFactory>,
    /// The bug.
    pub bug: Bug,
}

impl ConnectorFactory for Factory {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn create(&self, catalog: &str, options: CatalogOptions) -> Result<Arc<dyn Connector>> {
        Ok(Arc::new(Sabotaged { inner: self.inner.create(catalog, options)?, bug: self.bug }))
    }
}

#[derive(Debug)]
struct Sabotaged {
    inner: Arc<dyn Connector>,
    bug: Bug,
}

#[async_trait]
impl Connector for Sabotaged {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn list_tables(&self) -> Result<Vec<TableListing>> {
        self.inner.list_tables().await
    }

    async fn describe_table(&self, table: &TableName) -> Result<TableDescription> {
        self.inner.describe_table(table).await
    }

    async fn statistics(&self, table: &TableDescription) -> TableStatistics {
        self.inner.statistics(table).await
    }

    fn translate(&self, fragment: &Fragment) -> Result<Pushdown, Refusal> {
        match self.bug {
            Bug::Fragment(change) => {
                let changed = change(fragment.clone());
                self.inner.translate(&changed).or_else(|_| self.inner.translate(fragment))
            }
            Bug::Expression(change) => {
                let changed = with(fragment.clone(), &|f| expressions(f, change));
                self.inner.translate(&changed).or_else(|_| self.inner.translate(fragment))
            }
            Bug::Text(from, to) => Ok(match self.inner.translate(fragment)? {
                Pushdown::Exact(query) => Pushdown::Exact(replaced(query, from, to)),
                Pushdown::Superset(query) => Pushdown::Superset(replaced(query, from, to)),
            }),
            Bug::Superset => Ok(Pushdown::Exact(self.inner.translate(fragment)?.into_query())),
        }
    }

    fn execute(
        &self,
        query: &RemoteQuery,
        options: ExecuteOptions,
    ) -> Result<SendableRecordBatchStream> {
        self.inner.execute(query, options)
    }
}

fn replaced(mut query: RemoteQuery, from: &str, to: &str) -> RemoteQuery {
    let text = query.payload.to_string().replace(from, to);
    if let Ok(payload) = serde_json::from_str(&text) {
        query.payload = payload;
    }
    query
}

/// The fragment with a change at every level.
fn with(fragment: Fragment, change: &dyn Fn(Fragment) -> Fragment) -> Fragment {
    let below = |input: Box<Fragment>| Box::new(with(*input, change));
    change(match fragment {
        Fragment::Scan(table) => Fragment::Scan(table),
        Fragment::Filter { input, predicate } => {
            Fragment::Filter { input: below(input), predicate }
        }
        Fragment::Project { input, expressions } => {
            Fragment::Project { input: below(input), expressions }
        }
        Fragment::Aggregate { input, group, aggregates } => {
            Fragment::Aggregate { input: below(input), group, aggregates }
        }
        Fragment::Sort { input, keys } => Fragment::Sort { input: below(input), keys },
        Fragment::Limit { input, skip, fetch } => {
            Fragment::Limit { input: below(input), skip, fetch }
        }
        Fragment::Join { left, right, kind, on, filter, nulls_equal } => {
            let (left, right) = (below(left), below(right));
            Fragment::Join { left, right, kind, on, filter, nulls_equal }
        }
        Fragment::Union(inputs) => {
            Fragment::Union(inputs.into_iter().map(|input| with(input, change)).collect())
        }
        Fragment::Unnest { input, column, preserve_nulls } => {
            Fragment::Unnest { input: below(input), column, preserve_nulls }
        }
    })
}

fn drop_filter(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Filter { input, .. } => *input,
        other => other,
    }
}

fn first_column(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Project { input, mut expressions } => {
            if let Some((first, _)) = expressions.first().cloned() {
                let same = |e: &Expr| matches!((e, &first), (Expr::Column(_), Expr::Column(_)));
                if let Some(last) = expressions.last_mut().filter(|(e, _)| same(e)) {
                    last.0 = first;
                }
            }
            Fragment::Project { input, expressions }
        }
        other => other,
    }
}

fn limit(
    fragment: Fragment,
    change: fn(usize, Option<usize>) -> (usize, Option<usize>),
) -> Fragment {
    match fragment {
        Fragment::Limit { input, skip, fetch } => {
            let (skip, fetch) = change(skip, fetch);
            Fragment::Limit { input, skip, fetch }
        }
        other => other,
    }
}

fn limit_first(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Limit { input, skip, fetch } => match *input {
            Fragment::Sort { input, keys } => {
                let input = Box::new(Fragment::Limit { input, skip, fetch });
                Fragment::Limit { input: Box::new(Fragment::Sort { input, keys }), skip: 0, fetch }
            }
            other => Fragment::Limit { input: Box::new(other), skip, fetch },
        },
        other => other,
    }
}

fn limit_below_filter(fragment: Fragment) -> Fragment {
    let Fragment::Limit { input, skip, fetch } = fragment else { return fragment };
    let limited = |input| Box::new(Fragment::Limit { input, skip, fetch });
    match *input {
        Fragment::Filter { input, predicate } => {
            Fragment::Filter { input: limited(input), predicate }
        }
        Fragment::Sort { input, keys } => match *input {
            Fragment::Filter { input, predicate } => {
                let sorted = Box::new(Fragment::Sort { input, keys });
                Fragment::Filter { input: limited(sorted), predicate }
            }
            other => *limited(Box::new(Fragment::Sort { input: Box::new(other), keys })),
        },
        other => *limited(Box::new(other)),
    }
}

fn order(fragment: Fragment, change: fn(bool, bool) -> (bool, bool)) -> Fragment {
    match fragment {
        Fragment::Sort { input, mut keys } => {
            for key in &mut keys {
                (key.asc, key.nulls_first) = change(key.asc, key.nulls_first);
            }
            Fragment::Sort { input, keys }
        }
        other => other,
    }
}

fn last_key(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Sort { input, mut keys } if keys.len() > 1 => {
            keys.pop();
            Fragment::Sort { input, keys }
        }
        other => other,
    }
}

fn last_group(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Aggregate { input, mut group, aggregates } if group.len() > 1 => {
            // The other key stands for it.
            if let (Some((first, _)), Some(last)) = (group.first().cloned(), group.last_mut()) {
                last.0 = first;
            }
            Fragment::Aggregate { input, group, aggregates }
        }
        other => other,
    }
}

fn joined(fragment: Fragment, from: JoinType, to: JoinType) -> Fragment {
    match fragment {
        Fragment::Join { left, right, kind, on, filter, nulls_equal } => {
            let kind = if kind == from { to } else { kind };
            Fragment::Join { left, right, kind, on, filter, nulls_equal }
        }
        other => other,
    }
}

fn join_filter(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Join { left, right, kind, on, nulls_equal, .. } => {
            Fragment::Join { left, right, kind, on, filter: None, nulls_equal }
        }
        other => other,
    }
}

fn nulls_equal(fragment: Fragment, nulls_equal: bool) -> Fragment {
    match fragment {
        Fragment::Join { left, right, kind, on, filter, .. } => {
            Fragment::Join { left, right, kind, on, filter, nulls_equal }
        }
        other => other,
    }
}

fn last_input(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Union(mut inputs) => {
            if inputs.len() > 1 {
                inputs.pop();
            }
            Fragment::Union(inputs)
        }
        other => other,
    }
}

/// The fragment with its filters' expressions changed.
fn expressions(fragment: Fragment, change: fn(&Expr) -> Option<Expr>) -> Fragment {
    match fragment {
        Fragment::Filter { input, predicate } => {
            let changed = predicate.clone().transform_up(|expression| {
                Ok(match change(&expression) {
                    Some(changed) => Transformed::yes(changed),
                    None => Transformed::no(expression),
                })
            });
            let predicate = changed.map_or(predicate, |changed| changed.data);
            Fragment::Filter { input, predicate }
        }
        other => other,
    }
}

fn operator(expression: &Expr, from: Operator, to: Operator) -> Option<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expression else { return None };
    (*op == from).then(|| Expr::BinaryExpr(BinaryExpr::new(left.clone(), to, right.clone())))
}

fn skip_branch(expression: &Expr) -> Option<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, .. }) = expression else {
        return None;
    };
    Some((**left).clone())
}

fn shorter_list(expression: &Expr) -> Option<Expr> {
    let Expr::InList(list) = expression else { return None };
    let mut list = list.clone();
    (list.list.len() > 1).then(|| {
        list.list.pop();
        Expr::InList(list)
    })
}

fn not_in(expression: &Expr) -> Option<Expr> {
    let Expr::InList(list) = expression else { return None };
    let mut list = list.clone();
    std::mem::replace(&mut list.negated, false).then_some(Expr::InList(list))
}

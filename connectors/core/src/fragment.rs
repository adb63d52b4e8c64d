//! The part of a plan that is offered to one store.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Sort as SortExpr;

use crate::{Refusal, TableDescription};

/// A closed relational language over DataFusion's expressions.
///
/// Column references are unqualified names of the input's output columns, which are unique at every level. The
/// planner grows a fragment one operator at a time and offers each step. Matches on it have no `_` arm: a new
/// operator breaks every translator at compile time.
#[derive(Clone, Debug, PartialEq)]
pub enum Fragment {
    /// A whole table.
    Scan(Arc<TableDescription>),
    /// The rows of the input for which the predicate is true.
    Filter {
        /// Where rows come from.
        input: Box<Fragment>,
        /// One conjunct.
        predicate: Expr,
    },
    /// One column for each expression.
    Project {
        /// Where rows come from.
        input: Box<Fragment>,
        /// Expressions with their output names.
        expressions: Vec<(Expr, String)>,
    },
    /// One row for each group.
    Aggregate {
        /// Where rows come from.
        input: Box<Fragment>,
        /// Grouping expressions with their output names.
        group: Vec<(Expr, String)>,
        /// Aggregate functions with their output names.
        aggregates: Vec<(Expr, String)>,
    },
    /// The rows in order.
    Sort {
        /// Where rows come from.
        input: Box<Fragment>,
        /// Keys, the most significant first, each with its null order.
        keys: Vec<SortExpr>,
    },
    /// At most `fetch` rows after the first `skip`.
    Limit {
        /// Where rows come from.
        input: Box<Fragment>,
        /// Rows to pass over.
        skip: usize,
        /// Rows to keep; all if none.
        fetch: Option<usize>,
    },
    /// Pairs of rows.
    Join {
        /// The left input.
        left: Box<Fragment>,
        /// The right input.
        right: Box<Fragment>,
        /// Inner, outer, semi or anti.
        kind: JoinType,
        /// Equal expressions of left and right.
        on: Vec<(Expr, Expr)>,
        /// A further condition over both.
        filter: Option<Expr>,
    },
    /// The distinct rows.
    Distinct(Box<Fragment>),
    /// The rows of all inputs, whose columns agree by position.
    Union(Vec<Fragment>),
    /// One row for each element of a list column, which it replaces.
    Unnest {
        /// Where rows come from.
        input: Box<Fragment>,
        /// The list column.
        column: String,
        /// Whether a NULL or empty list keeps its row.
        preserve_nulls: bool,
    },
}

/// A fragment of one scan below filters, a projection and a limit, taken apart.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The table.
    pub table: &'a TableDescription,
    /// Conjuncts, all below the limit.
    pub filters: Vec<&'a Expr>,
    /// The output columns, as indexes into the table's.
    pub columns: Vec<usize>,
    /// Rows to pass over.
    pub skip: usize,
    /// Rows to keep; all if none.
    pub fetch: Option<usize>,
}

impl Fragment {
    /// Takes a selection apart.
    ///
    /// # Errors
    /// A refusal that names the first operator that is not part of a selection.
    pub fn as_selection(&self) -> Result<Selection<'_>, Refusal> {
        match self {
            Self::Scan(table) => Ok(Selection {
                table,
                filters: Vec::new(),
                columns: (0..table.columns.len()).collect(),
                skip: 0,
                fetch: None,
            }),
            Self::Filter { input, predicate } => {
                let mut selection = input.as_selection()?;
                if selection.fetch.is_some() || selection.skip > 0 {
                    return Err(Refusal::new("a filter above a limit"));
                }
                selection.filters.push(predicate);
                Ok(selection)
            }
            Self::Project { input, expressions } => {
                let mut selection = input.as_selection()?;
                selection.columns = expressions
                    .iter()
                    .map(|(expression, name)| plain_column(selection.table, expression, name))
                    .collect::<Result<_, _>>()?;
                Ok(selection)
            }
            Self::Limit { input, skip, fetch } => {
                let mut selection = input.as_selection()?;
                if selection.fetch.is_some() || selection.skip > 0 {
                    return Err(Refusal::new("a limit above a limit"));
                }
                (selection.skip, selection.fetch) = (*skip, *fetch);
                Ok(selection)
            }
            Self::Aggregate { .. } => Err(Refusal::new("aggregation is not pushed down")),
            Self::Sort { .. } => Err(Refusal::new("sorting is not pushed down")),
            Self::Join { .. } => Err(Refusal::new("joins are not pushed down")),
            Self::Distinct(_) => Err(Refusal::new("DISTINCT is not pushed down")),
            Self::Union(_) => Err(Refusal::new("UNION is not pushed down")),
            Self::Unnest { .. } => Err(Refusal::new("UNNEST is not pushed down")),
        }
    }
}

fn plain_column(table: &TableDescription, expression: &Expr, name: &str) -> Result<usize, Refusal> {
    match expression {
        Expr::Column(column) if column.name == name => table
            .column(name)
            .map(|(index, _)| index)
            .ok_or_else(|| Refusal::new(format!("no column \"{name}\" in \"{}\"", table.name))),
        _ => Err(Refusal::new("computed columns are not pushed down")),
    }
}

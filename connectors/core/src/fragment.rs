//! The part of a plan that is offered to one store.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, DFSchema, JoinType};
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, ExprSchemable};

use crate::capabilities::Operator;
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
        /// Whether NULL equals NULL in `on`, as in INTERSECT and EXCEPT.
        nulls_equal: bool,
    },
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
    /// The operator on top; none for a bare table.
    #[must_use]
    pub fn operator(&self) -> Option<Operator> {
        match self {
            Self::Scan(_) => None,
            Self::Filter { .. } => Some(Operator::Filter),
            Self::Project { .. } => Some(Operator::Project),
            Self::Aggregate { .. } => Some(Operator::Aggregate),
            Self::Sort { .. } => Some(Operator::Sort),
            Self::Limit { .. } => Some(Operator::Limit),
            Self::Join { .. } => Some(Operator::Join),
            Self::Union(_) => Some(Operator::Union),
            Self::Unnest { .. } => Some(Operator::Unnest),
        }
    }

    /// What the operator on top reads.
    #[must_use]
    pub fn inputs(&self) -> Vec<&Self> {
        match self {
            Self::Scan(_) => Vec::new(),
            Self::Filter { input, .. }
            | Self::Project { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Unnest { input, .. } => vec![input],
            Self::Join { left, right, .. } => vec![left, right],
            Self::Union(inputs) => inputs.iter().collect(),
        }
    }

    /// The table that is read first.
    #[must_use]
    pub fn first_table(&self) -> Option<&Arc<TableDescription>> {
        match self {
            Self::Scan(table) => Some(table),
            other => other.inputs().into_iter().find_map(Self::first_table),
        }
    }

    /// The output columns. Their types are those that DataFusion gives the expressions.
    ///
    /// # Errors
    /// An expression that does not fit its input, or names that are not unique.
    pub fn schema(&self) -> Result<DFSchema, Refusal> {
        Ok(DFSchema::from_unqualified_fields(self.fields()?.into(), HashMap::new())?)
    }

    /// The same rows with no more of each table's columns than are needed, when nothing above needs more than `needed`.
    #[must_use]
    pub fn pruned(self, needed: &BTreeSet<String>) -> Self {
        let below = |input: Box<Self>, expressions: Vec<&Expr>, needed: &BTreeSet<String>| {
            let mut needed = needed.clone();
            for expression in expressions {
                needed.extend(expression.column_refs().iter().map(|column| column.name.clone()));
            }
            Box::new(input.pruned(&needed))
        };
        let nothing = BTreeSet::new();
        match self {
            Self::Scan(table) => {
                let columns = table.columns.iter().filter(|column| needed.contains(&column.name));
                let expressions: Vec<_> = columns
                    .map(|c| (Expr::Column(Column::new_unqualified(&c.name)), c.name.clone()))
                    .collect();
                if expressions.len() == table.columns.len() {
                    return Self::Scan(table);
                }
                Self::Project { input: Box::new(Self::Scan(table)), expressions }
            }
            Self::Filter { input, predicate } => {
                Self::Filter { input: below(input, vec![&predicate], needed), predicate }
            }
            Self::Project { input, mut expressions } => {
                expressions.retain(|(_, name)| needed.contains(name));
                let used = expressions.iter().map(|(expression, _)| expression).collect();
                Self::Project { input: below(input, used, &nothing), expressions }
            }
            Self::Aggregate { input, group, mut aggregates } => {
                let one = aggregates.first().cloned();
                aggregates.retain(|(_, name)| needed.contains(name));
                // Without a key and without a function there would be no grouping, and not one row.
                if group.is_empty() && aggregates.is_empty() {
                    aggregates.extend(one);
                }
                let used = group.iter().chain(&aggregates).map(|(expression, _)| expression);
                let input = below(input, used.collect(), &nothing);
                Self::Aggregate { input, group, aggregates }
            }
            Self::Sort { input, keys } => {
                let used = keys.iter().map(|key| &key.expr).collect();
                Self::Sort { input: below(input, used, needed), keys }
            }
            Self::Limit { input, skip, fetch } => {
                Self::Limit { input: Box::new(input.pruned(needed)), skip, fetch }
            }
            Self::Join { left, right, kind, on, filter, nulls_equal } => {
                let mut used: Vec<&Expr> = on.iter().flat_map(|(l, r)| [l, r]).collect();
                used.extend(&filter);
                let (left, right) = (below(left, used.clone(), needed), below(right, used, needed));
                Self::Join { left, right, kind, on, filter, nulls_equal }
            }
            // Columns agree by position.
            Self::Union(inputs) => Self::Union(inputs),
            Self::Unnest { input, column, preserve_nulls } => {
                let mut needed = needed.clone();
                needed.insert(column.clone());
                Self::Unnest { input: Box::new(input.pruned(&needed)), column, preserve_nulls }
            }
        }
    }

    fn fields(&self) -> Result<Vec<Field>, Refusal> {
        match self {
            Self::Scan(table) => Ok(fields_of(&table.schema())),
            Self::Filter { input, .. } | Self::Sort { input, .. } | Self::Limit { input, .. } => {
                input.fields()
            }
            Self::Project { input, expressions } => typed(expressions, &input.schema()?),
            Self::Aggregate { input, group, aggregates } => {
                let schema = input.schema()?;
                let mut fields = typed(group, &schema)?;
                fields.extend(typed(aggregates, &schema)?);
                Ok(fields)
            }
            Self::Join { left, right, kind, .. } => {
                let (left, right) = (left.fields()?, right.fields()?);
                let outer = |fields: Vec<Field>, outer: bool| {
                    fields.into_iter().map(move |f| if outer { f.with_nullable(true) } else { f })
                };
                Ok(match kind {
                    JoinType::LeftSemi | JoinType::LeftAnti => left,
                    _ => outer(left, matches!(kind, JoinType::Right | JoinType::Full))
                        .chain(outer(right, matches!(kind, JoinType::Left | JoinType::Full)))
                        .collect(),
                })
            }
            Self::Union(inputs) => {
                let first = inputs.first().ok_or_else(|| Refusal::new("a union of nothing"))?;
                Ok(first.fields()?.into_iter().map(|field| field.with_nullable(true)).collect())
            }
            Self::Unnest { input, column, .. } => {
                let unnested = |field: Field| match (field.name() == column, field.data_type()) {
                    (true, DataType::List(element) | DataType::LargeList(element)) => {
                        Field::new(column, element.data_type().clone(), true)
                    }
                    _ => field,
                };
                Ok(input.fields()?.into_iter().map(unnested).collect())
            }
        }
    }

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
            Self::Union(_) => Err(Refusal::new("UNION is not pushed down")),
            Self::Unnest { .. } => Err(Refusal::new("UNNEST is not pushed down")),
        }
    }
}

fn fields_of(schema: &datafusion::arrow::datatypes::Schema) -> Vec<Field> {
    schema.fields().iter().map(|field| field.as_ref().clone()).collect()
}

fn typed(expressions: &[(Expr, String)], input: &DFSchema) -> Result<Vec<Field>, Refusal> {
    expressions
        .iter()
        .map(|(expression, name)| {
            let data_type = expression.get_type(input)?;
            let nullable = expression.nullable(input)?;
            Ok(Field::new(name, data_type, nullable))
        })
        .collect()
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

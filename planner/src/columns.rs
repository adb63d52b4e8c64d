//! A plan that a store runs, while it grows: how the plan's columns are the fragment's.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef, TableReference};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScan};
use medley_core::{Fragment, Refusal};

use crate::{Remote, Tables};

/// What one of the plan's columns is.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// A column of the fragment.
    Column(String),
    /// Computed here, once all has been grown, from columns of the fragment.
    Local(Expr),
}

/// A subplan that a store runs, but for expressions that are left to the end.
#[derive(Clone, Debug)]
pub(crate) struct Grown {
    pub(crate) remote: Remote,
    /// One for each column of the plan.
    pub(crate) outputs: Vec<Output>,
    /// The plan's schema.
    pub(crate) schema: DFSchemaRef,
}

impl Grown {
    /// A scan of a table, or of what was grown before.
    pub(crate) fn scan(remote: Remote, scan: &TableScan) -> Self {
        let wanted = scan.projection.clone().unwrap_or_else(|| (0..remote.columns.len()).collect());
        let outputs = wanted
            .into_iter()
            .filter_map(|index| remote.columns.get(index).cloned().map(Output::Column))
            .collect();
        Self { remote, outputs, schema: scan.projected_schema.clone() }
    }

    /// An expression over the plan's columns as one over the fragment's.
    pub(crate) fn rewrite(&self, expression: &Expr) -> Result<Expr, Refusal> {
        if expression.is_volatile() {
            return Err(Refusal::new(format!("{expression} gives another value each time")));
        }
        let (rewritten, all_remote) = self.substitute(expression)?;
        if all_remote {
            return Ok(rewritten);
        }
        Err(Refusal::new("it needs what is computed here"))
    }

    /// The expression over the fragment's columns, and whether all of it was the fragment's before.
    pub(crate) fn substitute(&self, expression: &Expr) -> Result<(Expr, bool), Refusal> {
        let mut all_remote = true;
        let rewritten = expression.clone().transform(|expression| {
            let Expr::Column(column) = &expression else { return Ok(Transformed::no(expression)) };
            let index = self.schema.index_of_column(column)?;
            Ok(match self.outputs.get(index) {
                Some(Output::Column(name)) => Transformed::yes(reference(name)),
                Some(Output::Local(local)) => {
                    all_remote = false;
                    // What was put in is over the fragment's columns already.
                    Transformed::new(local.clone(), true, TreeNodeRecursion::Jump)
                }
                None => Transformed::no(expression),
            })
        });
        let rewritten = rewritten?;
        Ok((rewritten.data, all_remote))
    }

    /// The fragment's columns that the plan needs, in order, each once.
    pub(crate) fn used(&self) -> Vec<String> {
        let mut used: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !used.iter().any(|known| known == name) {
                used.push(name.to_owned());
            }
        };
        for output in &self.outputs {
            match output {
                Output::Column(name) => add(name),
                Output::Local(expression) => {
                    let mut names: Vec<_> =
                        expression.column_refs().iter().map(|column| column.name.clone()).collect();
                    names.sort();
                    names.iter().for_each(|name| add(name));
                }
            }
        }
        used
    }

    /// Gives the fragment's columns other names, where `taken` has them already.
    pub(crate) fn rename_taken(
        &mut self,
        taken: &BTreeSet<String>,
        names: &mut Names,
    ) -> Result<(), Refusal> {
        let used = self.used();
        if !used.iter().any(|name| taken.contains(name)) {
            return Ok(());
        }
        let renamed: Vec<(String, String)> = used
            .into_iter()
            .map(|name| {
                let new = if taken.contains(&name) { names.fresh() } else { name.clone() };
                (name, new)
            })
            .collect();
        let expressions =
            renamed.iter().map(|(name, new)| (reference(name), new.clone())).collect();
        let input = Box::new(self.remote.fragment.clone());
        self.remote.fragment = Fragment::Project { input, expressions };
        let new = |name: &str| {
            renamed.iter().find(|(old, _)| old == name).map_or(name, |(_, new)| new).to_owned()
        };
        for output in &mut self.outputs {
            *output = match output {
                Output::Column(name) => Output::Column(new(name)),
                Output::Local(expression) => Output::Local(renamed_columns(expression, &new)?),
            };
        }
        self.remote.ordering.clear();
        Ok(())
    }

    /// The plan again: a scan of the remote, what is computed here, and the order.
    pub(crate) fn close(self, tables: &dyn Tables) -> Result<LogicalPlan> {
        let order = self.order();
        let plan = self.scan_plan(tables)?;
        if order.is_empty() {
            return Ok(plan);
        }
        // The rows come in this order: the sort states it, and costs nothing.
        LogicalPlanBuilder::from(plan).sort(order)?.build()
    }

    fn order(&self) -> Vec<SortExpr> {
        let mut order = Vec::new();
        for (name, options) in &self.remote.ordering {
            let place = self
                .outputs
                .iter()
                .position(|output| matches!(output, Output::Column(known) if known == name));
            let Some(place) = place else { break };
            let (qualifier, field) = self.schema.qualified_field(place);
            let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            order.push(SortExpr::new(column, !options.descending, options.nulls_first));
        }
        order
    }

    fn scan_plan(mut self, tables: &dyn Tables) -> Result<LogicalPlan> {
        if let Some(qualifier) = self.plain_qualifier() {
            let fields: Vec<_> = self.schema.fields().iter().cloned().collect();
            self.remote.schema = Arc::new(Schema::new(fields));
            self.remote.columns = self.used_in_order();
            return scan(qualifier, self.remote, tables);
        }
        let used = self.used();
        let input =
            self.remote.fragment.schema().map_err(|refusal| {
                datafusion::error::DataFusionError::Internal(refusal.to_string())
            })?;
        let fields = used
            .iter()
            .map(|name| Ok(input.field_with_unqualified_name(name)?.as_ref().clone()))
            .collect::<Result<Vec<Field>>>()?;
        self.remote.schema = Arc::new(Schema::new(fields));
        self.remote.columns = used;
        let name = TableReference::bare(self.remote.connector.info().catalog.clone());
        let mut expressions = Vec::new();
        for (index, output) in self.outputs.iter().enumerate() {
            let (qualifier, field) = self.schema.qualified_field(index);
            let expression = match output {
                Output::Column(column) => Expr::Column(Column::new(Some(name.clone()), column)),
                Output::Local(local) => qualified(local, &name)?,
            };
            expressions.push(expression.alias_qualified(qualifier.cloned(), field.name()));
        }
        let scan = scan(name, self.remote, tables)?;
        LogicalPlanBuilder::from(scan).project(expressions)?.build()
    }

    /// The one qualifier of all columns, if these are plain columns with names of their own.
    fn plain_qualifier(&self) -> Option<TableReference> {
        let (first, _) = self.schema.iter().next()?;
        let first = first?;
        let mut names = BTreeSet::new();
        for ((qualifier, field), output) in self.schema.iter().zip(&self.outputs) {
            let plain = matches!(output, Output::Column(_)) && qualifier == Some(first);
            if !plain || !names.insert(field.name()) {
                return None;
            }
        }
        Some(first.clone())
    }

    fn used_in_order(&self) -> Vec<String> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Column(name) => Some(name.clone()),
                Output::Local(_) => None,
            })
            .collect()
    }
}

fn scan(name: TableReference, remote: Remote, tables: &dyn Tables) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(name, tables.close(remote), None)?.build()
}

/// A reference to a fragment's column.
pub(crate) fn reference(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn renamed_columns(expression: &Expr, new: &impl Fn(&str) -> String) -> Result<Expr, Refusal> {
    let renamed = expression.clone().transform(|expression| {
        Ok(match &expression {
            Expr::Column(column) => Transformed::yes(reference(&new(&column.name))),
            _ => Transformed::no(expression),
        })
    });
    Ok(renamed?.data)
}

fn qualified(expression: &Expr, table: &TableReference) -> Result<Expr> {
    let qualified = expression.clone().transform(|expression| {
        Ok(match &expression {
            Expr::Column(column) => {
                Transformed::yes(Expr::Column(Column::new(Some(table.clone()), &column.name)))
            }
            _ => Transformed::no(expression),
        })
    })?;
    Ok(qualified.data)
}

/// Names for computed columns: `c1`, `c2`, and so on, but for those that columns of the plan have.
#[derive(Debug, Default)]
pub(crate) struct Names {
    last: usize,
    taken: BTreeSet<String>,
}

impl Names {
    /// Keeps clear of the columns of a remote.
    pub(crate) fn avoid(&mut self, remote: &Remote) {
        for (table, _) in remote.tables.values() {
            self.taken.extend(table.columns.iter().map(|column| column.name.clone()));
        }
        if let Ok(schema) = remote.fragment.schema() {
            self.taken.extend(schema.fields().iter().map(|field| field.name().clone()));
        }
    }

    pub(crate) fn fresh(&mut self) -> String {
        loop {
            self.last += 1;
            let name = format!("c{}", self.last);
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}

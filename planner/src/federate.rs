//! Turns the largest subplan of each source into one scan.
//!
//! ```text
//! Sort: revenue DESC, fetch=3                      TableScan: pg
//!   Aggregate: group=[o_custkey], sum(price)   =>    [LIMIT 3 <- ORDER BY <- GROUP BY <- WHERE <- orders]
//!     Filter: o_custkey < 7
//!       TableScan: orders
//! ```
//!
//! From the leaves up, each operator is offered to the store of its inputs, if these are one store's. What is refused
//! stays here, and growth stops there, with two exceptions: conjuncts are offered one by one, and expressions of a
//! projection that are refused are computed at the end, so that sorts and limits may pass them.

use std::fmt::Debug;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{LogicalPlan, TableScan, TableSource};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::columns::{Grown, Names};
use crate::grow::Grower;
use crate::{Remote, Settings};

/// How remotes are tables of the engine.
pub trait Tables: Debug + Send + Sync {
    /// The remote that a scan reads; none if it is another table.
    fn open(&self, scan: &TableScan) -> Option<Remote>;

    /// A remote as a table.
    fn close(&self, remote: Remote) -> Arc<dyn TableSource>;
}

/// The rule.
#[derive(Debug)]
pub struct Federate {
    tables: Arc<dyn Tables>,
}

impl Federate {
    /// The rule over an engine's tables.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>) -> Self {
        Self { tables }
    }
}

impl OptimizerRule for Federate {
    fn name(&self) -> &'static str {
        "federate"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let settings = config.options().extensions.get::<Settings>().cloned().unwrap_or_default();
        let mut walk = Walk { tables: self.tables.as_ref(), settings, names: Names::default() };
        let part = walk.walk(plan)?;
        Ok(Transformed::yes(walk.close(part)?))
    }
}

/// A subplan: one store's, or not.
pub(crate) enum Part {
    Remote(Box<Grown>),
    Local(LogicalPlan),
}

struct Walk<'a> {
    tables: &'a dyn Tables,
    settings: Settings,
    names: Names,
}

impl Walk<'_> {
    fn walk(&mut self, plan: LogicalPlan) -> Result<Part> {
        if let LogicalPlan::TableScan(scan) = &plan {
            return Ok(match self.tables.open(scan) {
                Some(remote) if remote.exact && scan.filters.is_empty() => {
                    self.names.avoid(&remote);
                    let grown = Grown::scan(remote, scan);
                    match self.grower().fetched(grown, scan.fetch) {
                        Some(grown) => Part::Remote(Box::new(grown)),
                        None => Part::Local(plan),
                    }
                }
                _ => Part::Local(plan),
            });
        }
        let inputs = plan
            .inputs()
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|input| self.walk(input))
            .collect::<Result<Vec<_>>>()?;
        let plan = self.subqueries(plan)?;
        match self.grower().grow(&plan, inputs)? {
            Ok(part) => Ok(part),
            Err(inputs) => self.keep(plan, inputs),
        }
    }

    fn grower(&mut self) -> Grower<'_> {
        Grower { settings: &self.settings, names: &mut self.names, tables: self.tables }
    }

    /// The operator stays here, over its inputs as they are now.
    fn keep(&mut self, plan: LogicalPlan, inputs: Vec<Part>) -> Result<Part> {
        let mut inputs = inputs.into_iter();
        let plan = plan.map_children(|_| {
            let part = inputs.next().ok_or_else(|| {
                DataFusionError::Internal("an operator with more inputs than before".to_owned())
            })?;
            Ok(Transformed::yes(self.close(part)?))
        })?;
        Ok(Part::Local(plan.data))
    }

    /// Subqueries in expressions are plans of their own.
    fn subqueries(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let plan = plan.map_subqueries(|subquery| {
            let LogicalPlan::Subquery(mut subquery) = subquery else {
                return Ok(Transformed::no(subquery));
            };
            let part = self.walk(Arc::unwrap_or_clone(subquery.subquery))?;
            subquery.subquery = Arc::new(self.close(part)?);
            Ok(Transformed::yes(LogicalPlan::Subquery(subquery)))
        })?;
        Ok(plan.data)
    }

    fn close(&self, part: Part) -> Result<LogicalPlan> {
        match part {
            Part::Remote(grown) => grown.close(self.tables),
            Part::Local(plan) => Ok(plan),
        }
    }
}

//! Operators of several inputs: joins and unions of one store, and what a join between stores lets go down.

use std::collections::BTreeSet;

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Union};
use medley_core::{Fragment, Refusal};

use crate::columns::{Grown, Output, reference};
use crate::federate::Part;
use crate::grow::{Grower, Growth, refused};

impl Grower<'_> {
    pub(crate) fn pair(&mut self, join: &Join, mut inputs: Vec<Part>) -> Growth {
        let (Some(right), Some(left)) = (inputs.pop(), inputs.pop()) else {
            return Ok(Err(Vec::new()));
        };
        let (left, right) = match (left, right) {
            (Part::Remote(left), Part::Remote(right)) => (left, right),
            (left, Part::Remote(right)) => {
                let right = self.distinct_keys(&right, join).map_or(right, Box::new);
                return Ok(Err(vec![left, Part::Remote(right)]));
            }
            (left, right) => return Ok(Err(vec![left, right])),
        };
        let source = |grown: &Grown| grown.remote.connector.info().source.clone();
        if source(&left) != source(&right) {
            let right = self.distinct_keys(&right, join).map_or(right, Box::new);
            return Ok(Err(vec![Part::Remote(left), Part::Remote(right)]));
        }
        let plan = LogicalPlan::Join(join.clone());
        Ok(match self.join(&left, &right, join) {
            Ok(next) => Ok(Part::Remote(Box::new(next))),
            Err(refusal) => Err(vec![
                Part::Remote(Box::new(refused(*left, &plan, &refusal))),
                Part::Remote(right),
            ]),
        })
    }

    /// The right side of a semi or anti join between stores with each key once: more of them change nothing. None if its
    /// keys are unique, or the store cannot group by them.
    fn distinct_keys(&mut self, right: &Grown, join: &Join) -> Option<Grown> {
        let semi = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti);
        if !semi
            || join.filter.is_some()
            || matches!(right.remote.fragment, Fragment::Aggregate { .. })
        {
            return None;
        }
        let columns: Vec<String> = right
            .outputs
            .iter()
            .map(|output| match output {
                Output::Column(name) => Some(name.clone()),
                Output::Local(_) => None,
            })
            .collect::<Option<_>>()?;
        // Only the keys are left of the columns, after DataFusion's own pruning.
        let keys: Vec<String> = join
            .on
            .iter()
            .map(|(_, key)| match right.rewrite(key) {
                Ok(Expr::Column(column)) => Some(column.name),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let is_unique = right.remote.tables.values().any(|(table, _)| {
            !table.key.is_empty() && table.key.iter().all(|column| keys.contains(column))
        });
        if is_unique || columns.iter().any(|column| !keys.contains(column)) {
            return None;
        }
        let group: Vec<_> =
            columns.iter().map(|name| (reference(name), self.names.fresh())).collect();
        let outputs = group.iter().map(|(_, name)| Output::Column(name.clone())).collect();
        let input = Box::new(right.remote.fragment.clone());
        let fragment = Fragment::Aggregate { input, group, aggregates: Vec::new() };
        let mut next = Grown { outputs, ..right.clone() };
        next.remote.fragment = self.offer(right, fragment).ok()?;
        next.remote.ordering.clear();
        Some(next)
    }

    fn join(&mut self, left: &Grown, right: &Grown, join: &Join) -> Result<Grown, Refusal> {
        if join.null_aware {
            return Err(Refusal::new("NOT IN over a subquery is not pushed down"));
        }
        if join.on.is_empty() && join.filter.is_none() {
            return Err(Refusal::new("a cross product is larger than its inputs"));
        }
        let (semi, kind) = match join.join_type {
            kind @ (JoinType::LeftSemi | JoinType::LeftAnti) => (true, kind),
            kind => (false, kind),
        };
        let left_missing = matches!(kind, JoinType::Right | JoinType::Full);
        let right_missing = matches!(kind, JoinType::Left | JoinType::Full);
        let computed = |g: &Grown| g.outputs.iter().any(|o| matches!(o, Output::Local(_)));
        if (left_missing && computed(left)) || (right_missing && computed(right)) {
            return Err(Refusal::new("what is computed here may be missing there"));
        }
        let taken: BTreeSet<String> = left
            .remote
            .fragment
            .schema()?
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut right = right.clone();
        right.rename_taken(&taken, self.names)?;
        // Columns that are left over must not have the same name either.
        right.narrow(&taken)?;
        let on = join
            .on
            .iter()
            .map(|(l, r)| Ok((left.rewrite(l)?, right.rewrite(r)?)))
            .collect::<Result<Vec<_>, Refusal>>()?;
        let mut next = left.clone();
        next.outputs.extend(right.outputs.clone());
        let both = left.schema.join(&right.schema)?;
        next.schema = both.into();
        let filter = join.filter.as_ref().map(|filter| next.rewrite(filter)).transpose()?;
        let fragment = Fragment::Join {
            left: Box::new(left.remote.fragment.clone()),
            right: Box::new(right.remote.fragment.clone()),
            kind,
            on,
            filter,
            nulls_equal: join.null_equality == NullEquality::NullEqualsNull,
        };
        next.remote.fragment = self.offer(left, fragment)?;
        next.remote.ordering.clear();
        next.remote.tables.extend(right.remote.tables);
        next.remote.refusals.extend(right.remote.refusals);
        if semi {
            next.outputs.truncate(left.outputs.len());
        }
        next.schema = join.schema.clone();
        Ok(next)
    }

    pub(crate) fn union(&mut self, union: &Union, inputs: Vec<Part>) -> Result<Part, Vec<Part>> {
        match self.all_of(union, &inputs) {
            Ok(next) => Ok(Part::Remote(Box::new(next))),
            Err(_) => Err(inputs),
        }
    }

    fn all_of(&mut self, union: &Union, inputs: &[Part]) -> Result<Grown, Refusal> {
        let mut all = Vec::new();
        for input in inputs {
            let Part::Remote(grown) = input else { return Err(Refusal::new("not one store")) };
            all.push(grown);
        }
        let Some(first) = all.first() else { return Err(Refusal::new("a union of nothing")) };
        let names: Vec<String> = union.schema.fields().iter().map(|_| self.names.fresh()).collect();
        let mut fragments = Vec::new();
        let mut remote = first.remote.clone();
        for grown in &all {
            if grown.remote.connector.info().source != first.remote.connector.info().source {
                return Err(Refusal::new("not one store"));
            }
            let mut expressions = Vec::new();
            for ((index, output), name) in grown.outputs.iter().enumerate().zip(&names) {
                let Output::Column(column) = output else {
                    return Err(Refusal::new("it needs what is computed here"));
                };
                if grown.schema.field(index).data_type() != union.schema.field(index).data_type() {
                    return Err(Refusal::new("columns of several types"));
                }
                expressions.push((reference(column), name.clone()));
            }
            let input = Box::new(grown.remote.fragment.clone());
            fragments.push(Fragment::Project { input, expressions });
            remote.tables.extend(grown.remote.tables.clone());
            remote.refusals.extend(grown.remote.refusals.clone());
        }
        remote.fragment = self.offer(first, Fragment::Union(fragments))?;
        remote.ordering.clear();
        let outputs = names.into_iter().map(Output::Column).collect();
        Ok(Grown { remote, outputs, schema: union.schema.clone() })
    }
}

impl Grown {
    /// Leaves out the fragment's columns that nobody needs, if one of them has a name that is taken.
    fn narrow(&mut self, taken: &BTreeSet<String>) -> Result<(), Refusal> {
        let schema = self.remote.fragment.schema()?;
        if !schema.fields().iter().any(|field| taken.contains(field.name())) {
            return Ok(());
        }
        let expressions = self.used().into_iter().map(|name| (reference(&name), name)).collect();
        let input = Box::new(self.remote.fragment.clone());
        self.remote.fragment = Fragment::Project { input, expressions };
        Ok(())
    }
}

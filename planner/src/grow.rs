//! One operator more: each offered to the store, on top of what it took so far.

use std::collections::BTreeSet;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, Sort as SortExpr};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    Aggregate, Expr, FetchType, Filter, Join, Limit, LogicalPlan, Projection, SkipType, Sort,
    SubqueryAlias, Union,
};
use medley_core::capabilities::Operator;
use medley_core::{Fragment, Refusal};

use crate::average::{average, is_average};
use crate::columns::{Grown, Names, Output, reference};
use crate::federate::Part;
use crate::remote::{limit, offer};
use crate::{Settings, Tables};

pub(crate) struct Grower<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) names: &'a mut Names,
    pub(crate) tables: &'a dyn Tables,
}

/// Grown, or the inputs back.
type Growth = Result<Result<Part, Vec<Part>>>;

impl Grower<'_> {
    /// Grows an operator's inputs by it, or gives them back.
    pub(crate) fn grow(&mut self, plan: &LogicalPlan, inputs: Vec<Part>) -> Growth {
        match plan {
            LogicalPlan::Join(join) => return self.pair(join, inputs),
            LogicalPlan::Union(union) => return Ok(self.union(union, inputs)),
            _ => {}
        }
        let mut inputs = inputs;
        let grown = match (inputs.pop(), inputs.is_empty()) {
            (Some(Part::Remote(grown)), true) => grown,
            (last, _) => {
                inputs.extend(last);
                return Ok(Err(inputs));
            }
        };
        let attempt = match plan {
            LogicalPlan::SubqueryAlias(alias) => Ok(renamed(&grown, alias)),
            LogicalPlan::Projection(projection) => self.projection(&grown, projection),
            LogicalPlan::Filter(filter) => return self.filter(*grown, filter),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(&grown, aggregate),
            LogicalPlan::Sort(sort) => self.sort(&grown, sort),
            LogicalPlan::Limit(limit) => self.limit(&grown, limit),
            other => {
                let operator = other.display().to_string();
                let name = operator.split([':', ' ']).next().unwrap_or_default();
                Err(Refusal::new(format!("{name} is not pushed down")))
            }
        };
        Ok(match attempt {
            Ok(next) => Ok(Part::Remote(Box::new(next))),
            Err(refusal) => Err(vec![Part::Remote(Box::new(refused(*grown, plan, &refusal)))]),
        })
    }

    /// A scan's own limit; none if the store does not take it.
    pub(crate) fn fetched(&self, mut grown: Grown, fetch: Option<usize>) -> Option<Grown> {
        if fetch.is_some() {
            let fragment = limit(grown.remote.fragment.clone(), 0, fetch);
            grown.remote.fragment = self.offer(&grown, fragment).ok()?;
        }
        Some(grown)
    }

    /// Offers a fragment on top of what was grown.
    fn offer(&self, grown: &Grown, fragment: Fragment) -> Result<Fragment, Refusal> {
        let (fragment, exact) = self.offer_either(grown, fragment)?;
        if exact { Ok(fragment) } else { Err(Refusal::new("it would let too many rows pass")) }
    }

    fn offer_either(&self, grown: &Grown, fragment: Fragment) -> Result<(Fragment, bool), Refusal> {
        if let Some(operator) = fragment.operator()
            && !self.settings.allows(operator)
        {
            return Err(Refusal::new(format!("{operator:?} is switched off")));
        }
        offer(grown.remote.connector.as_ref(), fragment)
    }

    /// Columns are renamed here; computed ones go down, all or none; what is refused is computed at the end.
    fn projection(&mut self, grown: &Grown, projection: &Projection) -> Result<Grown, Refusal> {
        let mut outputs = Vec::new();
        let mut computed: Vec<(Expr, String)> = Vec::new();
        let mut locals = 0_usize;
        for expression in &projection.expr {
            if expression.is_volatile() {
                return Err(Refusal::new(format!("{expression} gives another value each time")));
            }
            let inner = expression.clone().unalias();
            let (rewritten, all_remote) = grown.substitute(&inner)?;
            outputs.push(match rewritten {
                Expr::Column(column) => Output::Column(column.name),
                local
                    if !all_remote || matches!(local, Expr::Literal(..)) || is_average(&local) =>
                {
                    locals += 1;
                    Output::Local(local)
                }
                remote => {
                    let name = self.names.fresh();
                    computed.push((remote, name.clone()));
                    Output::Column(name)
                }
            });
        }
        let mut next =
            Grown { remote: grown.remote.clone(), outputs, schema: projection.schema.clone() };
        self.compute(grown, &mut next, computed);
        // An order by columns that nobody sees any more would be lost.
        let lost = next.remote.ordering.iter().any(|(name, _)| !next.used().contains(name));
        if lost || (locals > 0 && next.used().is_empty()) {
            return Err(Refusal::new("the columns that are left do not carry the rows' order"));
        }
        Ok(next)
    }

    /// Puts computed columns on top of the fragment, or leaves them to the end.
    fn compute(&self, grown: &Grown, next: &mut Grown, computed: Vec<(Expr, String)>) {
        if computed.is_empty() {
            return;
        }
        let mut kept: Vec<String> = next.used();
        kept.extend(grown.remote.ordering.iter().map(|(name, _)| name.clone()));
        kept.retain(|name| !computed.iter().any(|(_, new)| new == name));
        kept.sort();
        kept.dedup();
        let mut expressions: Vec<_> =
            kept.into_iter().map(|name| (reference(&name), name)).collect();
        expressions.extend(computed.iter().cloned());
        let input = Box::new(grown.remote.fragment.clone());
        match self.offer(grown, Fragment::Project { input, expressions }) {
            Ok(fragment) => next.remote.fragment = fragment,
            Err(refusal) => {
                next.remote.refusals.insert(format!("projection: {refusal}"));
                for output in &mut next.outputs {
                    if let Output::Column(name) = output
                        && let Some((expression, _)) = computed.iter().find(|(_, new)| new == name)
                    {
                        *output = Output::Local(expression.clone());
                    }
                }
            }
        }
    }

    /// Conjuncts one by one. Those that let too many rows pass go down too, and are applied again here.
    fn filter(&mut self, mut grown: Grown, filter: &Filter) -> Growth {
        let (mut supersets, mut residual) = (Vec::new(), Vec::new());
        for conjunct in split_conjunction(&filter.predicate) {
            let offered = grown.rewrite(conjunct).and_then(|predicate| {
                let input = Box::new(grown.remote.fragment.clone());
                self.offer_either(&grown, Fragment::Filter { input, predicate })
            });
            match offered {
                Ok((fragment, true)) => grown.remote.fragment = fragment,
                Ok((fragment, false)) => {
                    let Fragment::Filter { predicate, .. } = fragment else { continue };
                    supersets.push(predicate);
                    residual.push(conjunct.clone());
                }
                Err(refusal) => {
                    grown.remote.refusals.insert(format!("filter {conjunct}: {refusal}"));
                    residual.push(conjunct.clone());
                }
            }
        }
        let Some(residual) = conjunction(residual) else {
            return Ok(Ok(Part::Remote(Box::new(grown))));
        };
        for predicate in supersets {
            let input = Box::new(grown.remote.fragment.clone());
            let fragment = Fragment::Filter { input, predicate };
            if let Ok((fragment, _)) = self.offer_either(&grown, fragment) {
                (grown.remote.fragment, grown.remote.exact) = (fragment, false);
            }
        }
        let input = grown.close(self.tables)?;
        Ok(Ok(Part::Local(LogicalPlan::Filter(Filter::try_new(residual, input.into())?))))
    }

    fn aggregate(&mut self, grown: &Grown, aggregate: &Aggregate) -> Result<Grown, Refusal> {
        let (mut group, mut aggregates, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for key in &aggregate.group_expr {
            let name = self.names.fresh();
            group.push((grown.rewrite(&key.clone().unalias())?, name.clone()));
            outputs.push(Output::Column(name));
        }
        for (index, function) in aggregate.aggr_expr.iter().enumerate() {
            let field = aggregate.schema.field(aggregate.group_expr.len() + index);
            let function = grown.rewrite(&function.clone().unalias())?;
            outputs.push(match &function {
                Expr::AggregateFunction(average) if average.func.name() == "avg" => {
                    self.average(average, field.data_type(), &mut aggregates)?
                }
                _ => Output::Column(self.named(function, &mut aggregates)),
            });
        }
        let input = Box::new(grown.remote.fragment.clone());
        let fragment = self.offer(grown, Fragment::Aggregate { input, group, aggregates })?;
        let mut next =
            Grown { remote: grown.remote.clone(), outputs, schema: aggregate.schema.clone() };
        next.remote.fragment = fragment;
        next.remote.ordering.clear();
        Ok(next)
    }

    fn named(&mut self, function: Expr, aggregates: &mut Vec<(Expr, String)>) -> String {
        if let Some((_, name)) = aggregates.iter().find(|(known, _)| *known == function) {
            return name.clone();
        }
        let name = self.names.fresh();
        aggregates.push((function, name.clone()));
        name
    }

    /// An average is a sum and a count there, and a division here.
    fn average(
        &mut self,
        function: &AggregateFunction,
        data_type: &DataType,
        aggregates: &mut Vec<(Expr, String)>,
    ) -> Result<Output, Refusal> {
        let known = matches!(data_type, DataType::Float64 | DataType::Decimal128(..));
        if function.params.distinct || !known {
            return Err(Refusal::new("such an average is not pushed down"));
        }
        let of = |func| {
            let mut function = function.clone();
            function.func = func;
            Expr::AggregateFunction(function)
        };
        let sum = of(datafusion::functions_aggregate::sum::sum_udaf());
        let count = of(datafusion::functions_aggregate::count::count_udaf());
        let (sum, count) = (self.named(sum, aggregates), self.named(count, aggregates));
        let arguments = vec![reference(&sum), reference(&count)];
        Ok(Output::Local(average(data_type.clone()).call(arguments)))
    }

    fn sort(&mut self, grown: &Grown, sort: &Sort) -> Result<Grown, Refusal> {
        let keys = sort
            .expr
            .iter()
            .map(|key| Ok(SortExpr::new(grown.rewrite(&key.expr)?, key.asc, key.nulls_first)))
            .collect::<Result<Vec<_>, Refusal>>()?;
        if in_order(grown, &keys, sort.fetch) {
            return Ok(grown.clone());
        }
        let input = Box::new(grown.remote.fragment.clone());
        let sorted = Fragment::Sort { input, keys: keys.clone() };
        let fragment = match sort.fetch {
            // A store may sort only where it then keeps a few.
            Some(fetch) => {
                if !self.settings.allows(Operator::Sort) {
                    return Err(Refusal::new("Sort is switched off"));
                }
                if !grown.remote.connector.capabilities().supports(Operator::Sort) {
                    return Err(Refusal::new("the store takes no Sort"));
                }
                self.offer(grown, limit(sorted, 0, Some(fetch)))?
            }
            None => self.offer(grown, sorted)?,
        };
        let mut ordering = Vec::new();
        for key in &keys {
            let Expr::Column(column) = &key.expr else {
                return Err(Refusal::new("an order by something that is computed"));
            };
            let options = SortOptions { descending: !key.asc, nulls_first: key.nulls_first };
            ordering.push((column.name.clone(), options));
        }
        let used = grown.used();
        if ordering.iter().any(|(name, _)| !used.contains(name)) {
            return Err(Refusal::new("an order by columns that are not seen"));
        }
        let mut next = grown.clone();
        (next.remote.fragment, next.remote.ordering) = (fragment, ordering);
        Ok(next)
    }

    fn limit(&mut self, grown: &Grown, plan: &Limit) -> Result<Grown, Refusal> {
        let unknown = || Refusal::new("a limit that is computed");
        let Ok(SkipType::Literal(skip)) = plan.get_skip_type() else { return Err(unknown()) };
        let Ok(FetchType::Literal(fetch)) = plan.get_fetch_type() else { return Err(unknown()) };
        let fragment = limit(grown.remote.fragment.clone(), skip, fetch);
        let mut next = grown.clone();
        next.remote.fragment = self.offer(grown, fragment)?;
        Ok(next)
    }

    fn pair(&mut self, join: &Join, mut inputs: Vec<Part>) -> Growth {
        let (Some(right), Some(left)) = (inputs.pop(), inputs.pop()) else {
            return Ok(Err(Vec::new()));
        };
        let (left, right) = match (left, right) {
            (Part::Remote(left), Part::Remote(right)) => (left, right),
            (left, right) => return Ok(Err(vec![left, right])),
        };
        let source = |grown: &Grown| grown.remote.connector.info().source.clone();
        if source(&left) != source(&right) {
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
        let both =
            left.schema.join(&right.schema).map_err(|e| Refusal::new(e.strip_backtrace()))?;
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

    fn union(&mut self, union: &Union, inputs: Vec<Part>) -> Result<Part, Vec<Part>> {
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

fn renamed(grown: &Grown, alias: &SubqueryAlias) -> Grown {
    Grown { schema: alias.schema.clone(), ..grown.clone() }
}

/// Whether rows come in an order already, as they do after the first pass.
fn in_order(grown: &Grown, keys: &[SortExpr], fetch: Option<usize>) -> bool {
    let enough = match (&grown.remote.fragment, fetch) {
        (Fragment::Limit { fetch: Some(most), .. }, Some(fetch)) => *most <= fetch,
        (_, fetch) => fetch.is_none(),
    };
    let known = &grown.remote.ordering;
    enough
        && known.len() == keys.len()
        && known.iter().zip(keys).all(|((name, options), key)| {
            matches!(&key.expr, Expr::Column(column) if column.name == *name)
                && options.descending != key.asc
                && options.nulls_first == key.nulls_first
        })
}

/// The input of an operator that stays here, with the reason.
fn refused(mut grown: Grown, plan: &LogicalPlan, refusal: &Refusal) -> Grown {
    let operator = plan.display().to_string();
    let name = operator.split([':', ' ']).next().unwrap_or_default().to_lowercase();
    grown.remote.refusals.insert(format!("{name}: {refusal}"));
    grown
}

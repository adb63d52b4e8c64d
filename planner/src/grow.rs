//! One operator more: each offered to the store, on top of what it took so far.

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, Sort as SortExpr};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    Aggregate, Expr, FetchType, Filter, Limit, LogicalPlan, Projection, SkipType, Sort,
    SubqueryAlias,
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
pub(crate) type Growth = Result<Result<Part, Vec<Part>>>;

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
    pub(crate) fn offer(&self, grown: &Grown, fragment: Fragment) -> Result<Fragment, Refusal> {
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
pub(crate) fn refused(mut grown: Grown, plan: &LogicalPlan, refusal: &Refusal) -> Grown {
    let operator = plan.display().to_string();
    let name = operator.split([':', ' ']).next().unwrap_or_default().to_lowercase();
    grown.remote.refusals.insert(format!("{name}: {refusal}"));
    grown
}

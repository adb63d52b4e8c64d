//! What a store can be asked to do: plain data that the planner, the tests and the generated documents read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A relational operator of a [`Fragment`](crate::Fragment).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Keep rows by a predicate.
    Filter,
    /// Keep some columns.
    Project,
    /// Keep the first rows.
    Limit,
    /// Group and aggregate.
    Aggregate,
    /// Order rows.
    Sort,
    /// Join tables of one source.
    Join,
    /// Concatenate results.
    Union,
    /// Turn list elements into rows.
    Unnest,
}

/// A form of predicate that a filter may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredicateForm {
    /// `column = value`.
    Equal,
    /// `column <> value`, and NOT IN.
    NotEqual,
    /// `column LIKE pattern`, and NOT LIKE.
    Like,
    /// `column < value`, and `<=`, `>`, `>=`, BETWEEN.
    Range,
    /// `column IN (values)`.
    InList,
    /// `column IS NULL` and `IS NOT NULL`.
    IsNull,
    /// A conjunction inside a disjunction.
    And,
    /// A disjunction.
    Or,
}

/// What a store can do. What is not listed is not offered to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The operators that [`translate`](crate::Connector::translate) may accept.
    pub operators: BTreeSet<Operator>,
    /// The predicates that a pushed filter may be made of.
    pub predicates: BTreeSet<PredicateForm>,
    /// The scalar functions that expressions may call, by DataFusion's names.
    pub functions: BTreeSet<String>,
    /// The aggregate functions, by DataFusion's names. `avg` comes as a sum and a count.
    pub aggregates: BTreeSet<String>,
    /// The most values of one IN list.
    pub in_list_values_max: usize,
    /// Whether column types are found by looking at the data.
    pub infers_schema: bool,
}

impl Capabilities {
    /// A store that can only be read whole.
    #[must_use]
    pub fn none() -> Self {
        Self {
            operators: BTreeSet::new(),
            predicates: BTreeSet::new(),
            functions: BTreeSet::new(),
            aggregates: BTreeSet::new(),
            in_list_values_max: 0,
            infers_schema: false,
        }
    }

    /// Filter, projection and limit with every form of predicate: what most stores begin with.
    #[must_use]
    pub fn selection() -> Self {
        use PredicateForm::{And, Equal, InList, IsNull, Like, NotEqual, Or, Range};
        Self {
            operators: [Operator::Filter, Operator::Project, Operator::Limit].into(),
            predicates: [Equal, NotEqual, Range, InList, IsNull, Like, And, Or].into(),
            functions: BTreeSet::new(),
            aggregates: BTreeSet::new(),
            in_list_values_max: 10_000,
            infers_schema: false,
        }
    }

    /// With more operators.
    #[must_use]
    pub fn with_operators(mut self, operators: impl IntoIterator<Item = Operator>) -> Self {
        self.operators.extend(operators);
        self
    }

    /// With more scalar functions.
    #[must_use]
    pub fn with_functions(mut self, names: &[&str]) -> Self {
        self.functions.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// With more aggregate functions.
    #[must_use]
    pub fn with_aggregates(mut self, names: &[&str]) -> Self {
        self.aggregates.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Whether the operator may be offered.
    #[must_use]
    pub fn supports(&self, operator: Operator) -> bool {
        self.operators.contains(&operator)
    }
}

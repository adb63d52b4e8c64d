//! Settings of a session, as `SET medley.pushdown_join = false`.

use datafusion::common::extensions_options;
use datafusion::config::ConfigExtension;
use medley_core::capabilities::Operator;

extensions_options! {
    /// What a session may set, under the prefix `medley`.
    pub struct Settings {
        /// A value that does not fit its column is an error, where it would be NULL and counted.
        pub strict: bool, default = false
        /// Whether stores are asked for anything but whole tables.
        pub pushdown: bool, default = true
        /// Whether filters go down.
        pub pushdown_filter: bool, default = true
        /// Whether computed and chosen columns go down.
        pub pushdown_project: bool, default = true
        /// Whether limits go down.
        pub pushdown_limit: bool, default = true
        /// Whether grouping and aggregates go down.
        pub pushdown_aggregate: bool, default = true
        /// Whether sorting goes down.
        pub pushdown_sort: bool, default = true
        /// Whether joins inside one store go down.
        pub pushdown_join: bool, default = true
        /// Whether unions inside one store go down.
        pub pushdown_union: bool, default = true
        /// Whether the keys of one side of a join go down to the store of the other.
        pub bind_joins: bool, default = true
        /// Whether the unnesting of lists goes down.
        pub pushdown_unnest: bool, default = true
    }
}

impl ConfigExtension for Settings {
    const PREFIX: &'static str = "medley";
}

impl Settings {
    /// Whether keys may go down.
    #[must_use]
    pub fn binds(&self) -> bool {
        self.bind_joins && self.allows(Operator::Filter)
    }

    /// Whether an operator may go down.
    #[must_use]
    pub fn allows(&self, operator: Operator) -> bool {
        self.pushdown
            && match operator {
                Operator::Filter => self.pushdown_filter,
                Operator::Project => self.pushdown_project,
                Operator::Limit => self.pushdown_limit,
                Operator::Aggregate => self.pushdown_aggregate,
                Operator::Sort => self.pushdown_sort,
                Operator::Join => self.pushdown_join,
                Operator::Union => self.pushdown_union,
                Operator::Unnest => self.pushdown_unnest,
            }
    }
}

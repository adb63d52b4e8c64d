//! How many rows a fragment gives, guessed from what is known of its tables.

use datafusion::common::JoinType;
use datafusion::logical_expr::Expr;
use medley_core::{Fragment, TableStatistics};

use crate::Remote;

/// The share of rows that a filter is guessed to keep, as DataFusion guesses for its own.
const FILTER_SHARE: f64 = 0.2;
/// The share of rows that have keys of their own in a group of which nothing is known.
const GROUP_SHARE: f64 = 0.1;

/// The rows that a remote's fragment is guessed to give; none if a table's size is not known.
#[must_use]
pub fn estimate(remote: &Remote, fragment: &Fragment) -> Option<usize> {
    let rows = Estimator { remote }.rows(fragment)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a guess, which saturates"
    )]
    Some(rows.max(0.0).round() as usize)
}

struct Estimator<'a> {
    remote: &'a Remote,
}

impl Estimator<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    fn rows(&self, fragment: &Fragment) -> Option<f64> {
        match fragment {
            Fragment::Scan(table) => {
                let (_, statistics) = self.remote.tables.get(&table.name)?;
                statistics.rows.value().map(|rows| rows as f64)
            }
            Fragment::Filter { input, predicate } => {
                Some(self.filtered(input, predicate)?.max(1.0))
            }
            Fragment::Project { input, .. } | Fragment::Sort { input, .. } => self.rows(input),
            Fragment::Aggregate { group, .. } if group.is_empty() => Some(1.0),
            Fragment::Aggregate { input, group, .. } => {
                let rows = self.rows(input)?;
                let distinct =
                    group.iter().map(|(key, _)| self.distinct(key)).product::<Option<f64>>();
                Some(distinct.unwrap_or(rows * GROUP_SHARE).clamp(1.0, rows.max(1.0)))
            }
            Fragment::Limit { input, skip, fetch } => {
                let rows = (self.rows(input)? - *skip as f64).max(0.0);
                Some(fetch.map_or(rows, |fetch| rows.min(fetch as f64)))
            }
            Fragment::Join { left, right, kind, on, .. } => {
                let (left, right) = (self.rows(left)?, self.rows(right)?);
                Some(match kind {
                    JoinType::LeftSemi | JoinType::LeftAnti => left,
                    _ if on.is_empty() => left * right,
                    _ => left.max(right),
                })
            }
            Fragment::Union(inputs) => inputs.iter().map(|input| self.rows(input)).sum(),
            Fragment::Unnest { input, .. } => self.rows(input).map(|rows| rows * 4.0),
        }
    }

    /// One row if a key is given, else a share.
    fn filtered(&self, input: &Fragment, predicate: &Expr) -> Option<f64> {
        let rows = self.rows(input)?;
        if let Expr::BinaryExpr(binary) = predicate
            && binary.op == datafusion::logical_expr::Operator::Eq
            && let Some(distinct) =
                self.distinct(&binary.left).or_else(|| self.distinct(&binary.right))
        {
            return Some(rows / distinct.max(1.0));
        }
        Some(rows * FILTER_SHARE)
    }

    /// The distinct values of a stored column.
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    fn distinct(&self, key: &Expr) -> Option<f64> {
        let Expr::Column(column) = key else { return None };
        let of =
            |statistics: &TableStatistics| statistics.columns.get(&column.name)?.distinct.value();
        self.remote.tables.values().find_map(|(_, s)| of(s)).map(|distinct| distinct as f64)
    }
}

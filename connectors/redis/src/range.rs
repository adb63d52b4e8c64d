//! What is asked for inside keys: scores of sorted sets, places of lists, ids of streams.
//!
//! A score is compared in Redis as the same double that is read, and a place as the same integer. Zero is not compared:
//! `-0.0 = 0.0` there, and not in Arrow. Ids are text in SQL, whose order is not theirs: only equality goes down.

use datafusion::scalar::ScalarValue;
use medley_core::Refusal;
use medley_core::predicate::Comparison;
use serde::{Deserialize, Serialize};

/// The part of each key that is read; all of it by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Range {
    /// The lowest score, and whether it is left out itself.
    low: Option<(f64, bool)>,
    /// The highest score, and whether it is left out itself.
    high: Option<(f64, bool)>,
    /// The first place of a list.
    first: Option<i64>,
    /// The last place of a list.
    last: Option<i64>,
    /// The one entry of a stream.
    pub(crate) id: Option<String>,
}

impl Range {
    /// Narrows the scores.
    pub(crate) fn score(
        &mut self,
        comparison: Comparison,
        value: &ScalarValue,
    ) -> Result<(), Refusal> {
        let score = match value {
            ScalarValue::Float64(Some(score)) if *score != 0.0 && score.is_finite() => *score,
            other => return Err(Refusal::new(format!("a score compared with {other}"))),
        };
        let low = |known: Option<(f64, bool)>, open: bool| match known {
            Some((at, was)) if at > score || (at == score && was) => Some((at, was)),
            _ => Some((score, open)),
        };
        let high = |known: Option<(f64, bool)>, open: bool| match known {
            Some((at, was)) if at < score || (at == score && was) => Some((at, was)),
            _ => Some((score, open)),
        };
        match comparison {
            Comparison::Equal => {
                (self.low, self.high) = (low(self.low, false), high(self.high, false));
            }
            Comparison::Greater => self.low = low(self.low, true),
            Comparison::GreaterOrEqual => self.low = low(self.low, false),
            Comparison::Less => self.high = high(self.high, true),
            Comparison::LessOrEqual => self.high = high(self.high, false),
            Comparison::NotEqual => return Err(Refusal::new("Redis reads ranges of scores only")),
        }
        Ok(())
    }

    /// Narrows the places.
    pub(crate) fn place(
        &mut self,
        comparison: Comparison,
        value: &ScalarValue,
    ) -> Result<(), Refusal> {
        let ScalarValue::Int64(Some(place)) = value else {
            return Err(Refusal::new(format!("a place compared with {value}")));
        };
        let (first, last) = match comparison {
            Comparison::Equal => (Some(*place), Some(*place)),
            Comparison::Greater => (place.checked_add(1), None),
            Comparison::GreaterOrEqual => (Some(*place), None),
            Comparison::Less => (None, place.checked_sub(1)),
            Comparison::LessOrEqual => (None, Some(*place)),
            Comparison::NotEqual => return Err(Refusal::new("Redis reads ranges of places only")),
        };
        self.first = self.first.max(first);
        self.last = match (self.last, last) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    /// The first place that is read.
    pub(crate) fn first(&self) -> i64 {
        self.first.unwrap_or(0).max(0)
    }

    /// LRANGE's stop. Negative ones would count from the end: a range without places is one from behind its end.
    pub(crate) fn stop(&self) -> (i64, i64) {
        match self.last {
            None => (self.first(), -1),
            Some(last) if last < self.first() => (1, 0),
            Some(last) => (self.first(), last),
        }
    }

    /// ZRANGE's bounds by score; none if all members are read.
    pub(crate) fn scores(&self) -> Option<(String, String)> {
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        let text = |bound: Option<(f64, bool)>, none: &str| match bound {
            Some((score, open)) => format!("{}{score}", if open { "(" } else { "" }),
            None => none.to_owned(),
        };
        Some((text(self.low, "-inf"), text(self.high, "+inf")))
    }

    /// As EXPLAIN shows it.
    pub(crate) fn display(&self) -> String {
        let mut text = String::new();
        if let Some((low, high)) = self.scores() {
            text.push_str(&format!(" BYSCORE {low} {high}"));
        }
        if self.first.is_some() || self.last.is_some() {
            let (start, stop) = self.stop();
            text.push_str(&format!(" from {start} to {stop}"));
        }
        if let Some(id) = &self.id {
            text.push_str(&format!(" of id {id:?}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_narrow_each_other() {
        let mut range = Range::default();
        let score = |score| ScalarValue::Float64(Some(score));
        range.score(Comparison::GreaterOrEqual, &score(1.5)).unwrap();
        range.score(Comparison::Greater, &score(1.5)).unwrap();
        range.score(Comparison::Less, &score(9.0)).unwrap();
        range.score(Comparison::Less, &score(12.0)).unwrap();
        assert_eq!(range.scores(), Some(("(1.5".to_owned(), "(9".to_owned())));
        assert!(range.score(Comparison::Less, &score(0.0)).is_err());
        let place = |place| ScalarValue::Int64(Some(place));
        range.place(Comparison::Greater, &place(3)).unwrap();
        range.place(Comparison::Less, &place(2)).unwrap();
        assert_eq!(range.stop(), (1, 0));
    }
}

//! What is known of a table's size.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// A number with how far it may be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Figure<T> {
    /// True when it was read.
    Exact(T),
    /// A guess, such as the store's own statistics.
    Estimated(T),
    /// Not known.
    #[default]
    Unknown,
}

impl<T: Copy> Figure<T> {
    /// The number, however good.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Exact(value) | Self::Estimated(value) => Some(value),
            Self::Unknown => None,
        }
    }
}

/// One column's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ColumnStatistics {
    /// Distinct values.
    pub distinct: Figure<u64>,
    /// The share of NULLs, from 0 to 1.
    pub null_share: Figure<f64>,
    /// The average width of a value, in bytes.
    pub width_bytes: Figure<u64>,
}

/// One table's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableStatistics {
    /// Rows.
    pub rows: Figure<u64>,
    /// The size of all rows, in bytes.
    pub bytes: Figure<u64>,
    /// By column name.
    pub columns: BTreeMap<String, ColumnStatistics>,
    /// When the figures were taken.
    pub taken_at: Option<SystemTime>,
}

impl TableStatistics {
    /// Nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Only a row count is known.
    #[must_use]
    pub fn of_rows(rows: Figure<u64>) -> Self {
        Self { rows, taken_at: Some(SystemTime::now()), ..Self::default() }
    }
}

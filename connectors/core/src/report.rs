//! What an execution tells besides its rows: values that did not fit, bytes and round trips.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::{Error, ErrorKind, Result, TableName};

/// Values of one type that did not fit their column and were read as NULL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mismatch {
    /// The table.
    pub table: TableName,
    /// The column, or the path inside it.
    pub column: String,
    /// What was found, in the store's words.
    pub found: String,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {}", self.table, self.column, self.found)
    }
}

/// Counts of one query, shared by all its executions.
#[derive(Debug, Default)]
pub struct Report {
    strict: AtomicBool,
    bytes: AtomicU64,
    round_trips: AtomicU64,
    mismatches: Mutex<BTreeMap<Mismatch, u64>>,
    /// The whole query's report, of which this is a part.
    whole: Option<Arc<Report>>,
}

impl Report {
    /// A report that turns the first value that does not fit into an error.
    #[must_use]
    pub fn strict() -> Self {
        Self { strict: AtomicBool::new(true), ..Self::default() }
    }

    /// A report of a part of the query, whose counts are the whole's too.
    #[must_use]
    pub fn part_of(whole: Arc<Self>) -> Self {
        let strict = AtomicBool::new(whole.is_strict());
        Self { strict, whole: Some(whole), ..Self::default() }
    }

    /// Whether values that do not fit are errors.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strict.load(Ordering::Relaxed)
    }

    /// Counts `count` values that were read as NULL because they do not fit their column.
    ///
    /// # Errors
    /// [`Data`](ErrorKind::Data) where the user asked for strictness.
    pub fn mismatch(&self, table: &TableName, column: &str, found: &str, count: u64) -> Result<()> {
        if self.is_strict() {
            let message = format!(
                "table \"{table}\", column \"{column}\": found {found}, which does not fit; pin the column's type \
                 in the configuration, or read without strict"
            );
            return Err(Error::new(ErrorKind::Data, "read rows", message));
        }
        if let Some(whole) = &self.whole {
            whole.mismatch(table, column, found, count)?;
        }
        let key =
            Mismatch { table: table.clone(), column: column.to_owned(), found: found.to_owned() };
        if let Ok(mut mismatches) = self.mismatches.lock() {
            *mismatches.entry(key).or_default() += count;
        }
        Ok(())
    }

    /// Deals with a value that does not fit its column: a stored one is NULL and counted, a computed one is an error.
    ///
    /// # Errors
    /// [`Data`](ErrorKind::Data) for a computed value, and where the user asked for strictness.
    pub fn misfit(
        &self,
        table: &TableName,
        column: &str,
        found: &str,
        is_computed: bool,
    ) -> Result<()> {
        if is_computed {
            let message =
                format!("a result computed from \"{table}\" is {found}, out of its type's range");
            return Err(Error::new(ErrorKind::Data, "read rows", message));
        }
        self.mismatch(table, column, found, 1)
    }

    /// Adds bytes that came over the network.
    pub fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.add_bytes(bytes);
        }
    }

    /// Adds a request and its answer.
    pub fn add_round_trip(&self) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.add_round_trip();
        }
    }

    /// The bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The round trips so far.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// The values that did not fit so far, and how many of each.
    pub fn mismatches(&self) -> Vec<(Mismatch, u64)> {
        self.mismatches
            .lock()
            .map(|mismatches| mismatches.iter().map(|(key, count)| (key.clone(), *count)).collect())
            .unwrap_or_default()
    }
}

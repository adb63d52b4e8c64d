//! Runs each query in four ways and compares.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use fastrand::Rng;
use futures::TryStreamExt;
use medley_engine::{Engine, Session};

use super::data;
use super::generate::{self, Column, Kind, Query, Table};
use crate::answers::{Rows, rows};

/// What a run found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Queries that gave the same rows in all ways.
    pub same: usize,
    /// Queries that failed in memory too, or that only a store refused to compute: out of range.
    pub failed: usize,
    /// Why queries failed, with one that did.
    pub reasons: std::collections::BTreeMap<String, String>,
    /// What differed: enough to see and to repeat it.
    pub wrong: Vec<String>,
}

/// The stores' tables, and the same rows in memory.
pub struct Fuzzer {
    engine: Engine,
    memory: SessionContext,
    tables: Vec<[Table; 2]>,
}

/// The kinds of pushdown that a mask switches.
const SWITCHES: [&str; 7] = ["filter", "project", "limit", "aggregate", "sort", "join", "union"];

impl Fuzzer {
    /// Reads every table whole, with nothing pushed down.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn new(engine: Engine, names: &[[String; 2]]) -> Result<Self> {
        let memory = crate::reference::empty();
        let session = engine.session();
        session.sql("SET medley.pushdown = false").await?;
        let mut tables = Vec::new();
        for (index, pair) in names.iter().enumerate() {
            let mut both = Vec::new();
            for (name, short) in pair.iter().zip(data::TABLES) {
                let local = format!("m{index}_{short}");
                both.push(load(&session, &memory, name, &local).await?);
            }
            tables.push(both.try_into().ok().context("two tables")?);
        }
        Ok(Self { engine, memory, tables })
    }

    /// Runs the queries of some seeds.
    ///
    /// # Errors
    /// A session that cannot be set up; wrong answers are part of the outcome.
    pub async fn run(&self, seeds: impl Iterator<Item = u64>) -> Result<Outcome> {
        let (on, off, some) = (self.engine.session(), self.engine.session(), self.engine.session());
        off.sql("SET medley.pushdown = false").await?;
        let mut outcome = Outcome::default();
        for seed in seeds {
            let query = self.query(seed);
            let mask = mask(&some, seed).await?;
            let wanted = memory(&self.memory, &query).await;
            let mut verdict = Verdict::Same;
            for (way, session) in [("on", &on), ("off", &off), (mask.as_str(), &some)] {
                let found = ask(session, &query).await;
                verdict = verdict.and(judge(&query, &wanted, &found, way, seed));
            }
            match verdict {
                Verdict::Same => outcome.same += 1,
                Verdict::Failed => {
                    outcome.failed += 1;
                    if let Err(reason) = wanted {
                        let short: String = reason.chars().take(60).collect();
                        outcome.reasons.entry(short).or_insert(query.local);
                    }
                }
                Verdict::Wrong(what) => outcome.wrong.push(what),
            }
        }
        Ok(outcome)
    }

    /// Whether a query over tables called `{pg.a}` and so on gives the same rows in every way; or else what differs.
    ///
    /// # Errors
    /// A session that cannot be set up.
    pub async fn same(&self, sql: &str) -> Result<Result<(), String>> {
        let (mut remote, mut local) = (sql.to_owned(), sql.to_owned());
        for (store, tables) in ["pg", "docs", "lite", "cache", "graph"].iter().zip(&self.tables) {
            for (table, short) in tables.iter().zip(data::TABLES) {
                let place = format!("{{{store}.{short}}}");
                remote = remote.replace(&place, &table.remote);
                local = local.replace(&place, &table.local);
            }
        }
        // An order inside parentheses is none of the answer's.
        let ordered =
            remote.rfind("ORDER BY").is_some_and(|o| remote.rfind(')').is_none_or(|p| o > p));
        let query = Query { remote, local, ordered };
        let wanted = memory(&self.memory, &query).await;
        if let Err(error) = &wanted {
            return Ok(Err(format!("{error}: {}", query.local)));
        }
        let (on, off) = (self.engine.session(), self.engine.session());
        off.sql("SET medley.pushdown = false").await?;
        for (way, session) in [("on", &on), ("off", &off)] {
            let found = ask(session, &query).await;
            if let Verdict::Wrong(what) = judge(&query, &wanted, &found, way, 0) {
                return Ok(Err(what));
            }
        }
        Ok(Ok(()))
    }

    /// The first of the seeds whose query gives other rows with all pushed down; the tables in memory are `truth`'s.
    ///
    /// # Errors
    /// A session that cannot be set up.
    pub async fn first_wrong(
        &self,
        truth: &Self,
        seeds: impl Iterator<Item = u64>,
    ) -> Result<Option<u64>> {
        let on = self.engine.session();
        for seed in seeds {
            let query = truth.query(seed);
            let wanted = memory(&truth.memory, &query).await;
            let found = ask(&on, &query).await;
            if let Verdict::Wrong(_) = judge(&query, &wanted, &found, "on", seed) {
                return Ok(Some(seed));
            }
        }
        Ok(None)
    }

    /// The same comparison for another engine.
    #[must_use]
    pub fn of(engine: Engine, truth: &Self) -> Self {
        Self { engine, memory: truth.memory.clone(), tables: truth.tables.clone() }
    }

    /// The query of a seed: half of them over tables of two stores.
    #[must_use]
    pub fn query(&self, seed: u64) -> Query {
        let mut rng = Rng::with_seed(seed ^ 0x5eed);
        let left = rng.usize(0..self.tables.len());
        let right = if rng.bool() { left } else { rng.usize(0..self.tables.len()) };
        generate::query(seed, &self.tables[left][0], &self.tables[right][1])
    }
}

async fn mask(session: &Session, seed: u64) -> Result<String> {
    let mut rng = Rng::with_seed(seed ^ 0x3a5c);
    let mut off = Vec::new();
    for switch in SWITCHES {
        let on = rng.bool();
        session.sql(&format!("SET medley.pushdown_{switch} = {on}")).await?;
        if !on {
            off.push(switch);
        }
    }
    Ok(format!("without {}", off.join(", ")))
}

enum Verdict {
    Same,
    Failed,
    Wrong(String),
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Wrong(what), _) | (_, Self::Wrong(what)) => Self::Wrong(what),
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Same, Self::Same) => Self::Same,
        }
    }
}

type Answer = Result<(Vec<String>, Vec<String>), String>;

async fn ask(session: &Session, query: &Query) -> Answer {
    let answer = session.sql(&query.remote).await.map_err(|error| error.to_string())?;
    let schema = answer.schema();
    let batches: Vec<RecordBatch> =
        answer.stream.try_collect().await.map_err(|error| error.to_string())?;
    lines(rows(&schema, &batches).map_err(|error| error.to_string())?)
}

async fn memory(context: &SessionContext, query: &Query) -> Answer {
    let frame = context.sql(&query.local).await.map_err(|error| error.to_string())?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    lines(rows(&schema, &batches).map_err(|error| error.to_string())?)
}

/// The rows in order, and sorted. Floats are cut to nine digits, since their sums depend on the order.
fn lines(rows: Rows) -> Answer {
    let is_float: Vec<bool> =
        rows.schema.fields().iter().map(|field| field.data_type().is_floating()).collect();
    let ordered: Vec<String> = rows
        .cells
        .iter()
        .map(|row| {
            let cells =
                row.iter().zip(&is_float).map(|(cell, is_float)| match cell.parse::<f64>() {
                    Ok(value) if *is_float => format!("{value:.8e}"),
                    _ => cell.clone(),
                });
            cells.collect::<Vec<_>>().join("|")
        })
        .collect();
    let mut sorted = ordered.clone();
    sorted.sort();
    Ok((ordered, sorted))
}

fn judge(query: &Query, wanted: &Answer, found: &Answer, way: &str, seed: u64) -> Verdict {
    let wrong =
        |what: String| Verdict::Wrong(format!("seed {seed}, {way}: {what}\n  {}\n", query.remote));
    match (wanted, found) {
        (Ok(wanted), Ok(found)) => {
            // Rows that are equal by the order's keys are the same rows: the order is by all columns.
            let same = if query.ordered { wanted.0 == found.0 } else { wanted.1 == found.1 };
            if same || (query.ordered && has_zeros(&wanted.0) && wanted.1 == found.1) {
                return Verdict::Same;
            }
            let missing = wanted.1.iter().find(|line| !found.1.contains(line));
            let extra = found.1.iter().find(|line| !wanted.1.contains(line));
            wrong(format!(
                "{} rows for {}, missing {missing:?}, extra {extra:?}",
                found.0.len(),
                wanted.0.len()
            ))
        }
        (Err(_), Err(_)) => Verdict::Failed,
        (Ok(_), Err(error)) if error.contains("out of range") || error.contains("overflow") => {
            Verdict::Failed
        }
        // What a store has filtered out before cannot fail any more.
        (Err(_), Ok(_)) => Verdict::Failed,
        (Ok(_), Err(error)) => wrong(error.clone()),
    }
}

/// Both zeros are equal in SQL, and so may come in any order.
fn has_zeros(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("-0.00000000e0"))
}

async fn load(
    session: &Session,
    memory: &SessionContext,
    remote: &str,
    local: &str,
) -> Result<Table> {
    let answer = session.sql(&format!("SELECT * FROM {remote}")).await?;
    let schema = answer.schema();
    let batches: Vec<RecordBatch> = answer.stream.try_collect().await?;
    let mut columns = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let Some(kind) = kind(field.data_type()) else { continue };
        let mut literals = Vec::new();
        for batch in &batches {
            literals.extend(literals_of(batch.column(index).as_ref(), kind)?);
        }
        literals.sort();
        literals.dedup();
        let name = format!("\"{}\"", field.name());
        columns.push(Column { name, kind, literals });
    }
    memory.register_table(local, Arc::new(MemTable::try_new(schema, vec![batches])?))?;
    Ok(Table { remote: remote.to_owned(), local: local.to_owned(), columns })
}

fn kind(data_type: &DataType) -> Option<Kind> {
    match data_type {
        DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(Kind::Integer),
        DataType::Float32 | DataType::Float64 => Some(Kind::Float),
        DataType::Decimal128(..) => Some(Kind::Decimal),
        DataType::Utf8 => Some(Kind::Text),
        DataType::Boolean => Some(Kind::Boolean),
        DataType::Date32 => Some(Kind::Date),
        DataType::Timestamp(..) => Some(Kind::Timestamp),
        _ => None,
    }
}

fn literals_of(column: &dyn Array, kind: Kind) -> Result<Vec<String>> {
    let mut literals = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            continue;
        }
        let text = arrow::util::display::array_value_to_string(column, row)?;
        literals.push(match kind {
            Kind::Integer | Kind::Decimal if text.starts_with('-') => format!("({text})"),
            Kind::Integer | Kind::Decimal | Kind::Boolean => text,
            Kind::Float => format!("CAST('{text}' AS DOUBLE)"),
            Kind::Text => format!("'{}'", text.replace('\'', "''")),
            Kind::Date => format!("DATE '{text}'"),
            Kind::Timestamp => format!("TIMESTAMP '{text}'"),
        });
    }
    Ok(literals)
}

//! Reads keys in pipelines and turns what they hold into batches.

use std::collections::HashSet;

use datafusion::execution::SendableRecordBatchStream;
use medley_core::column_builder::{BatchBuilder, Scalar};
use medley_core::inference::Shape;
use medley_core::stream::spawned;
use medley_core::{Connector, Error, ErrorKind, ExecuteOptions, RemoteQuery, Report, Result};
use redis::aio::ConnectionManager;
use redis::{Pipeline, Value};

use crate::catalog::{Part, Source};
use crate::client::{Handle, RedisConnector};
use crate::config::KeyKind;
use crate::discover::PAGE_KEYS;
use crate::translate::Plan;
use crate::types::{append_bytes, append_json, bytes, canonical_integer, elements, pairs, text};

/// Keys of one pipeline.
const PIPELINE_KEYS: usize = 500;

pub(crate) fn execute(
    connector: &RedisConnector,
    query: &RemoteQuery,
    options: ExecuteOptions,
) -> Result<SendableRecordBatchStream> {
    let plan: Plan = query.plan()?;
    let (handle, schema) = (connector.handle.clone(), query.schema.clone());
    Ok(spawned(query.schema.clone(), &connector.info().catalog, move |sender| async move {
        let mut shapes: Vec<_> = plan
            .columns
            .iter()
            .map(|(name, detail)| (name.clone(), detail.shape.clone()))
            .collect();
        if plan.counts.is_some() {
            let counts = schema.fields().iter();
            shapes = counts.map(|field| (field.name().clone(), Shape::Int64)).collect();
        }
        let batch = BatchBuilder::new(schema, &shapes);
        if let Some(columns) = plan.counts {
            let batch = count(&handle, &plan, batch, columns, &options.report).await?;
            sender.send(batch).await;
            return Ok(());
        }
        let (skip, left) = (plan.skip, plan.fetch.unwrap_or(usize::MAX));
        let mut reader = Reader { plan: &plan, batch, report: &options.report, skip, left };
        let mut connection = handle.connection().await?;
        let mut pages = Pages::of(&handle, &plan).await?;
        while reader.left > 0
            && let Some(keys) = pages.next().await?
        {
            for keys in keys.chunks(PIPELINE_KEYS) {
                let keys: Vec<_> = keys.iter().filter(|key| plan.admits(key)).collect();
                let answers = plan.read(&handle, &mut connection, &keys, &options.report).await?;
                reader.append(&keys, &answers)?;
                while reader.batch.rows() >= options.batch_rows {
                    if !sender.send(reader.batch.finish()?).await {
                        return Ok(());
                    }
                }
                if reader.left == 0 {
                    break;
                }
            }
        }
        if reader.batch.rows() > 0 {
            sender.send(reader.batch.finish()?).await;
        }
        Ok(())
    }))
}

/// How many rows the keys hold, in one row of so many equal columns.
async fn count(
    handle: &Handle,
    plan: &Plan,
    mut batch: BatchBuilder,
    columns: usize,
    report: &Report,
) -> Result<datafusion::arrow::record_batch::RecordBatch> {
    let mut connection = handle.connection().await?;
    let mut pages = Pages::of(handle, plan).await?;
    let mut rows = 0_i64;
    while let Some(keys) = pages.next().await? {
        for keys in keys.chunks(PIPELINE_KEYS) {
            let keys: Vec<_> = keys.iter().filter(|key| plan.admits(key)).collect();
            if keys.is_empty() {
                continue;
            }
            let mut pipeline = redis::pipe();
            keys.iter().for_each(|key| plan.cardinality(&mut pipeline, key));
            report.add_round_trip();
            let answers: Vec<Value> = pipeline
                .ignore_errors()
                .query_async(&mut connection)
                .await
                .map_err(|error| handle.error("count keys", error))?;
            for answer in &answers {
                rows += plan.rows_of(answer)?;
            }
        }
    }
    for column in batch.columns.iter_mut().take(columns) {
        column.append(Scalar::Int64(rows));
    }
    batch.close_row();
    batch.finish()
}

/// Keys to read, page by page.
enum Pages<'a> {
    Given(Option<Vec<String>>),
    Scanned(Scan<'a>),
}

impl<'a> Pages<'a> {
    async fn of(handle: &'a Handle, plan: &'a Plan) -> Result<Self> {
        Ok(match &plan.keys {
            Some(keys) => Self::Given(Some(keys.clone())),
            None => {
                Self::Scanned(Scan::new(handle, &plan.source).await?.beginning(&plan.beginnings))
            }
        })
    }

    async fn next(&mut self) -> Result<Option<Vec<String>>> {
        match self {
            Self::Given(keys) => Ok(keys.take()),
            Self::Scanned(scan) => scan.page().await,
        }
    }
}

/// A SCAN over the keys of a table, each given once.
pub(crate) struct Scan<'a> {
    handle: &'a Handle,
    source: &'a Source,
    connection: ConnectionManager,
    cursor: Option<u64>,
    beginnings: &'a [String],
    seen: HashSet<Vec<u8>>,
}

impl<'a> Scan<'a> {
    pub(crate) async fn new(handle: &'a Handle, source: &'a Source) -> Result<Self> {
        let connection = handle.connection().await?;
        let seen = HashSet::new();
        Ok(Self { handle, source, connection, cursor: Some(0), beginnings: &[], seen })
    }

    /// Only keys whose placeholders begin so.
    fn beginning(mut self, beginnings: &'a [String]) -> Self {
        self.beginnings = beginnings;
        self
    }

    /// The next keys, of which there may be none yet; none at all at the end.
    pub(crate) async fn page(&mut self) -> Result<Option<Vec<String>>> {
        let Some(cursor) = self.cursor else { return Ok(None) };
        // A pattern without placeholders is one key.
        if self.source.pattern.placeholders.is_empty() {
            self.cursor = None;
            return Ok(Some(vec![self.source.pattern.prefix.clone()]));
        }
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(self.source.pattern.glob(self.beginnings));
        scan.arg("COUNT").arg(PAGE_KEYS).arg("TYPE").arg(self.source.kind.redis_type());
        let (next, page): (u64, Vec<Vec<u8>>) = scan
            .query_async(&mut self.connection)
            .await
            .map_err(|error| self.handle.error("scan keys", error))?;
        self.cursor = (next != 0).then_some(next);
        // A key may come twice while the server rehashes; bytes that are no text are no key of a table.
        let fresh = page.into_iter().filter(|key| self.seen.insert(key.clone()));
        Ok(Some(fresh.filter_map(|key| String::from_utf8(key).ok()).collect()))
    }
}

impl Plan {
    /// Whether a key fits the pattern with values of the placeholders' types.
    fn admits(&self, key: &str) -> bool {
        let Some(values) = self.source.pattern.values(key) else { return false };
        let begins =
            values.iter().zip(&self.beginnings).all(|(v, text)| v.starts_with(text.as_str()));
        begins
            && values.iter().zip(&self.placeholders).all(|(value, shape)| match shape {
                Shape::Int64 => canonical_integer(value).is_some(),
                _ => true,
            })
    }

    fn wants(&self, part: &Part) -> bool {
        self.columns.iter().any(|(_, detail)| detail.part == *part)
    }

    /// One answer a key; two if the time to live is wanted.
    async fn read(
        &self,
        handle: &Handle,
        connection: &mut ConnectionManager,
        keys: &[&String],
        report: &Report,
    ) -> Result<Vec<Value>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        let fields = self.fields();
        for key in keys {
            self.command(&mut pipeline, key, &fields);
            if self.wants(&Part::Ttl) {
                pipeline.cmd("PTTL").arg(key);
            }
        }
        report.add_round_trip();
        pipeline
            .ignore_errors()
            .query_async(connection)
            .await
            .map_err(|error| handle.error("read keys", error))
    }

    fn command(&self, pipeline: &mut Pipeline, key: &str, fields: &[&str]) {
        match self.source.kind {
            // A key may be gone, or of another type, when only itself is asked for.
            KeyKind::Hash | KeyKind::Json | KeyKind::String if fields.is_empty() => {
                pipeline.cmd("TYPE").arg(key)
            }
            KeyKind::Hash => pipeline.cmd("HMGET").arg(key).arg(fields).cmd("TYPE").arg(key),
            KeyKind::Json | KeyKind::String => pipeline.cmd("GET").arg(key),
            KeyKind::List => {
                let (start, stop) = self.range.stop();
                pipeline.cmd("LRANGE").arg(key).arg(start).arg(stop)
            }
            KeyKind::Set => pipeline.cmd("SMEMBERS").arg(key),
            KeyKind::Zset => match self.range.scores() {
                Some((low, high)) => {
                    let command = pipeline.cmd("ZRANGE").arg(key).arg(low).arg(high);
                    command.arg("BYSCORE").arg("WITHSCORES")
                }
                None => pipeline.cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES"),
            },
            KeyKind::Stream => {
                let (from, to) = match &self.range.id {
                    Some(id) => (id.as_str(), id.as_str()),
                    None => ("-", "+"),
                };
                pipeline.cmd("XRANGE").arg(key).arg(from).arg(to)
            }
        };
    }

    /// The command that tells how many rows a key holds.
    fn cardinality(&self, pipeline: &mut Pipeline, key: &str) {
        match self.source.kind {
            KeyKind::Hash | KeyKind::Json | KeyKind::String => pipeline.cmd("TYPE").arg(key),
            KeyKind::List => pipeline.cmd("LLEN").arg(key),
            KeyKind::Set => pipeline.cmd("SCARD").arg(key),
            KeyKind::Zset => match self.range.scores() {
                Some((low, high)) => pipeline.cmd("ZCOUNT").arg(key).arg(low).arg(high),
                None => pipeline.cmd("ZCARD").arg(key),
            },
            KeyKind::Stream => pipeline.cmd("XLEN").arg(key),
        };
    }

    fn rows_of(&self, answer: &Value) -> Result<i64> {
        match answer {
            Value::Int(rows) => Ok(*rows),
            // A key that took another type meanwhile is no key of the table any more.
            Value::ServerError(error) if error.code() == "WRONGTYPE" => Ok(0),
            Value::ServerError(error) => {
                let message =
                    format!("redis failed to count a key of \"{}\": {}", self.table, error.code());
                Err(Error::new(ErrorKind::Remote, "count keys", message))
            }
            other => Ok(i64::from(text(other) == Some(self.source.kind.redis_type()))),
        }
    }

    fn answers_per_key(&self) -> usize {
        let hash_with_type = self.source.kind == KeyKind::Hash && !self.fields().is_empty();
        1 + usize::from(hash_with_type) + usize::from(self.wants(&Part::Ttl))
    }
}

/// The value of one part of a row.
enum Cell<'a> {
    Null,
    Bytes(&'a [u8]),
    Int(i64),
    Double(f64),
    Json(&'a serde_json::Value),
}

/// Appends rows, up to the limit.
struct Reader<'a> {
    plan: &'a Plan,
    batch: BatchBuilder,
    report: &'a Report,
    skip: usize,
    left: usize,
}

impl Reader<'_> {
    fn append(&mut self, keys: &[&String], answers: &[Value]) -> Result<()> {
        for (key, answers) in keys.iter().zip(answers.chunks_exact(self.plan.answers_per_key())) {
            let ttl = answers.last().filter(|_| self.plan.wants(&Part::Ttl));
            if let Some(Value::ServerError(error)) =
                answers.iter().find(|a| matches!(a, Value::ServerError(_)))
            {
                // A key that took another type meanwhile is no key of the table any more.
                if error.code() == "WRONGTYPE" {
                    continue;
                }
                let message = format!(
                    "redis failed to read a key of \"{}\": {}",
                    self.plan.table,
                    error.code()
                );
                return Err(Error::new(ErrorKind::Remote, "read keys", message));
            }
            self.append_key(key, answers, ttl)?;
        }
        Ok(())
    }

    fn append_key(&mut self, key: &str, answers: &[Value], ttl: Option<&Value>) -> Result<()> {
        let plan = self.plan;
        let answer = &answers[0];
        match plan.source.kind {
            KeyKind::Hash | KeyKind::Json | KeyKind::String if plan.fields().is_empty() => {
                let is_there = text(answer) == Some(plan.source.kind.redis_type());
                if is_there { self.row(key, ttl, |_| Cell::Null) } else { Ok(()) }
            }
            KeyKind::Hash => {
                if answers.get(1).and_then(text) != Some("hash") {
                    return Ok(());
                }
                let fields = plan.fields();
                let values = elements(answer);
                self.row(key, ttl, |name| {
                    let position = fields.iter().position(|field| *field == name);
                    position
                        .and_then(|p| values.get(p))
                        .and_then(bytes)
                        .map_or(Cell::Null, Cell::Bytes)
                })
            }
            KeyKind::String => match bytes(answer) {
                Some(value) => self.row(key, ttl, |_| Cell::Bytes(value)),
                None => Ok(()),
            },
            KeyKind::Json => self.append_object(key, answer, ttl),
            KeyKind::List => {
                let first = plan.range.first();
                elements(answer).iter().enumerate().try_for_each(|(index, element)| {
                    self.row(key, ttl, |name| match name {
                        "index" => {
                            i64::try_from(index).map_or(Cell::Null, |i| Cell::Int(first + i))
                        }
                        _ => bytes(element).map_or(Cell::Null, Cell::Bytes),
                    })
                })
            }
            KeyKind::Set => elements(answer).iter().try_for_each(|member| {
                self.row(key, ttl, |_| bytes(member).map_or(Cell::Null, Cell::Bytes))
            }),
            KeyKind::Zset => self.append_scores(key, answer, ttl),
            KeyKind::Stream => self.append_entries(key, answer, ttl),
        }
    }

    fn append_object(&mut self, key: &str, answer: &Value, ttl: Option<&Value>) -> Result<()> {
        let Some(value) = bytes(answer) else { return Ok(()) };
        match serde_json::from_slice(value) {
            Ok(serde_json::Value::Object(object)) => {
                self.row(key, ttl, |name| object.get(name).map_or(Cell::Null, Cell::Json))
            }
            _ => {
                self.report.mismatch(
                    &self.plan.table,
                    "*",
                    "a string that is not a JSON object",
                    1,
                )?;
                self.row(key, ttl, |_| Cell::Null)
            }
        }
    }

    fn append_scores(&mut self, key: &str, answer: &Value, ttl: Option<&Value>) -> Result<()> {
        // The newer protocol nests each pair.
        let nested = elements(answer).first().is_some_and(|first| matches!(first, Value::Array(_)));
        let members: Vec<(&Value, &Value)> = if nested {
            elements(answer)
                .iter()
                .filter_map(|pair| elements(pair).first().zip(elements(pair).get(1)))
                .collect()
        } else {
            pairs(answer)
        };
        members.iter().try_for_each(|(member, score)| {
            self.row(key, ttl, |name| match (name, score) {
                ("score", Value::Double(score)) => Cell::Double(*score),
                ("score", score) => bytes(score).map_or(Cell::Null, Cell::Bytes),
                _ => bytes(member).map_or(Cell::Null, Cell::Bytes),
            })
        })
    }

    fn append_entries(&mut self, key: &str, answer: &Value, ttl: Option<&Value>) -> Result<()> {
        for entry in elements(answer) {
            let [id, fields] = elements(entry) else { continue };
            let fields = pairs(fields);
            self.row(key, ttl, |name| {
                if name == "id" {
                    return bytes(id).map_or(Cell::Null, Cell::Bytes);
                }
                let value = fields
                    .iter()
                    .find(|(field, _)| text(field) == Some(name))
                    .map(|(_, value)| *value);
                value.and_then(bytes).map_or(Cell::Null, Cell::Bytes)
            })?;
        }
        Ok(())
    }

    fn row<'v>(
        &mut self,
        key: &str,
        ttl: Option<&Value>,
        value: impl Fn(&str) -> Cell<'v>,
    ) -> Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.left -= 1;
        let placeholders = self.plan.source.pattern.values(key).unwrap_or_default();
        for ((name, detail), column) in self.plan.columns.iter().zip(&mut self.batch.columns) {
            let cell = match &detail.part {
                Part::Placeholder(index) => {
                    placeholders.get(*index).map_or(Cell::Null, |v| Cell::Bytes(v.as_bytes()))
                }
                Part::Key => Cell::Bytes(key.as_bytes()),
                Part::Ttl => match ttl {
                    Some(Value::Int(millis)) if *millis >= 0 => Cell::Int(*millis),
                    _ => Cell::Null,
                },
                Part::Value(field) => value(field),
            };
            let misfit = match cell {
                Cell::Null => {
                    column.append_null();
                    None
                }
                Cell::Bytes(bytes) => {
                    (!append_bytes(column, bytes)).then_some("text of another form")
                }
                Cell::Int(value) => (!column.append(Scalar::Int64(value))).then_some("an integer"),
                Cell::Double(value) => {
                    (!column.append(Scalar::Double(value))).then_some("a number")
                }
                Cell::Json(value) => append_json(column, value),
            };
            if let Some(found) = misfit {
                self.report.mismatch(&self.plan.table, name, found, 1)?;
            }
        }
        self.batch.close_row();
        Ok(())
    }
}

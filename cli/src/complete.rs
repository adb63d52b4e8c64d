//! Completion of keywords, functions, catalogs and tables. It never waits for a store: names come from a list that
//! is filled in the background.

use std::sync::{Arc, RwLock};

use arrow::array::AsArray;
use futures::StreamExt;
use medley_engine::Session;
use reedline::{Completer, CompletionResult, Span, Suggestion};

const KEYWORDS: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "ATTACH",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CREATE VIEW",
    "CROSS JOIN",
    "DESC",
    "DESCRIBE",
    "DETACH",
    "DISTINCT",
    "DROP VIEW",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXPLAIN ANALYZE",
    "FROM",
    "FULL JOIN",
    "GROUP BY",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER JOIN",
    "INTERSECT",
    "IS NOT NULL",
    "IS NULL",
    "JOIN",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER BY",
    "PARTITION BY",
    "RIGHT JOIN",
    "SELECT",
    "SET",
    "SHOW CATALOGS",
    "SHOW COLUMNS FROM",
    "SHOW SCHEMAS",
    "SHOW TABLES",
    "THEN",
    "UNION ALL",
    "UNNEST",
    "USE",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// The names that were found so far.
pub(crate) type Names = Arc<RwLock<Vec<String>>>;

/// Collects catalogs at once, and tables as the stores answer.
pub(crate) fn collect(runtime: &tokio::runtime::Runtime, session: &Session) -> Names {
    let catalogs = session.engine().catalog_names();
    let mut names = catalogs.clone();
    names.extend(session.function_names());
    let names = Arc::new(RwLock::new(names));
    for catalog in catalogs {
        let (session, names) = (session.clone(), names.clone());
        runtime.spawn(async move {
            let sql = format!(
                "SELECT table_schema, table_name FROM system.information_schema.tables WHERE table_catalog = '{}'",
                catalog.replace('\'', "''")
            );
            // A store that is down has no tables to complete.
            let Ok(mut answer) = session.sql(&sql).await else { return };
            while let Some(Ok(batch)) = answer.stream.next().await {
                let (schemas, tables) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
                let found = schemas.iter().zip(tables.iter()).filter_map(|(schema, table)| {
                    Some(format!("{catalog}.{}.{}", identifier(schema?), identifier(table?)))
                });
                if let Ok(mut names) = names.write() {
                    names.extend(found);
                }
            }
        });
    }
    names
}

fn identifier(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Completes the word before the cursor.
pub(crate) struct WordCompleter(pub(crate) Names);

impl Completer for WordCompleter {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        CompletionResult::fresh(self.suggestions(line, position))
    }
}

impl WordCompleter {
    fn suggestions(&self, line: &str, position: usize) -> Vec<Suggestion> {
        let before = line.get(..position).unwrap_or(line);
        let is_break = |c: char| c.is_whitespace() || "(),;=<>+-*/".contains(c);
        let start = before.rfind(is_break).map_or(0, |index| index + 1);
        let word = before[start..].to_lowercase();
        if word.is_empty() {
            return Vec::new();
        }
        let matches = |candidate: &&str| {
            let lower = candidate.to_lowercase();
            lower.starts_with(&word)
                || lower.rsplit('.').next().is_some_and(|last| last.starts_with(&word))
        };
        let names = self.0.read().map(|names| names.clone()).unwrap_or_default();
        let found =
            KEYWORDS.iter().copied().chain(names.iter().map(String::as_str)).filter(matches);
        found
            .take(100)
            .map(|value| Suggestion {
                value: value.to_owned(),
                span: Span::new(start, position),
                append_whitespace: !value.contains('.'),
                ..Suggestion::default()
            })
            .collect()
    }
}

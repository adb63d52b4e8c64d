//! `SHOW CATALOGS`, `SCHEMAS`, `TABLES`, `COLUMNS`: written as queries over `information_schema`.

use medley_core::sql::quote;

use super::Command;
use super::tokens::Tokens;
use crate::{Error, Result};

pub(super) fn show(mut tokens: Tokens) -> Result<Command> {
    if tokens.word("CATALOGS") || tokens.word("DATABASES") {
        tokens.end()?;
        return Ok(Command::Rewritten("SELECT * FROM system.main.catalogs ORDER BY 1".to_owned()));
    }
    if tokens.word("SCHEMAS") {
        let name = from(&mut tokens)?;
        tokens.end()?;
        let filter = filter(&["catalog_name"], &name);
        return Ok(Command::Rewritten(format!(
            "SELECT * FROM system.information_schema.schemata{filter} ORDER BY 1, 2"
        )));
    }
    if tokens.word("TABLES") {
        let name = from(&mut tokens)?;
        let like = if tokens.word("LIKE") { Some(tokens.text()?) } else { None };
        tokens.end()?;
        let mut filter = filter(&["table_catalog", "table_schema"], &name);
        if let Some(pattern) = like {
            filter.push_str(if filter.is_empty() { " WHERE " } else { " AND " });
            filter.push_str(&format!("table_name LIKE {}", literal(&pattern)));
        }
        return Ok(Command::Rewritten(format!(
            "SELECT * FROM system.information_schema.tables{filter} ORDER BY 1, 2, 3"
        )));
    }
    if tokens.word("COLUMNS") {
        let name = from(&mut tokens)?;
        tokens.end()?;
        if name.is_empty() {
            return Err(Error::statement(
                "SHOW COLUMNS needs a table: SHOW COLUMNS FROM catalog.schema.table",
            ));
        }
        let name: Vec<_> = name.iter().map(|part| quote(part)).collect();
        return Ok(Command::Rewritten(format!("DESCRIBE {}", name.join("."))));
    }
    if tokens.word("FUNCTIONS") {
        return Err(Error::statement(
            "SHOW FUNCTIONS is not there yet; the functions are DataFusion's",
        ));
    }
    let hint =
        "there are SHOW CATALOGS, SHOW SCHEMAS, SHOW TABLES and SHOW COLUMNS, each with FROM";
    Err(Error::statement(format!("unknown SHOW; {hint}")))
}

fn from(tokens: &mut Tokens) -> Result<Vec<String>> {
    if tokens.word("FROM") || tokens.word("IN") { tokens.name() } else { Ok(Vec::new()) }
}

fn filter(columns: &[&str], values: &[String]) -> String {
    let conditions: Vec<_> = columns
        .iter()
        .zip(values)
        .map(|(column, value)| format!("{column} = {}", literal(value)))
        .collect();
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

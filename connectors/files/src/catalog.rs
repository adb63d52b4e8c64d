//! Tables by looking into the folder.

use std::path::{Path, PathBuf};

use datafusion::catalog::TableProvider;
use medley_core::table::{TableKind, TableListing};
use medley_core::{ColumnDescription, Error, ErrorKind, Result, TableDescription, TableName};

use crate::client::{FilesConnector, SCHEMA};
use crate::error::{from_io, from_reader};
use crate::types::{Format, Source};

pub(crate) fn list_tables(connector: &FilesConnector) -> Result<Vec<TableListing>> {
    let mut names: Vec<String> = sources(connector)?.into_iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let listing = |name| TableListing { name: TableName::new(SCHEMA, name), kind: TableKind::Base };
    Ok(names.into_iter().map(listing).collect())
}

pub(crate) async fn describe_table(
    connector: &FilesConnector,
    table: &TableName,
) -> Result<TableDescription> {
    let mut found = sources(connector)?;
    found.retain(|(name, _)| table.schema == SCHEMA && *name == table.table);
    if found.len() > 1 {
        let message = format!(
            "\"{}\" is the name of more than one file: give them different ones",
            table.table
        );
        return Err(Error::new(ErrorKind::Config, "describe table", message));
    }
    let Some((_, mut source)) = found.pop() else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "describe table",
            format!("no table \"{table}\""),
        ));
    };
    let context = Source::context(8192);
    let provider = source
        .table(&context)
        .await
        .map_err(|error| from_reader("describe table", &table.table, &error))?;
    let schema = provider.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| ColumnDescription {
            nullable: field.is_nullable(),
            ..ColumnDescription::new(
                field.name(),
                field.data_type().clone(),
                field.data_type().to_string(),
            )
        })
        .collect();
    source.schema = Some(schema);
    let mut description = TableDescription::new(table.clone(), columns);
    description.detail = serde_json::to_value(&source)?;
    Ok(description)
}

fn sources(connector: &FilesConnector) -> Result<Vec<(String, Source)>> {
    let config = &connector.config;
    let source = |path: &Path, format, ending| Source {
        path: path.to_string_lossy().into_owned(),
        format,
        ending,
        header: config.header,
        delimiter: u8::try_from(config.delimiter).unwrap_or(b','),
        schema: None,
    };
    let mut sources = Vec::new();
    for path in entries(&config.path)? {
        if let Some((format, ending)) = Format::of(&path) {
            sources.push((stem(&path), source(&path, format, ending)));
        } else if path.is_dir()
            && let Some((format, ending)) =
                entries(&path)?.iter().find_map(|inner| Format::of(inner))
        {
            let folder = path.join("");
            sources.push((stem(&path), source(&folder, format, ending)));
        }
    }
    Ok(sources)
}

fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| from_io(path, error))? {
        entries.push(entry.map_err(|error| from_io(path, error))?.path());
    }
    entries.sort();
    Ok(entries)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

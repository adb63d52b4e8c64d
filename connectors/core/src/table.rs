//! Names and descriptions of tables.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

/// A table inside a catalog. Both parts are the store's own spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// The schema or database.
    pub schema: String,
    /// The table, view, collection, key pattern, label or file.
    pub table: String,
}

impl TableName {
    /// A name of its two parts.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }
}

impl Display for TableName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

/// What kind of thing a table is in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TableKind {
    /// Rows that are stored.
    Base,
    /// Rows that are computed.
    View,
}

/// An entry of [`list_tables`](crate::Connector::list_tables).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableListing {
    /// Its name.
    pub name: TableName,
    /// Its kind.
    pub kind: TableKind,
}

/// A column: how it reads in SQL and what it is in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDescription {
    /// The name in SQL, which is the store's own.
    pub name: String,
    /// The type that every batch has.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// The type in the store's words, for messages and for the translator.
    pub native_type: String,
    /// What else the connector's translator needs to know, in its own form.
    pub detail: serde_json::Value,
}

impl ColumnDescription {
    /// A nullable column without details.
    pub fn new(
        name: impl Into<String>,
        data_type: DataType,
        native_type: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            native_type: native_type.into(),
            detail: serde_json::Value::Null,
        }
    }
}

/// How rows of a table can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessPath {
    /// Any predicate, with a full read as the fallback.
    Scan,
    /// Direct reads by the values of these columns.
    Key(Vec<String>),
}

/// How many values of which type a field held, from looking at the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The path of the field, its parts joined by dots, `[]` for an array's elements.
    pub path: String,
    /// The type in the store's words.
    pub native_type: String,
    /// How many of the documents looked at held it.
    pub count: u64,
    /// How many documents were looked at.
    pub sampled: u64,
}

/// Everything about a table that planning needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableDescription {
    /// Its name.
    pub name: TableName,
    /// Its columns, in order. Names are unique.
    pub columns: Vec<ColumnDescription>,
    /// The primary key's columns; empty if there is none.
    pub key: Vec<String>,
    /// How rows can be reached.
    pub access: Vec<AccessPath>,
    /// What a user should know of this table: columns read as text, say.
    pub warnings: Vec<String>,
    /// What the types were inferred from; empty where the store declares them.
    pub observations: Vec<Observation>,
    /// What else the connector's translator needs to know, in its own form.
    pub detail: serde_json::Value,
}

impl TableDescription {
    /// A table that can be scanned.
    #[must_use]
    pub fn new(name: TableName, columns: Vec<ColumnDescription>) -> Self {
        Self {
            name,
            columns,
            key: Vec::new(),
            access: vec![AccessPath::Scan],
            warnings: Vec::new(),
            observations: Vec::new(),
            detail: serde_json::Value::Null,
        }
    }

    /// The Arrow schema of a full read.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema_of(0..self.columns.len())
    }

    /// The Arrow schema of some columns, by index; indexes out of range are passed over.
    #[must_use]
    pub fn schema_of(&self, columns: impl IntoIterator<Item = usize>) -> SchemaRef {
        let fields: Vec<_> = columns
            .into_iter()
            .filter_map(|index| self.columns.get(index))
            .map(|column| Field::new(&column.name, column.data_type.clone(), column.nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// The column of a name, and its index.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<(usize, &ColumnDescription)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }
}

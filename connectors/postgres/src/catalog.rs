//! Tables and their columns, from Postgres' system catalogs.

use medley_core::inference::Shape;
use medley_core::sql::quote;
use medley_core::table::{TableKind, TableListing};
use medley_core::{ColumnDescription, Error, ErrorKind, Result, TableDescription, TableName};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::client::PostgresConnector;
use crate::types::{Detail, NativeType, Numeric, Reading};

/// Rows looked at to find the scale of numerics without one; tables of up to so many are looked at whole.
const SAMPLE_ROWS: i64 = 100_000;
/// The scale that such a column has at least, if some of its rows were not looked at.
const UNSEEN_SCALE: u8 = 10;

const LIST: &str = "
SELECT n.nspname, c.relname, c.relkind IN ('v', 'm') AS is_view
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE')";

const RELATION: &str = "
SELECT c.oid::int8, getdatabaseencoding() = 'UTF8' AS utf8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

/// One row a column, domains taken down to their base types.
const COLUMNS: &str = "
WITH RECURSIVE base AS (
  SELECT a.attnum, a.attname, a.attnotnull, a.attcollation, format_type(a.atttypid, a.atttypmod) AS native,
         a.atttypid AS type, a.atttypmod AS modifier
  FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attnum, b.attname, b.attnotnull OR t.typnotnull, b.attcollation, b.native, t.typbasetype, t.typtypmod
  FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT b.attname, b.attnotnull, b.native, b.modifier, t.typname, t.typtype::text AS kind,
       e.typname AS element, e.typtype::text AS element_kind,
       coalesce(c.collisdeterministic, true) AS deterministic,
       coalesce((SELECT true FROM pg_index i WHERE i.indrelid = $1::oid AND i.indisprimary
                 AND b.attnum = ANY (i.indkey)), false) AS is_key
FROM base b
JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_collation c ON c.oid = b.attcollation
ORDER BY b.attnum";

pub(crate) async fn list_tables(connector: &PostgresConnector) -> Result<Vec<TableListing>> {
    let mut lease = connector.client.lease().await?;
    let rows = sqlx::query(LIST)
        .fetch_all(lease.connection()?)
        .await
        .map_err(|error| connector.client.error("list tables", error))?;
    lease.finish();
    Ok(rows
        .iter()
        .map(|row| TableListing {
            name: TableName::new(row.get::<String, _>(0), row.get::<String, _>(1)),
            kind: if row.get(2) { TableKind::View } else { TableKind::Base },
        })
        .collect())
}

pub(crate) async fn describe_table(
    connector: &PostgresConnector,
    table: &TableName,
) -> Result<TableDescription> {
    let fail = |error| connector.client.error("describe table", error);
    let mut lease = connector.client.lease().await?;
    let relation = sqlx::query(RELATION)
        .bind(&table.schema)
        .bind(&table.table)
        .fetch_optional(lease.connection()?)
        .await
        .map_err(fail)?;
    let Some(relation) = relation else {
        lease.finish();
        return Err(Error::new(
            ErrorKind::NotFound,
            "describe table",
            format!("no table \"{table}\""),
        ));
    };
    let (oid, utf8): (i64, bool) = (relation.get(0), relation.get(1));
    let rows = sqlx::query(COLUMNS).bind(oid).fetch_all(lease.connection()?).await.map_err(fail)?;
    let mut description = TableDescription::new(table.clone(), Vec::new());
    for row in &rows {
        let column = describe_column(connector, lease.connection()?, table, row, utf8).await?;
        if let Some(warning) = column.1 {
            description.warnings.push(warning);
        }
        if row.get("is_key") {
            description.key.push(column.0.name.clone());
        }
        description.columns.push(column.0);
    }
    lease.finish();
    Ok(description)
}

async fn describe_column(
    connector: &PostgresConnector,
    connection: &mut PgConnection,
    table: &TableName,
    row: &PgRow,
    utf8: bool,
) -> Result<(ColumnDescription, Option<String>)> {
    let name: String = row.get("attname");
    let native: String = row.get("native");
    let pin = pinned(connector, table, &name)?;
    let mut reading = match pin {
        Some(Shape::Decimal(precision, scale)) => {
            Reading::Numeric(Numeric { precision, scale, constrained: false })
        }
        Some(_) => Reading::AsText,
        None => NativeType {
            name: row.get("typname"),
            kind: row.get("kind"),
            modifier: row.get("modifier"),
            element: row.get("element"),
            element_kind: row.get("element_kind"),
        }
        .reading(),
    };
    if reading == Reading::UnsizedNumeric {
        reading = size_numeric(connector, connection, table, &name).await?;
    }
    let warning = (reading == Reading::AsText && pin.is_none())
        .then(|| format!("column \"{name}\" of type {native} is read as text"));
    let detail = Detail { reading, utf8, deterministic: row.get("deterministic") };
    let shape = detail.reading.shape();
    let mut column = ColumnDescription::new(name, shape.data_type(), native);
    // Values that have no Arrow form are read as NULL, so a NOT NULL of the store promises nothing for these.
    column.nullable = !row.get::<bool, _>("attnotnull") || detail.reading.may_misfit();
    column.detail = serde_json::to_value(&detail)?;
    Ok((column, warning))
}

fn pinned(connector: &PostgresConnector, table: &TableName, column: &str) -> Result<Option<Shape>> {
    let pins = &connector.config.columns;
    let found = pins
        .get(&format!("{table}.{column}"))
        .or_else(|| pins.get(&format!("{}.{column}", table.table)));
    let Some(text) = found else { return Ok(None) };
    match Shape::parse(text) {
        Some(shape @ (Shape::Text | Shape::Decimal(..))) => Ok(Some(shape)),
        _ => {
            let message = format!(
                "columns: \"{text}\" is not a type to read \"{column}\" as; there are text, decimal(p,s)"
            );
            Err(Error::new(ErrorKind::Config, "describe table", message))
        }
    }
}

/// A numeric column that declares no scale: the largest one that its rows have.
async fn size_numeric(
    connector: &PostgresConnector,
    connection: &mut PgConnection,
    table: &TableName,
    column: &str,
) -> Result<Reading> {
    let column = quote(column);
    let sql = format!(
        "SELECT coalesce(max(scale(v)), 0), coalesce(max(length(trunc(abs(v))::text)), 0), \
                coalesce(bool_or(scale(v) IS NULL), false), count(*) \
         FROM (SELECT {column} AS v FROM {}.{} LIMIT {SAMPLE_ROWS}) s WHERE v IS NOT NULL",
        quote(&table.schema),
        quote(&table.table)
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| connector.client.error("describe table", error))?;
    let (scale, digits, not_finite, rows): (i32, i32, bool, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let scale = u8::try_from(scale).unwrap_or(u8::MAX);
    let scale = if rows < SAMPLE_ROWS { scale } else { scale.max(UNSEEN_SCALE) };
    let digits = u8::try_from(digits).unwrap_or(u8::MAX);
    if not_finite || digits.saturating_add(scale) > 38 {
        return Ok(Reading::AsText);
    }
    let scale = i8::try_from(scale).unwrap_or(38);
    Ok(Reading::Numeric(Numeric { precision: 38, scale, constrained: false }))
}

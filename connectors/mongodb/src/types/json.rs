//! Values without a common Arrow type as JSON text: relaxed Extended JSON.

use medley_core::{Result, TableName};
use mongodb::bson::{Bson, RawBsonRef};

use super::malformed;

pub(super) fn text(value: RawBsonRef<'_>, table: &TableName) -> Result<String> {
    let value = Bson::try_from(value.to_raw_bson()).map_err(|_| malformed(table))?;
    Ok(value.into_relaxed_extjson().to_string())
}

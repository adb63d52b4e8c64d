//! Arrays of one dimension. Lower bounds other than 1 are not kept.

use medley_core::column_builder::ColumnBuilder;

use super::{Malformed, Reading, take, take_value};

pub(super) fn append(
    element: &Reading,
    column: &mut ColumnBuilder,
    mut bytes: &[u8],
) -> Result<Option<&'static str>, Malformed> {
    let bytes = &mut bytes;
    let dimensions = i32::from_be_bytes(take(bytes)?);
    let _has_nulls_and_type: [u8; 8] = take(bytes)?;
    let ColumnBuilder::List(list) = column else { return Err(Malformed) };
    if dimensions == 0 {
        list.close(true);
        return Ok(None);
    }
    if dimensions != 1 {
        list.close(false);
        return Ok(Some("an array of several dimensions"));
    }
    let length = i32::from_be_bytes(take(bytes)?);
    let _lower_bound: [u8; 4] = take(bytes)?;
    let mut misfit = None;
    for _ in 0..length {
        let value = take_value(bytes)?;
        misfit = element.append(&mut list.child, value)?.or(misfit);
    }
    list.close(true);
    Ok(misfit)
}

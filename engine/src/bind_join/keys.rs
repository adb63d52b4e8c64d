//! The keys of a build side as a filter of the probe side's fragment.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;
use medley_core::Fragment;

/// More bytes of keys than this are not sent: a store's request has its limits too.
const BYTES_MAX: usize = 4 << 20;

/// The distinct keys of a build side, in the type of the probe side's column; none if there are more than `most`, or more
/// than a request holds.
///
/// A key that the type does not hold matches nothing, and is left out.
pub(super) fn distinct(
    arrays: &[ArrayRef],
    data_type: &DataType,
    most: usize,
) -> Result<Option<Vec<ScalarValue>>> {
    let mut known = HashSet::new();
    let mut keys = Vec::new();
    let mut bytes = 0;
    let options = CastOptions { safe: true, ..CastOptions::default() };
    for array in arrays {
        let cast = cast_with_options(array, data_type, &options)?;
        let back = cast_with_options(&cast, array.data_type(), &options)?;
        for row in 0..array.len() {
            if cast.is_null(row) || back.is_null(row) {
                continue;
            }
            let key = ScalarValue::try_from_array(&cast, row)?;
            if known.contains(&key) {
                continue;
            }
            if cast.data_type() != array.data_type()
                && ScalarValue::try_from_array(array, row)?
                    != ScalarValue::try_from_array(&back, row)?
            {
                continue;
            }
            bytes += key.size();
            if keys.len() >= most || bytes > BYTES_MAX {
                return Ok(None);
            }
            known.insert(key.clone());
            keys.push(key);
        }
    }
    Ok(Some(keys))
}

/// Whether keys of a type are equal in a store if and only if they are equal here: not floats, of which two zeros are.
pub(crate) fn is_bindable(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Decimal128(..)
            | DataType::Utf8
            | DataType::Date32
            | DataType::Timestamp(..)
    )
}

/// The rows of a fragment whose column is one of the keys, as deep in it as that means the same.
pub(super) fn bound(fragment: Fragment, name: &str, keys: &[ScalarValue]) -> Fragment {
    let below = |input: Box<Fragment>, name: &str| Box::new(bound(*input, name, keys));
    match fragment {
        Fragment::Filter { input, predicate } => {
            Fragment::Filter { input: below(input, name), predicate }
        }
        Fragment::Sort { input, keys: order } => {
            Fragment::Sort { input: below(input, name), keys: order }
        }
        Fragment::Project { input, expressions } => match source(&expressions, name) {
            Some(source) => Fragment::Project { input: below(input, &source), expressions },
            None => among(Fragment::Project { input, expressions }, name, keys),
        },
        // A group's rows all have its key.
        Fragment::Aggregate { input, group, aggregates } => match source(&group, name) {
            Some(source) => Fragment::Aggregate { input: below(input, &source), group, aggregates },
            None => among(Fragment::Aggregate { input, group, aggregates }, name, keys),
        },
        Fragment::Join { left, right, kind, on, filter, nulls_equal } => {
            let has = |side: &Fragment| {
                side.schema().is_ok_and(|schema| schema.has_column_with_unqualified_name(name))
            };
            let (in_left, in_right) = (has(&left), has(&right));
            let into_left = in_left && !matches!(kind, JoinType::Right | JoinType::Full);
            let into_right = !in_left && in_right && kind == JoinType::Inner;
            match (into_left, into_right) {
                (true, _) => {
                    let left = below(left, name);
                    Fragment::Join { left, right, kind, on, filter, nulls_equal }
                }
                (_, true) => {
                    let right = below(right, name);
                    Fragment::Join { left, right, kind, on, filter, nulls_equal }
                }
                _ => {
                    let join = Fragment::Join { left, right, kind, on, filter, nulls_equal };
                    among(join, name, keys)
                }
            }
        }
        Fragment::Scan(_)
        | Fragment::Limit { .. }
        | Fragment::Union(_)
        | Fragment::Unnest { .. } => among(fragment, name, keys),
    }
}

/// The column that an output is, if it is one.
fn source(expressions: &[(Expr, String)], name: &str) -> Option<String> {
    expressions.iter().find(|(_, output)| output == name).and_then(|(expression, _)| {
        match expression {
            Expr::Column(column) => Some(column.name.clone()),
            _ => None,
        }
    })
}

fn among(fragment: Fragment, name: &str, keys: &[ScalarValue]) -> Fragment {
    let column = Expr::Column(Column::new_unqualified(name));
    let list = keys.iter().map(|key| Expr::Literal(key.clone(), None)).collect();
    Fragment::Filter { input: Box::new(fragment), predicate: column.in_list(list, false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;
    use std::sync::Arc;

    #[test]
    fn keys_are_distinct_and_of_the_other_sides_type() {
        let array: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(7), None, Some(7), Some(1 << 40)]));
        let keys = distinct(std::slice::from_ref(&array), &DataType::Int32, 9).unwrap().unwrap();
        assert_eq!(keys, [ScalarValue::Int32(Some(7))], "what does not fit matches nothing");
        assert_eq!(distinct(&[array], &DataType::Int64, 1).unwrap(), None, "too many");
    }
}

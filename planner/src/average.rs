//! An average from a sum and a count, as DataFusion's own `avg` divides them.
//!
//! Stores divide in many ways; they are asked for the sum and the count, which are exact, and the division is done here:
//! floats as floats, decimals cut off (not rounded) at the type's scale.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::{as_decimal128_array, as_float64_array, as_int64_array};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The function for averages of a type.
pub(crate) fn average(data_type: DataType) -> ScalarUDF {
    ScalarUDF::new_from_impl(Average {
        data_type,
        signature: Signature::any(2, Volatility::Immutable),
    })
}

/// Whether an expression is a call of it, which is for here only.
pub(crate) fn is_average(expression: &Expr) -> bool {
    matches!(expression, Expr::ScalarFunction(function) if function.name() == NAME)
}

const NAME: &str = "avg_of";

#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    data_type: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Average {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [sums, counts] = arrays.as_slice() else {
            return Err(DataFusionError::Internal("avg_of takes a sum and a count".to_owned()));
        };
        let array: ArrayRef = match &self.data_type {
            DataType::Decimal128(precision, scale) => {
                Arc::new(decimals(sums, counts, *precision, *scale)?)
            }
            _ => Arc::new(floats(sums, counts)?),
        };
        Ok(ColumnarValue::Array(array))
    }
}

#[expect(clippy::cast_precision_loss, reason = "DataFusion's own average divides by a float too")]
fn floats(sums: &ArrayRef, counts: &ArrayRef) -> Result<Float64Array> {
    let (sums, counts) = (as_float64_array(sums)?, as_int64_array(counts)?);
    Ok(sums
        .iter()
        .zip(counts.iter())
        .map(|(sum, count)| Some(sum? / count.filter(|count| *count != 0)? as f64))
        .collect())
}

fn decimals(
    sums: &ArrayRef,
    counts: &ArrayRef,
    precision: u8,
    scale: i8,
) -> Result<Decimal128Array> {
    let from = match sums.data_type() {
        DataType::Decimal128(_, from) => *from,
        other => return Err(DataFusionError::Internal(format!("avg_of of a sum of {other}"))),
    };
    let overflow = || DataFusionError::Execution("arithmetic overflow in avg".to_owned());
    let factor = u32::try_from(i16::from(scale) - i16::from(from))
        .ok()
        .and_then(|digits| 10_i128.checked_pow(digits))
        .ok_or_else(overflow)?;
    let (sums, counts) = (as_decimal128_array(sums)?, as_int64_array(counts)?);
    let values = sums
        .iter()
        .zip(counts.iter())
        .map(|(sum, count)| match (sum, count) {
            (Some(sum), Some(count)) if count != 0 => {
                let value = sum.checked_mul(factor).ok_or_else(overflow)? / i128::from(count);
                if medley_core::column_builder::fits_precision(value, precision) {
                    Ok(Some(value))
                } else {
                    Err(overflow())
                }
            }
            _ => Ok(None),
        })
        .collect::<Result<Decimal128Array>>()?;
    Ok(values.with_precision_and_scale(precision, scale)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;

    #[test]
    fn decimals_are_cut_off_and_nothing_has_no_average() {
        let sums = Decimal128Array::from(vec![Some(200), Some(-200), None, Some(0)])
            .with_precision_and_scale(25, 2)
            .unwrap();
        let counts = Int64Array::from(vec![3, 3, 0, 0]);
        let found = decimals(&(Arc::new(sums) as ArrayRef), &(Arc::new(counts) as ArrayRef), 19, 6)
            .unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [Some(666_666), Some(-666_666), None, None]);
    }
}

//! Decimal128: a coefficient of up to 34 digits, an exponent, NaN and infinities.
//!
//! The layout is IEEE 754-2008's with a binary integer coefficient, little endian: sign, 14 bits of exponent and 113
//! bits of coefficient, or a special value if the first two exponent bits are ones.

use mongodb::bson::Decimal128;

const EXPONENT_BIAS: i32 = 6176;
const COEFFICIENT_BITS: u32 = 113;
const COEFFICIENT_MAX: u128 = 10_u128.pow(34) - 1;

/// The value as `(unscaled, scale)`, of which `unscaled / 10^scale` is the value; none for NaN and infinities.
pub(super) fn parts(value: Decimal128) -> Option<(i128, i32)> {
    let bits = u128::from_le_bytes(value.bytes());
    let negative = bits >> 127 == 1;
    let combination = (bits >> 122) & 0b11111;
    if combination >= 0b11110 {
        return None;
    }
    let (exponent, coefficient) = if combination >> 3 == 0b11 {
        // A coefficient beyond 34 digits, which stands for zero.
        ((bits >> 111) & 0x3fff, 0)
    } else {
        ((bits >> COEFFICIENT_BITS) & 0x3fff, bits & ((1 << COEFFICIENT_BITS) - 1))
    };
    let coefficient = if coefficient > COEFFICIENT_MAX { 0 } else { coefficient };
    let scale = EXPONENT_BIAS - i32::try_from(exponent).ok()?;
    let unscaled = i128::try_from(coefficient).ok()?;
    Some((if negative { -unscaled } else { unscaled }, scale))
}

/// Whether all digits of the coefficient are in use.
pub(super) fn is_full(value: Decimal128) -> bool {
    parts(value).is_some_and(|(unscaled, _)| unscaled.unsigned_abs() > COEFFICIENT_MAX / 10)
}

/// Digits before and after the point; none if the value has no plain form of 38 digits.
pub(super) fn digits(value: Decimal128) -> Option<(u8, u8)> {
    let (mut unscaled, mut scale) = parts(value)?;
    if unscaled == 0 {
        return Some((1, u8::try_from(scale.clamp(0, 10)).ok()?));
    }
    while scale > 0 && unscaled % 10 == 0 && scale > 10 {
        unscaled /= 10;
        scale -= 1;
    }
    let length = i32::try_from(unscaled.unsigned_abs().ilog10()).ok()? + 1;
    let (integer, fraction) = ((length - scale).max(1), scale.max(0));
    if integer + fraction > 38 {
        return None;
    }
    Some((u8::try_from(integer).ok()?, u8::try_from(fraction).ok()?))
}

/// `unscaled / 10^scale` as a Decimal128; none if it has more than 34 digits.
pub(crate) fn to_decimal128(unscaled: i128, scale: i8) -> Option<Decimal128> {
    let coefficient = unscaled.unsigned_abs();
    if coefficient > COEFFICIENT_MAX {
        return None;
    }
    let exponent = u128::try_from(EXPONENT_BIAS - i32::from(scale)).ok()?;
    let sign = u128::from(unscaled < 0) << 127;
    Some(Decimal128::from_bytes(
        (sign | (exponent << COEFFICIENT_BITS) | coefficient).to_le_bytes(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_as_they_are_written() {
        for (text, expected) in [
            ("12.50", Some((1250, 2))),
            ("-0.07", Some((-7, 2))),
            ("1E+3", Some((1, -3))),
            ("NaN", None),
            ("-Infinity", None),
            ("9999999999999999999999999999999999", Some((10_i128.pow(34) - 1, 0))),
        ] {
            assert_eq!(parts(text.parse().unwrap()), expected, "{text}");
        }
        assert_eq!(to_decimal128(-1250, 2).unwrap().to_string(), "-12.50");
        assert_eq!(digits("1E+40".parse().unwrap()), None);
        assert_eq!(digits("123.45".parse().unwrap()), Some((3, 2)));
    }
}

//! Numerics: groups of four decimal digits, the first of which stands for `10000^weight`.

use medley_core::column_builder::{ColumnBuilder, Scalar};

use super::{Malformed, take};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

pub(super) fn append(
    column: &mut ColumnBuilder,
    mut bytes: &[u8],
    scale: i8,
) -> Result<Option<&'static str>, Malformed> {
    match unscaled(&mut bytes, scale)? {
        Some(value) if column.append(Scalar::Decimal(value, i32::from(scale))) => Ok(None),
        Some(_) => Ok(Some("a number with more digits")),
        None => {
            column.append_null();
            Ok(Some("NaN, infinity or a number with more digits"))
        }
    }
}

/// The value times `10^scale`; none if that is not an integer of at most 38 digits.
fn unscaled(bytes: &mut &[u8], scale: i8) -> Result<Option<i128>, Malformed> {
    let groups = i16::from_be_bytes(take(bytes)?);
    let weight = i16::from_be_bytes(take(bytes)?);
    let sign = u16::from_be_bytes(take(bytes)?);
    let _display_scale: [u8; 2] = take(bytes)?;
    if sign != POSITIVE && sign != NEGATIVE {
        return Ok(None);
    }
    let mut sum: i128 = 0;
    for group in 0..groups {
        let digits = i128::from(i16::from_be_bytes(take(bytes)?));
        let exponent = 4 * (i32::from(weight) - i32::from(group)) + i32::from(scale);
        let Some(term) = shifted(digits, exponent) else { return Ok(None) };
        match sum.checked_add(term) {
            Some(total) => sum = total,
            None => return Ok(None),
        }
    }
    Ok(Some(if sign == NEGATIVE { -sum } else { sum }))
}

/// `digits * 10^exponent`, if that is an integer that fits.
fn shifted(digits: i128, exponent: i32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    let factor = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        return digits.checked_mul(factor);
    }
    (digits % factor == 0).then(|| digits / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(weight: i16, sign: u16, groups: &[i16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(i16::try_from(groups.len()).unwrap().to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend(0_u16.to_be_bytes());
        groups.iter().for_each(|group| bytes.extend(group.to_be_bytes()));
        bytes
    }

    #[test]
    fn groups_of_digits_become_one_integer() {
        let read = |bytes: &[u8], scale| unscaled(&mut &bytes[..], scale);
        assert_eq!(read(&numeric(0, POSITIVE, &[1234, 5000]), 2), Ok(Some(123_450)));
        assert_eq!(read(&numeric(-1, NEGATIVE, &[700]), 2), Ok(Some(-7)));
        assert_eq!(read(&numeric(1, POSITIVE, &[1]), 0), Ok(Some(10_000)));
        assert_eq!(
            read(&numeric(0, POSITIVE, &[0, 5]), 2),
            Ok(None),
            "a fourth digit after the point"
        );
        assert_eq!(read(&numeric(0, 0xC000, &[]), 2), Ok(None), "NaN");
        assert_eq!(read(&[0, 1], 2), Err(Malformed));
        // 36 nines before the point and two after: every digit that a decimal of 38 holds.
        let mut groups = vec![9999_i16; 9];
        groups.push(9900);
        assert_eq!(read(&numeric(8, POSITIVE, &groups), 2), Ok(Some(10_i128.pow(38) - 1)));
    }
}

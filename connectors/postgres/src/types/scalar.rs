//! Values without parts, in Postgres' binary form. Days and times count from 2000-01-01.

use medley_core::column_builder::{ColumnBuilder, Scalar};

use super::{Malformed, Reading, take};

const DAYS_TO_2000: i32 = 10_957;
const MICROS_TO_2000: i64 = 946_684_800_000_000;
/// The version byte before a jsonb's text.
const JSONB_VERSION: u8 = 1;

pub(super) fn append(
    reading: &Reading,
    column: &mut ColumnBuilder,
    mut bytes: &[u8],
) -> Result<Option<&'static str>, Malformed> {
    let bytes = &mut bytes;
    let mut hex = [0_u8; 36];
    let value = match reading {
        Reading::Boolean => Some(Scalar::Boolean(take::<1>(bytes)?[0] != 0)),
        Reading::Int2 => Some(Scalar::Int16(i16::from_be_bytes(take(bytes)?))),
        Reading::Int4 => Some(Scalar::Int32(i32::from_be_bytes(take(bytes)?))),
        Reading::Int8 => Some(Scalar::Int64(i64::from_be_bytes(take(bytes)?))),
        Reading::Oid => Some(Scalar::Int64(i64::from(u32::from_be_bytes(take(bytes)?)))),
        Reading::Float4 => Some(Scalar::Float(one_nan_f32(f32::from_be_bytes(take(bytes)?)))),
        Reading::Float8 => Some(Scalar::Double(one_nan_f64(f64::from_be_bytes(take(bytes)?)))),
        Reading::Text | Reading::PaddedText | Reading::Label | Reading::Json | Reading::AsText => {
            Some(Scalar::Text(std::str::from_utf8(bytes).map_err(|_| Malformed)?))
        }
        Reading::Jsonb => {
            if take::<1>(bytes)?[0] != JSONB_VERSION {
                return Err(Malformed);
            }
            Some(Scalar::Text(std::str::from_utf8(bytes).map_err(|_| Malformed)?))
        }
        Reading::Uuid => Some(Scalar::Text(uuid_text(&take(bytes)?, &mut hex)?)),
        Reading::Bytes => Some(Scalar::Binary(bytes)),
        Reading::Date => date(i32::from_be_bytes(take(bytes)?)),
        Reading::Time => i64::from_be_bytes(take(bytes)?)
            .checked_mul(1000)
            .filter(|n| *n < 86_400_000_000_000)
            .map(Scalar::Time),
        Reading::Timestamp | Reading::TimestampTz => instant(i64::from_be_bytes(take(bytes)?)),
        Reading::Interval => {
            let micros = i64::from_be_bytes(take(bytes)?);
            let (days, months) =
                (i32::from_be_bytes(take(bytes)?), i32::from_be_bytes(take(bytes)?));
            micros.checked_mul(1000).map(|nanos| Scalar::Interval(months, days, nanos))
        }
        Reading::Numeric(_) | Reading::UnsizedNumeric | Reading::Array(_) => return Err(Malformed),
    };
    match value {
        Some(value) => {
            let fits = column.append(value);
            Ok((!fits).then_some("a value of another type"))
        }
        None => {
            column.append_null();
            Ok(Some("an infinite or too distant time"))
        }
    }
}

/// Infinity and its opposite are the ends of the range.
fn date(days: i32) -> Option<Scalar<'static>> {
    if days == i32::MAX || days == i32::MIN {
        return None;
    }
    days.checked_add(DAYS_TO_2000).map(Scalar::Date)
}

fn instant(micros: i64) -> Option<Scalar<'static>> {
    if micros == i64::MAX || micros == i64::MIN {
        return None;
    }
    micros.checked_add(MICROS_TO_2000).map(Scalar::Micros)
}

/// Postgres has one NaN, above all numbers. Arrow orders NaNs by their sign, so ours is the positive one.
fn one_nan_f64(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

fn one_nan_f32(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}

fn uuid_text<'a>(bytes: &[u8; 16], text: &'a mut [u8; 36]) -> Result<&'a str, Malformed> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut position = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text[position] = b'-';
            position += 1;
        }
        text[position] = DIGITS[usize::from(byte >> 4)];
        text[position + 1] = DIGITS[usize::from(byte & 15)];
        position += 2;
    }
    std::str::from_utf8(text).map_err(|_| Malformed)
}

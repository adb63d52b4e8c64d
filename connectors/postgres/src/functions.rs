//! Operators and functions that Postgres computes as DataFusion does, each with the reason where it is not plain.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::Operator;
use datafusion::scalar::ScalarValue;
use medley_core::sql::{Call, Value, is_text};
use medley_core::{Capabilities, Refusal, capabilities};

use crate::translate::wire;

/// What this connector takes.
pub(crate) fn capabilities() -> Capabilities {
    use capabilities::Operator::{Aggregate, Join, Sort, Union};
    Capabilities::selection()
        .with_operators([Aggregate, Join, Sort, Union])
        .with_functions(&[
            "abs",
            "bit_length",
            "btrim",
            "character_length",
            "coalesce",
            "concat",
            "date_part",
            "date_trunc",
            "left",
            "ltrim",
            "nullif",
            "octet_length",
            "replace",
            "reverse",
            "right",
            "rtrim",
            "starts_with",
            "strpos",
            "substr",
        ])
        .with_aggregates(&[
            "bool_and",
            "bool_or",
            "count",
            "max",
            "min",
            "stddev",
            "stddev_pop",
            "sum",
            "var",
            "var_pop",
        ])
}

fn is_integer(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int16 | DataType::Int32 | DataType::Int64)
}

/// Arrow orders floats totally, so that -0.0 is below 0.0; in Postgres they are equal.
pub(crate) fn compare(
    left: &str,
    operator: Operator,
    right: &str,
    data_type: &DataType,
) -> Result<String, Refusal> {
    if data_type.is_floating() {
        return Err(Refusal::new("floats that may both be zero are not compared alike"));
    }
    wire(data_type)?;
    let collation = match operator {
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq if is_text(data_type) => {
            " COLLATE \"C\""
        }
        _ => "",
    };
    Ok(format!("{left} {operator} {right}{collation}"))
}

/// Exact in both, but for overflow: where Arrow wraps around, Postgres fails, as SQL says. Float arithmetic fails in
/// Postgres where it gives an infinity in Arrow.
pub(crate) fn arithmetic(
    left: &Value,
    operator: Operator,
    right: &Value,
    data_type: &DataType,
) -> Result<String, Refusal> {
    let kinds = [&left.data_type, &right.data_type, data_type];
    let integers = kinds.iter().all(|kind| is_integer(kind));
    let decimals = kinds.iter().all(|kind| matches!(kind, DataType::Decimal128(..)));
    if !integers && !decimals {
        return Err(Refusal::new(format!("arithmetic that gives a {data_type}")));
    }
    Ok(format!("({} {operator} {})", left.text, right.text))
}

/// Conversions that give the same value, or fail, in both.
pub(crate) fn cast(text: &str, from: &DataType, to: &DataType) -> Result<String, Refusal> {
    use DataType::{Boolean, Date32, Decimal128, Float64, Int16, Int32, Int64, Timestamp};
    let kind = wire(to)?.1;
    let cast = Ok(format!("({text})::{kind}"));
    match (from, to) {
        (DataType::Null, _) => cast,
        (from, to) if is_text(from) && is_text(to) => Ok(text.to_owned()),
        (from, to) if is_integer(from) && is_integer(to) => cast,
        (from, to) if (is_integer(from) || *from == Boolean) && is_text(to) => cast,
        // Each integer of so many digits is a float; a longer one is rounded to the nearest in both.
        (Int16 | Int32 | Int64, Float64) => cast,
        (Int16 | Int32 | Int64, Decimal128(precision, scale)) => {
            Ok(format!("({text})::numeric({precision}, {scale})"))
        }
        // Both round halves away from zero.
        (Decimal128(..), Decimal128(precision, scale)) => {
            Ok(format!("({text})::numeric({precision}, {scale})"))
        }
        // One division of two exact floats, rounded once, is the nearest float to the decimal.
        (Decimal128(precision, _), Float64) if *precision <= 15 => cast,
        (Date32, Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, None)) => cast,
        (Timestamp(_, None), Date32) => cast,
        (Timestamp(from, a), Timestamp(to, b)) if a == b && finer(to) >= finer(from) => cast,
        _ => Err(Refusal::new(format!("a conversion of {from} to {to}"))),
    }
}

fn finer(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// Scalar functions.
pub(crate) fn scalar(call: &Call<'_>) -> Result<String, Refusal> {
    let texts: Vec<_> = call.arguments.iter().map(|argument| argument.text.as_str()).collect();
    let plain = |name: &str| Ok(format!("{name}({})", texts.join(", ")));
    let all_text = call.arguments.iter().all(|argument| is_text(&argument.data_type));
    let first = call.arguments.first().map(|argument| &argument.data_type);
    match (call.name, texts.as_slice()) {
        ("abs", [_]) if first.is_some_and(|t| is_integer(t) || is_decimal(t)) => plain("abs"),
        ("coalesce", [_, ..]) => plain("coalesce"),
        ("nullif", [left, right]) => {
            // Equality must be the same for the function to be.
            let data_type = first.unwrap_or(&DataType::Null);
            compare(left, Operator::Eq, right, data_type)?;
            plain("nullif")
        }
        ("concat", [_, ..]) if all_text => plain("concat"),
        ("character_length", [_]) if all_text => plain("length"),
        ("octet_length", [_]) if all_text => plain("octet_length"),
        ("bit_length", [_]) if all_text => plain("bit_length"),
        ("reverse", [_]) if all_text => plain("reverse"),
        ("starts_with", [_, _]) if all_text => plain("starts_with"),
        ("strpos", [_, _]) if all_text => plain("strpos"),
        // Without a set of characters both take away blanks only.
        ("btrim" | "ltrim" | "rtrim", [_]) if all_text => plain(call.name),
        // DataFusion puts the replacement everywhere if there is nothing to replace.
        ("replace", [_, _, _]) if all_text && !is_empty(call, 1) => plain("replace"),
        // Negative counts, and positions before the first character, mean other things.
        ("left" | "right", [text, _]) if whole(call, 1).is_some_and(|n| n >= 0) => {
            Ok(format!("{}({text}, {})", call.name, whole(call, 1).unwrap_or(0)))
        }
        ("substr", [text, _]) if whole(call, 1).is_some_and(|n| n >= 1) => {
            Ok(format!("substr({text}, {})", whole(call, 1).unwrap_or(1)))
        }
        ("substr", [text, _, _])
            if whole(call, 1).is_some_and(|n| n >= 1) && whole(call, 2).is_some_and(|n| n >= 0) =>
        {
            let (from, count) = (whole(call, 1).unwrap_or(1), whole(call, 2).unwrap_or(0));
            Ok(format!("substr({text}, {from}, {count})"))
        }
        ("date_part", [_, value]) => date_part(call, value),
        ("date_trunc", [_, value]) => date_trunc(call, value),
        _ => Err(Refusal::new(format!("{} with such arguments", call.name))),
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..))
}

/// A literal integer argument that Postgres' own functions can count with.
fn whole(call: &Call<'_>, index: usize) -> Option<i32> {
    match call.literals.get(index)?.as_ref()? {
        ScalarValue::Int64(Some(value)) => i32::try_from(*value).ok(),
        ScalarValue::Int32(Some(value)) => Some(*value),
        _ => None,
    }
}

fn literal_text<'a>(call: &'a Call<'_>, index: usize) -> Option<&'a str> {
    match call.literals.get(index)?.as_ref()? {
        ScalarValue::Utf8(Some(text)) => Some(text),
        _ => None,
    }
}

/// Whether a text argument is, or may be, empty.
fn is_empty(call: &Call<'_>, index: usize) -> bool {
    literal_text(call, index).is_none_or(str::is_empty)
}

/// Parts that are whole numbers in both.
fn date_part(call: &Call<'_>, value: &str) -> Result<String, Refusal> {
    let part = literal_text(call, 0).unwrap_or_default().to_lowercase();
    let of_day = matches!(part.as_str(), "year" | "quarter" | "month" | "day" | "doy" | "dow");
    let of_time = matches!(part.as_str(), "hour" | "minute");
    let known = match call.arguments.get(1).map(|argument| &argument.data_type) {
        Some(DataType::Date32) => of_day,
        Some(DataType::Timestamp(_, None)) => of_day || of_time,
        _ => false,
    };
    if !known || *call.data_type != DataType::Int32 {
        return Err(Refusal::new(format!("date_part of \"{part}\"")));
    }
    Ok(format!("date_part('{part}', {value})::int4"))
}

fn date_trunc(call: &Call<'_>, value: &str) -> Result<String, Refusal> {
    let part = literal_text(call, 0).unwrap_or_default().to_lowercase();
    let known = matches!(
        part.as_str(),
        "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second"
    );
    match call.arguments.get(1).map(|argument| &argument.data_type) {
        Some(DataType::Timestamp(_, None)) if known => Ok(format!("date_trunc('{part}', {value})")),
        _ => Err(Refusal::new(format!("date_trunc to \"{part}\""))),
    }
}

/// Aggregate functions.
pub(crate) fn aggregate(call: &Call<'_>) -> Result<String, Refusal> {
    let Call { name, data_type, distinct, filter, .. } = call;
    let word = if *distinct { "DISTINCT " } else { "" };
    let argument = call.arguments.first();
    let argument_type = argument.map_or(&DataType::Null, |argument| &argument.data_type);
    let text = argument.map_or("", |argument| argument.text.as_str());
    if call.arguments.len() > 1 {
        return Err(Refusal::new(format!("{name} of several arguments")));
    }
    if *distinct && argument_type.is_floating() {
        return Err(Refusal::new("distinct floats: -0.0 and 0.0 are one there"));
    }
    match *name {
        "count"
            if call.literals.first().is_some_and(|l| l.as_ref().is_some_and(|l| !l.is_null()))
                && !distinct =>
        {
            Ok(format!("count(*){filter}"))
        }
        "count" => Ok(format!("count({word}{text}){filter}")),
        "sum" if **data_type == DataType::Int64 => Ok(format!("(sum({word}{text}){filter})::int8")),
        "sum" if is_decimal(data_type) || **data_type == DataType::Float64 => {
            Ok(format!("sum({word}{text}){filter}"))
        }
        "min" | "max" if is_text(argument_type) => {
            Ok(format!("{name}(({text}) COLLATE \"C\"){filter}"))
        }
        "min" | "max"
            if is_integer(argument_type)
                || is_decimal(argument_type)
                || matches!(argument_type, DataType::Date32 | DataType::Timestamp(..)) =>
        {
            Ok(format!("{name}({text}){filter}"))
        }
        "bool_and" | "bool_or" if !distinct => Ok(format!("{name}({text}){filter}")),
        "stddev" | "stddev_pop" | "var" | "var_pop"
            if !distinct && *argument_type == DataType::Float64 =>
        {
            let own = match *name {
                "stddev" => "stddev_samp",
                "var" => "var_samp",
                other => other,
            };
            Ok(format!("{own}({text}){filter}"))
        }
        _ => Err(Refusal::new(format!("{name} of a {argument_type}"))),
    }
}

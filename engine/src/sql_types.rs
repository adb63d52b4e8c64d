//! What SQL's types are in Arrow, where DataFusion's choice is not SQL's.
//!
//! A TIMESTAMP has microseconds, as in Postgres, so that it holds the years 1 to 9999. DataFusion's has nanoseconds, and
//! ends in 2262. One that asks for more digits still gets them.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::{DataType as SqlType, TimezoneInfo};

/// The digits after a second's point that a microsecond has.
const MICROSECOND_DIGITS: u64 = 6;

/// Sessions' types.
#[derive(Debug)]
pub struct SqlTypes;

impl TypePlanner for SqlTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let zone = match sql_type {
            SqlType::Timestamp(digits, zone) if digits.is_none_or(|d| d == MICROSECOND_DIGITS) => {
                match zone {
                    TimezoneInfo::Tz | TimezoneInfo::WithTimeZone => Some(Arc::from("UTC")),
                    TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => None,
                }
            }
            SqlType::Datetime(None) => None,
            _ => return Ok(None),
        };
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone);
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

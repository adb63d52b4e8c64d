//! Row counts from Parquet's footers; for other formats a guess from the size.

use datafusion::catalog::TableProvider;
use datafusion::physical_plan::statistics::StatisticsArgs;
use medley_core::{Figure, TableDescription, TableStatistics};
use serde::Deserialize;

use crate::types::{Format, Source};

/// What a row of text is guessed to take.
const ROW_BYTES: u64 = 100;

pub(crate) async fn of(table: &TableDescription) -> TableStatistics {
    let Ok(source) = Source::deserialize(&table.detail) else { return TableStatistics::unknown() };
    if source.format == Format::Parquet {
        return footers(&source).await.unwrap_or_default();
    }
    match std::fs::metadata(&source.path) {
        Ok(metadata) if metadata.is_file() => {
            TableStatistics::of_rows(Figure::Estimated(metadata.len() / ROW_BYTES))
        }
        _ => TableStatistics::unknown(),
    }
}

async fn footers(source: &Source) -> Option<TableStatistics> {
    let context = Source::context(8192);
    let table = source.table(&context).await.ok()?;
    let plan = table.scan(&context.state(), None, &[], None).await.ok()?;
    let statistics = plan.statistics_from_inputs(&[], &StatisticsArgs::new()).ok()?;
    let rows = u64::try_from(*statistics.num_rows.get_value()?).ok()?;
    Some(TableStatistics::of_rows(Figure::Estimated(rows)))
}

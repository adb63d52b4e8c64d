//! Statements: taking a script apart, and the few that are Medley's own.

mod attach;
mod distinct_from;
mod show;
mod tokens;

use std::borrow::Cow;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;

use crate::Result;
use crate::catalog::RemoteTable;
use crate::config::CatalogConfig;

use tokens::Tokens;
pub use tokens::split;

/// A statement, as far as it is not plain SQL.
#[derive(Debug)]
pub(crate) enum Command {
    /// `ATTACH 'url' AS name (TYPE kind, option 'value')`
    Attach {
        /// The catalog to attach.
        config: Box<CatalogConfig>,
        /// Whether a catalog of that name may be there already.
        if_not_exists: bool,
    },
    /// `DETACH name`
    Detach {
        /// The catalog.
        name: String,
        /// Whether it may be missing.
        if_exists: bool,
    },
    /// `USE catalog[.schema]`
    Use {
        /// The catalog.
        catalog: String,
        /// Its schema; the default one if none.
        schema: Option<String>,
    },
    /// A statement that means this SQL.
    Rewritten(String),
    /// SQL as DataFusion knows it.
    Sql,
}

/// Reads one statement.
pub(crate) fn parse(text: &str) -> Result<Command> {
    let mut tokens = Tokens::new(text)?;
    if tokens.word("ATTACH") {
        return attach::attach(tokens);
    }
    if tokens.word("DETACH") {
        return attach::detach(tokens);
    }
    if tokens.word("USE") {
        let mut parts = tokens.name()?.into_iter();
        let (catalog, schema) = (parts.next().unwrap_or_default(), parts.next());
        tokens.end()?;
        return Ok(Command::Use { catalog, schema });
    }
    if tokens.word("SHOW") {
        return show::show(tokens);
    }
    if ["BEGIN", "START", "COMMIT", "ROLLBACK"].iter().any(|keyword| tokens.word(keyword)) {
        return Err(crate::Error::statement(
            "transactions are refused: each query reads each store as it stands",
        ));
    }
    if tokens.word("INSTALL") || tokens.word("LOAD") {
        return Err(crate::Error::statement(
            "all connectors are built in: ATTACH a store directly",
        ));
    }
    match distinct_from::parenthesized(text)? {
        Cow::Borrowed(_) => Ok(Command::Sql),
        Cow::Owned(text) => Ok(Command::Rewritten(text)),
    }
}

/// What the user should know of the tables that a plan reads.
pub(crate) fn warnings(plan: &LogicalPlan) -> Vec<String> {
    let mut warnings = Vec::new();
    // The walk visits subqueries too, and cannot fail: the visitor never does.
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && let Some(table) = provider.downcast_ref::<RemoteTable>()
        {
            warnings.extend(table.warnings());
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .ok();
    warnings.sort();
    warnings.dedup();
    warnings
}

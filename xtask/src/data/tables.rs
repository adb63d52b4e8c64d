//! The eight TPC-H tables: columns, keys, and rows as text fields.

use tpchgen::generators as tpch;

/// How a column's text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    Long,
    /// A decimal of 15 digits, two of them after the point.
    Decimal,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// Text.
    Text,
}

/// One table of the benchmark.
#[derive(Debug)]
pub struct Table {
    /// The name, as in the specification.
    pub name: &'static str,
    /// Column names and kinds, in the specification's order.
    pub columns: &'static [(&'static str, Kind)],
    /// The primary key's columns.
    pub key: &'static [&'static str],
    /// Columns that refer to other tables and get an index each.
    pub indexes: &'static [&'static str],
    rows: fn(f64) -> Rows,
}

type Rows = Box<dyn Iterator<Item = String> + Send>;

impl Table {
    /// The rows of a scale factor, each a line of fields with `|` between them.
    #[must_use]
    pub fn lines(&self, scale_factor: f64) -> Rows {
        (self.rows)(scale_factor)
    }

    /// The table of a name.
    ///
    /// # Panics
    /// If there is no such table: names are constants of the callers.
    #[must_use]
    pub fn named(name: &str) -> &'static Self {
        #[expect(
            clippy::expect_used,
            reason = "the names are constants of this crate and of the tests"
        )]
        TABLES.iter().find(|table| table.name == name).expect("a TPC-H table")
    }
}

/// A line's fields. No TPC-H text holds a bar.
pub fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.strip_suffix('|').unwrap_or(line).split('|')
}

use Kind::{Date, Decimal, Int, Long, Text};

macro_rules! rows {
    ($generator:ident) => {
        |scale_factor| {
            Box::new(tpch::$generator::new(scale_factor, 1, 1).iter().map(|row| row.to_string()))
        }
    };
}

/// All eight, small ones first.
pub const TABLES: &[Table] = &[
    Table {
        name: "region",
        columns: &[("r_regionkey", Long), ("r_name", Text), ("r_comment", Text)],
        key: &["r_regionkey"],
        indexes: &[],
        rows: rows!(RegionGenerator),
    },
    Table {
        name: "nation",
        columns: &[
            ("n_nationkey", Long),
            ("n_name", Text),
            ("n_regionkey", Long),
            ("n_comment", Text),
        ],
        key: &["n_nationkey"],
        indexes: &["n_regionkey"],
        rows: rows!(NationGenerator),
    },
    Table {
        name: "supplier",
        columns: &[
            ("s_suppkey", Long),
            ("s_name", Text),
            ("s_address", Text),
            ("s_nationkey", Long),
            ("s_phone", Text),
            ("s_acctbal", Decimal),
            ("s_comment", Text),
        ],
        key: &["s_suppkey"],
        indexes: &["s_nationkey"],
        rows: rows!(SupplierGenerator),
    },
    Table {
        name: "customer",
        columns: &[
            ("c_custkey", Long),
            ("c_name", Text),
            ("c_address", Text),
            ("c_nationkey", Long),
            ("c_phone", Text),
            ("c_acctbal", Decimal),
            ("c_mktsegment", Text),
            ("c_comment", Text),
        ],
        key: &["c_custkey"],
        indexes: &["c_nationkey"],
        rows: rows!(CustomerGenerator),
    },
    Table {
        name: "part",
        columns: &[
            ("p_partkey", Long),
            ("p_name", Text),
            ("p_mfgr", Text),
            ("p_brand", Text),
            ("p_type", Text),
            ("p_size", Int),
            ("p_container", Text),
            ("p_retailprice", Decimal),
            ("p_comment", Text),
        ],
        key: &["p_partkey"],
        indexes: &[],
        rows: rows!(PartGenerator),
    },
    Table {
        name: "partsupp",
        columns: &[
            ("ps_partkey", Long),
            ("ps_suppkey", Long),
            ("ps_availqty", Int),
            ("ps_supplycost", Decimal),
            ("ps_comment", Text),
        ],
        key: &["ps_partkey", "ps_suppkey"],
        indexes: &["ps_suppkey"],
        rows: rows!(PartSuppGenerator),
    },
    Table {
        name: "orders",
        columns: &[
            ("o_orderkey", Long),
            ("o_custkey", Long),
            ("o_orderstatus", Text),
            ("o_totalprice", Decimal),
            ("o_orderdate", Date),
            ("o_orderpriority", Text),
            ("o_clerk", Text),
            ("o_shippriority", Int),
            ("o_comment", Text),
        ],
        key: &["o_orderkey"],
        indexes: &["o_custkey", "o_orderdate"],
        rows: rows!(OrderGenerator),
    },
    Table {
        name: "lineitem",
        columns: &[
            ("l_orderkey", Long),
            ("l_partkey", Long),
            ("l_suppkey", Long),
            ("l_linenumber", Int),
            ("l_quantity", Decimal),
            ("l_extendedprice", Decimal),
            ("l_discount", Decimal),
            ("l_tax", Decimal),
            ("l_returnflag", Text),
            ("l_linestatus", Text),
            ("l_shipdate", Date),
            ("l_commitdate", Date),
            ("l_receiptdate", Date),
            ("l_shipinstruct", Text),
            ("l_shipmode", Text),
            ("l_comment", Text),
        ],
        key: &["l_orderkey", "l_linenumber"],
        indexes: &["l_partkey", "l_suppkey", "l_shipdate"],
        rows: rows!(LineItemGenerator),
    },
];

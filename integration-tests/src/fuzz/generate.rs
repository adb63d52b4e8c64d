//! Random queries over two tables of known columns.
//!
//! A limit comes only with an order by every output column, so that the rows it keeps are the same up to equal rows.

use std::fmt::Write;

use fastrand::Rng;

/// What kind of values a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Integers of any width.
    Integer,
    /// Floats.
    Float,
    /// Decimals.
    Decimal,
    /// Text.
    Text,
    /// Truth values.
    Boolean,
    /// Days.
    Date,
    /// Times.
    Timestamp,
}

/// A column, and literals that are near its values.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name, as it stands in SQL.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Literals, as they stand in SQL.
    pub literals: Vec<String>,
}

/// A table, as it is called in each place where the query runs.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name in the engine.
    pub remote: String,
    /// The name in memory.
    pub local: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// A query, for the engine and for memory.
#[derive(Clone, Debug)]
pub struct Query {
    /// Over the stores.
    pub remote: String,
    /// Over the same rows in memory.
    pub local: String,
    /// Whether the order of the answer's rows is given by the query.
    pub ordered: bool,
}

/// A query that follows from the seed alone.
#[must_use]
pub fn query(seed: u64, left: &Table, right: &Table) -> Query {
    let mut generator = Generator { rng: Rng::with_seed(seed), left, right, ordered: false };
    let text = generator.statement();
    let name = |text: &str, left: &str, right: &str| {
        text.replace("{left}", left).replace("{right}", right)
    };
    Query {
        remote: name(&text, &left.remote, &right.remote),
        local: name(&text, &left.local, &right.local),
        ordered: generator.ordered,
    }
}

struct Generator<'a> {
    rng: Rng,
    left: &'a Table,
    right: &'a Table,
    ordered: bool,
}

/// A column as an expression: its text and kind.
type Term = (String, Kind);

impl Generator<'_> {
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.rng.usize(0..from.len())]
    }

    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }

    fn statement(&mut self) -> String {
        match self.rng.u8(0..100) {
            0..24 => self.selection(),
            24..44 => self.grouping(),
            44..52 => self.global(),
            52..68 => self.join(),
            68..80 => self.semi(),
            80..87 => self.set(),
            87..93 => self.nested(),
            _ => self.grouped_join(),
        }
    }

    fn columns(&self, alias: &str) -> Vec<(Term, Vec<String>)> {
        let table = if alias == "x" { self.left } else { self.right };
        let term = |c: &Column| ((format!("{alias}.{}", c.name), c.kind), c.literals.clone());
        table.columns.iter().map(term).collect()
    }

    fn scope(&self, aliases: &[&str]) -> Vec<(Term, Vec<String>)> {
        aliases.iter().flat_map(|alias| self.columns(alias)).collect()
    }

    fn from(&self) -> &'static str {
        "{left} AS x"
    }

    /// Some of the scope's columns, and computed ones.
    fn outputs(&mut self, scope: &[(Term, Vec<String>)], most: usize) -> Vec<String> {
        let count = self.rng.usize(1..=most);
        (0..count)
            .map(|_| {
                let ((text, kind), literals) = self.pick(scope).clone();
                if self.chance(75) { text } else { self.computed(&text, kind, &literals) }
            })
            .collect()
    }

    fn computed(&mut self, text: &str, kind: Kind, literals: &[String]) -> String {
        let literal =
            if literals.is_empty() { "NULL".to_owned() } else { self.pick(literals).clone() };
        match (kind, self.rng.u8(0..4)) {
            (_, 0) => format!("coalesce({text}, {literal})"),
            (_, 1) => format!("CASE WHEN {text} = {literal} THEN {text} END"),
            (Kind::Text, 2) => format!("character_length({text})"),
            (Kind::Text, _) => format!("substr({text}, 1, 1)"),
            (Kind::Decimal, 2) => format!("{text} + 1.50"),
            (Kind::Decimal, _) => format!("{text} * 2"),
            (Kind::Date, 2) => format!("date_part('year', {text})"),
            (Kind::Boolean, 2) => format!("NOT {text}"),
            (_, 2) => format!("nullif({text}, {literal})"),
            _ => format!("{text} IS NULL"),
        }
    }

    fn predicate(&mut self, scope: &[(Term, Vec<String>)], depth: u8) -> String {
        if depth > 0 && self.chance(55) {
            let (left, right) =
                (self.predicate(scope, depth - 1), self.predicate(scope, depth - 1));
            return match self.rng.u8(0..5) {
                0 | 1 => format!("({left} AND {right})"),
                2 | 3 => format!("({left} OR {right})"),
                _ => format!("NOT ({left})"),
            };
        }
        let ((text, kind), literals) = self.pick(scope).clone();
        let literal = |this: &mut Self| {
            if literals.is_empty() { "NULL".to_owned() } else { this.pick(&literals).clone() }
        };
        match self.rng.u8(0..12) {
            0 => format!("{text} IS NULL"),
            1 => format!("{text} IS NOT NULL"),
            2 => {
                let not = if self.chance(40) { "NOT " } else { "" };
                let items: Vec<_> = (0..self.rng.usize(1..5)).map(|_| literal(self)).collect();
                let null = if self.chance(15) { ", NULL" } else { "" };
                format!("{text} {not}IN ({}{null})", items.join(", "))
            }
            3 => {
                let not = if self.chance(30) { "NOT " } else { "" };
                format!("{text} {not}BETWEEN {} AND {}", literal(self), literal(self))
            }
            4 if kind == Kind::Text => {
                let not = if self.chance(30) { "NOT " } else { "" };
                let patterns = ["a%", "%b", "%a%", "_", "_%", "%", "", "A_%", "Ä%", "%\u{1F34E}"];
                format!("{text} {not}LIKE '{}'", self.pick(&patterns))
            }
            5 if kind == Kind::Boolean => {
                if self.chance(50) {
                    text
                } else {
                    format!("NOT {text}")
                }
            }
            6 => {
                let others: Vec<_> =
                    scope.iter().filter(|((_, other), _)| *other == kind).cloned().collect();
                let ((other, _), _) = self.pick(&others).clone();
                format!("{text} {} {other}", self.operator())
            }
            7 => {
                let not = if self.chance(50) { "NOT " } else { "" };
                // In parentheses for the reference, whose parser takes all that follows for the operand.
                format!("({text} IS {not}DISTINCT FROM {})", literal(self))
            }
            8 if kind == Kind::Text => {
                format!("character_length({text}) {} {}", self.operator(), self.rng.u8(0..3))
            }
            9 => {
                format!("coalesce({text}, {}) {} {}", literal(self), self.operator(), literal(self))
            }
            _ => format!("{text} {} {}", self.operator(), literal(self)),
        }
    }

    fn operator(&mut self) -> &'static str {
        let operator: &&'static str = self.pick(&["=", "=", "<>", "<", "<=", ">", ">="]);
        operator
    }

    fn filter(&mut self, scope: &[(Term, Vec<String>)]) -> String {
        if self.chance(80) {
            let depth = self.rng.u8(0..3);
            format!(" WHERE {}", self.predicate(scope, depth))
        } else {
            String::new()
        }
    }

    /// An order by all of so many outputs, and perhaps a limit.
    fn tail(&mut self, outputs: usize) -> String {
        if self.chance(45) {
            return String::new();
        }
        let mut places: Vec<usize> = (1..=outputs).collect();
        self.rng.shuffle(&mut places);
        let keys: Vec<_> = places
            .iter()
            .map(|place| {
                let way = *self.pick(&["", " ASC", " DESC"]);
                let nulls = *self.pick(&["", " NULLS FIRST", " NULLS LAST"]);
                format!("{place}{way}{nulls}")
            })
            .collect();
        self.ordered = true;
        let mut text = format!(" ORDER BY {}", keys.join(", "));
        if self.chance(60) {
            write!(text, " LIMIT {}", self.rng.u8(0..9)).ok();
        }
        if self.chance(20) {
            write!(text, " OFFSET {}", self.rng.u8(0..5)).ok();
        }
        text
    }

    fn named(outputs: &[String]) -> String {
        let named = outputs.iter().enumerate().map(|(i, text)| format!("{text} AS o{i}"));
        named.collect::<Vec<_>>().join(", ")
    }

    fn selection(&mut self) -> String {
        let scope = self.scope(&["x"]);
        let outputs = self.outputs(&scope, 4);
        let distinct = if self.chance(15) { "DISTINCT " } else { "" };
        let (filter, tail) = (self.filter(&scope), self.tail(outputs.len()));
        format!("SELECT {distinct}{} FROM {}{filter}{tail}", Self::named(&outputs), self.from())
    }

    fn aggregate(&mut self, scope: &[(Term, Vec<String>)]) -> String {
        let ((text, kind), _) = self.pick(scope).clone();
        let numeric = matches!(kind, Kind::Integer | Kind::Decimal);
        let call = match self.rng.u8(0..8) {
            0 => "count(*)".to_owned(),
            1 => format!("count({text})"),
            2 if kind != Kind::Float => format!("count(DISTINCT {text})"),
            3 | 4 if numeric => format!("sum({text})"),
            5 if numeric => format!("avg({text})"),
            // The greatest of floats with a NaN among them depends on the order of the rows, here as in memory.
            6 if !matches!(kind, Kind::Boolean | Kind::Float) => format!("min({text})"),
            7 if !matches!(kind, Kind::Boolean | Kind::Float) => format!("max({text})"),
            _ => format!("count({text})"),
        };
        if self.chance(10) {
            let condition = self.predicate(scope, 0);
            return format!("{call} FILTER (WHERE {condition})");
        }
        call
    }

    fn grouping(&mut self) -> String {
        let scope = self.scope(&["x"]);
        self.grouped(&scope, self.from().to_owned())
    }

    fn grouped(&mut self, scope: &[(Term, Vec<String>)], from: String) -> String {
        let filter = self.filter(scope);
        let keys: Vec<String> =
            (0..self.rng.usize(1..3)).map(|_| self.pick(scope).0.0.clone()).collect();
        let aggregates: Vec<String> =
            (0..self.rng.usize(1..4)).map(|_| self.aggregate(scope)).collect();
        let having = match self.rng.u8(0..5) {
            0 => format!(" HAVING count(*) > {}", self.rng.u8(0..4)),
            1 => format!(" HAVING {} IS NOT NULL", aggregates[0]),
            _ => String::new(),
        };
        let outputs: Vec<String> = keys.iter().chain(&aggregates).cloned().collect();
        let tail = self.tail(outputs.len());
        let outputs = Self::named(&outputs);
        format!("SELECT {outputs} FROM {from}{filter} GROUP BY {}{having}{tail}", keys.join(", "))
    }

    fn global(&mut self) -> String {
        let scope = self.scope(&["x"]);
        let aggregates: Vec<String> =
            (0..self.rng.usize(1..4)).map(|_| self.aggregate(&scope)).collect();
        let filter = self.filter(&scope);
        format!("SELECT {} FROM {}{filter}", Self::named(&aggregates), self.from())
    }

    /// Columns of the two tables that are of one kind.
    fn joinable(&mut self) -> (String, String) {
        let (left, right) = (self.columns("x"), self.columns("y"));
        loop {
            let ((l, kind), _) = self.pick(&left).clone();
            let same: Vec<_> = right.iter().filter(|((_, other), _)| *other == kind).collect();
            if !same.is_empty() && kind != Kind::Boolean {
                let ((r, _), _) = (*self.pick(&same)).clone();
                return (l, r);
            }
        }
    }

    fn joined(&mut self) -> String {
        let kind = *self.pick(&["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let (l, r) = self.joinable();
        let mut on = format!("{l} = {r}");
        if self.chance(25) {
            let (l, r) = self.joinable();
            write!(on, " AND {l} = {r}").ok();
        }
        if kind != "FULL JOIN" && self.chance(25) {
            let scope = self.scope(&["x", "y"]);
            let condition = match kind {
                "JOIN" => self.predicate(&scope, 0),
                _ => self.outer_condition(&scope),
            };
            write!(on, " AND {condition}").ok();
        }
        format!("{} {kind} {{right}} AS y ON {on}", self.from())
    }

    /// A condition that makes no column a constant: DataFusion 55.2 takes it for one above an outer join too, where it may
    /// be NULL, and drops it from the order.
    fn outer_condition(&mut self, scope: &[(Term, Vec<String>)]) -> String {
        let ((text, kind), literals) = self.pick(scope).clone();
        if literals.is_empty() || kind == Kind::Boolean || self.chance(30) {
            return format!("{text} IS NOT NULL");
        }
        let operator = *self.pick(&["<>", "<", ">="]);
        format!("{text} {operator} {}", self.pick(&literals))
    }

    fn join(&mut self) -> String {
        let from = self.joined();
        let scope = self.scope(&["x", "y"]);
        let outputs = self.outputs(&scope, 4);
        let (filter, tail) = (self.filter(&scope), self.tail(outputs.len()));
        format!("SELECT {} FROM {from}{filter}{tail}", Self::named(&outputs))
    }

    fn grouped_join(&mut self) -> String {
        let from = self.joined();
        let scope = self.scope(&["x", "y"]);
        self.grouped(&scope, from)
    }

    fn semi(&mut self) -> String {
        let scope = self.scope(&["x"]);
        let outputs = self.outputs(&scope, 3);
        let (l, r) = self.joinable();
        let inner = self.scope(&["y"]);
        let filter = self.filter(&inner);
        let condition = match self.rng.u8(0..4) {
            0 => format!("{l} IN (SELECT {r} FROM {{right}} AS y{filter})"),
            1 => format!("{l} NOT IN (SELECT {r} FROM {{right}} AS y{filter})"),
            kind => {
                let not = if kind == 2 { "NOT " } else { "" };
                let more = filter.replace(" WHERE ", " AND ");
                format!("{not}EXISTS (SELECT 1 FROM {{right}} AS y WHERE {l} = {r}{more})")
            }
        };
        let also = if self.chance(40) {
            format!(" AND {}", self.predicate(&scope, 1))
        } else {
            String::new()
        };
        let tail = self.tail(outputs.len());
        let outputs = Self::named(&outputs);
        format!("SELECT {outputs} FROM {} WHERE {condition}{also}{tail}", self.from())
    }

    fn set(&mut self) -> String {
        let (l, r) = self.joinable();
        let word = *self.pick(&["UNION ALL", "UNION", "INTERSECT", "EXCEPT"]);
        let (left, right) = (self.scope(&["x"]), self.scope(&["y"]));
        let (left, right) = (self.filter(&left), self.filter(&right));
        format!(
            "SELECT {l} AS o0 FROM {}{left} {word} SELECT {r} AS o0 FROM {{right}} AS y{right}",
            self.from()
        )
    }

    /// A query over the few first rows of a table, in an order that is total by its key.
    fn nested(&mut self) -> String {
        let scope = self.scope(&["x"]);
        let outputs = self.outputs(&scope, 3);
        let filter = self.filter(&scope);
        let inner = self.filter(&scope);
        let rows = self.rng.u8(1..30);
        let tail = self.tail(outputs.len());
        let way = *self.pick(&["ASC", "DESC"]);
        format!(
            "SELECT {} FROM (SELECT * FROM {}{inner} ORDER BY x.k {way} LIMIT {rows}) AS x{filter}{tail}",
            Self::named(&outputs),
            self.from()
        )
    }
}

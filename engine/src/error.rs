//! What went wrong with a statement: in which category, where in its text, and in plain words.

use std::fmt::{self, Display, Formatter};

use datafusion::error::DataFusionError;
use medley_core::ErrorKind;

/// The result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was; each has an exit code of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The statement is wrong: syntax, names, types, or not supported.
    Statement,
    /// The configuration is wrong.
    Config,
    /// A store cannot be reached, or refuses the user.
    Connection,
    /// Memory or time ran out.
    Limit,
    /// A store failed while it ran a query, or holds a value that cannot be represented.
    Execution,
    /// A bug in Medley.
    Internal,
}

/// A place in a statement, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// Why a statement failed.
#[derive(Debug)]
pub struct Error {
    category: Category,
    message: String,
    location: Option<Location>,
    source: Option<Box<DataFusionError>>,
}

impl Error {
    /// An error about the statement itself.
    #[must_use]
    pub fn statement(message: impl Into<String>) -> Self {
        Self {
            category: Category::Statement,
            message: message.into(),
            location: None,
            source: None,
        }
    }

    /// The failure of a statement that runs nowhere but here: whatever failed, the statement is wrong.
    pub(crate) fn of_statement(error: DataFusionError) -> Self {
        let error = Self::from(error);
        let category = if error.category == Category::Execution {
            Category::Statement
        } else {
            error.category
        };
        Self { category, ..error }
    }

    pub(crate) fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn category(&self) -> Category {
        self.category
    }

    /// Where in the statement it lies, if that is known.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.location
    }

    /// The message with the line of the statement that it is about, and a caret below the place.
    #[must_use]
    pub fn render(&self, statement: &str) -> String {
        let Some(Location { line, column }) = self.location else { return self.message.clone() };
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
        let Some(text) = statement.lines().nth(index) else { return self.message.clone() };
        let gutter = format!("line {line}: ");
        let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
        // Tabs stay tabs, so that the caret stands where the terminal puts the character.
        let blank: String =
            text.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{}\n{gutter}{text}\n{}{blank}^", self.message, " ".repeat(gutter.len()))
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(Location { line, column }) = self.location {
            write!(f, " (line {line}, column {column})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<medley_core::Error> for Error {
    fn from(error: medley_core::Error) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let Some(contract) = medley_core::Error::find(&error) {
            let category = match contract.kind() {
                ErrorKind::NotFound | ErrorKind::Unsupported => Category::Statement,
                ErrorKind::Config => Category::Config,
                ErrorKind::Unavailable | ErrorKind::Authentication | ErrorKind::Permission => {
                    Category::Connection
                }
                ErrorKind::Timeout => Category::Limit,
                ErrorKind::Data | ErrorKind::Remote => Category::Execution,
                ErrorKind::Internal => Category::Internal,
            };
            let message = contract.to_string();
            return Self { category, message, location: None, source: Some(Box::new(error)) };
        }
        let category = category_of(&error);
        let location = location_of(&error);
        let message = plain_message(&error);
        Self { category, message, location, source: Some(Box::new(error)) }
    }
}

fn category_of(error: &DataFusionError) -> Category {
    match error {
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => {
            category_of(inner)
        }
        DataFusionError::Shared(inner) => category_of(inner),
        DataFusionError::Collection(errors) => {
            errors.first().map_or(Category::Internal, category_of)
        }
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_) => Category::Statement,
        DataFusionError::Configuration(_) => Category::Statement,
        DataFusionError::ResourcesExhausted(_) => Category::Limit,
        DataFusionError::Internal(_) => Category::Internal,
        _ => Category::Execution,
    }
}

fn location_of(error: &DataFusionError) -> Option<Location> {
    if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
        return Some(Location { line: span.start.line, column: span.start.column });
    }
    // The parser tells its place only in words.
    let text = error.strip_backtrace();
    let (_, rest) = text.rsplit_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(Location { line: line.trim().parse().ok()?, column: column.parse().ok()? })
}

/// The message without the prefixes that name DataFusion's own layers.
fn plain_message(error: &DataFusionError) -> String {
    let text = match error {
        DataFusionError::Diagnostic(_, inner) => return plain_message(inner),
        DataFusionError::Shared(inner) => return plain_message(inner),
        DataFusionError::Collection(errors) if !errors.is_empty() => {
            return plain_message(&errors[0]);
        }
        DataFusionError::SQL(inner, _) => inner.to_string(),
        other => other.strip_backtrace(),
    };
    let mut text = text.as_str();
    for prefix in [
        "Error during planning: ",
        "Schema error: ",
        "This feature is not implemented: ",
        "External error: ",
        "Execution error: ",
        "Arrow error: ",
        "Invalid or Unsupported Configuration: ",
        "sql parser error: ",
    ] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    let text = text.split(" at Line: ").next().unwrap_or(text);
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !text.starts_with("SQL") => first.to_lowercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

//! The tokens of a statement, for the statements that DataFusion does not know.

use std::iter::Peekable;
use std::vec::IntoIter;

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::error::Location;
use crate::{Error, Result};

/// A statement's tokens, blanks and comments left out.
pub(super) struct Tokens(Peekable<IntoIter<TokenWithSpan>>);

impl Tokens {
    pub(super) fn new(text: &str) -> Result<Self> {
        let mut tokens = tokenize(text)?;
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        if tokens.last().is_some_and(|token| token.token == Token::SemiColon) {
            tokens.pop();
        }
        Ok(Self(tokens.into_iter().peekable()))
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn word(&mut self, keyword: &str) -> bool {
        self.0
            .next_if(|token| {
                matches!(&token.token, Token::Word(word)
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
            })
            .is_some()
    }

    /// Takes these keywords, if they come next; none of them otherwise.
    pub(super) fn words(&mut self, keywords: &[&str]) -> bool {
        let ahead: Vec<String> =
            self.0.clone().take(keywords.len()).map(|token| token.token.to_string()).collect();
        let all = ahead.len() == keywords.len()
            && ahead
                .iter()
                .zip(keywords)
                .all(|(token, keyword)| token.eq_ignore_ascii_case(keyword));
        if all {
            for _ in keywords {
                self.0.next();
            }
        }
        all
    }

    /// Takes the next token if it is this one.
    pub(super) fn token(&mut self, token: &Token) -> bool {
        self.0.next_if(|next| next.token == *token).is_some()
    }

    /// An identifier: lower case unless quoted, as Postgres reads it.
    pub(super) fn identifier(&mut self) -> Result<String> {
        match self.0.next() {
            Some(TokenWithSpan { token: Token::Word(word), .. }) => Ok(match word.quote_style {
                Some(_) => word.value,
                None => word.value.to_lowercase(),
            }),
            other => Err(expected("a name", other.as_ref())),
        }
    }

    /// Identifiers with dots between them.
    pub(super) fn name(&mut self) -> Result<Vec<String>> {
        let mut parts = vec![self.identifier()?];
        while self.token(&Token::Period) {
            parts.push(self.identifier()?);
        }
        Ok(parts)
    }

    /// Text in single quotes.
    pub(super) fn text(&mut self) -> Result<String> {
        match self.0.next() {
            Some(TokenWithSpan { token: Token::SingleQuotedString(text), .. }) => Ok(text),
            other => Err(expected("text in single quotes", other.as_ref())),
        }
    }

    /// The next token, whatever it is.
    pub(super) fn next(&mut self) -> Option<Token> {
        self.0.next().map(|token| token.token)
    }

    /// The next token, left where it is.
    pub(super) fn peek(&mut self) -> Option<&Token> {
        self.0.peek().map(|token| &token.token)
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.0.next() {
            None => Ok(()),
            other => Err(expected("the end of the statement", other.as_ref())),
        }
    }
}

pub(super) fn expected(what: &str, found: Option<&TokenWithSpan>) -> Error {
    match found {
        None => Error::statement(format!("expected {what}, found the end of the statement")),
        Some(found) => {
            let start = found.span.start;
            Error::statement(format!("expected {what}, found {}", found.token))
                .at(Location { line: start.line, column: start.column })
        }
    }
}

pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    Tokenizer::new(&GenericDialect, text).tokenize_with_location().map_err(
        |TokenizerError { message, location }| {
            let message = message.trim_end_matches(char::is_whitespace).to_owned();
            Error::statement(message).at(Location { line: location.line, column: location.column })
        },
    )
}

/// Where lines and columns are in a text, in bytes.
pub(super) struct Offsets<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Offsets<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1);
        Self { text, lines: std::iter::once(0).chain(breaks).collect() }
    }

    /// The offset of a place, both parts from 1; the text's end beyond it.
    fn offset(&self, line: u64, column: u64) -> usize {
        let index = usize::try_from(line.saturating_sub(1)).ok();
        let start = index.and_then(|index| self.lines.get(index)).copied().unwrap_or(0);
        let characters = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
        self.text[start..]
            .char_indices()
            .nth(characters)
            .map_or(self.text.len(), |(index, _)| start + index)
    }

    pub(super) fn start(&self, token: &TokenWithSpan) -> usize {
        self.offset(token.span.start.line, token.span.start.column)
    }

    pub(super) fn end(&self, token: &TokenWithSpan) -> usize {
        self.offset(token.span.end.line, token.span.end.column)
    }
}

/// The statements of a script, each with the line on which it starts, from 1. The last one may lack its semicolon.
///
/// # Errors
/// A string, quoted name or comment that does not end: the error tells where it starts.
pub fn split(script: &str) -> Result<Vec<(u64, &str)>> {
    let offsets = Offsets::of(script);
    let mut statements = Vec::new();
    let mut start: Option<(u64, usize)> = None;
    for token in tokenize(script)? {
        let location = token.span.start;
        match token.token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => {
                if let Some((line, from)) = start.take() {
                    statements.push((
                        line,
                        script[from..offsets.offset(location.line, location.column)].trim_end(),
                    ));
                }
            }
            _ if start.is_none() => {
                start = Some((location.line, offsets.offset(location.line, location.column)))
            }
            _ => {}
        }
    }
    if let Some((line, from)) = start {
        statements.push((line, script[from..].trim_end()));
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_script_is_split_at_semicolons_outside_of_strings_and_comments() {
        let script = "SELECT ';' AS \"a;b\"; -- not; here\n\n/* nor; here */ SELECT 'ü';;SELECT 3";
        let statements = split(script).unwrap();
        assert_eq!(statements, [(1, "SELECT ';' AS \"a;b\""), (3, "SELECT 'ü'"), (3, "SELECT 3")]);
    }

    #[test]
    fn a_string_that_does_not_end_is_told_with_its_place() {
        let error = split("SELECT 1;\nSELECT 'abc").unwrap_err();
        assert_eq!(error.location().map(|l| l.line), Some(2));
    }
}

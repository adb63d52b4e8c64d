//! Puts parentheses around `a IS [NOT] DISTINCT FROM b`.
//!
//! The parser (sqlparser 0.62) takes everything that follows for `b`: `a IS DISTINCT FROM b AND c` would be
//! `a IS DISTINCT FROM (b AND c)`, which is wrong, and for booleans even passes.

use std::borrow::Cow;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::tokens::{Offsets, tokenize};
use crate::Result;

/// What ends an operand: it binds less than IS, or begins another clause.
const BOUNDARIES: [&str; 43] = [
    "AND",
    "AS",
    "ASC",
    "BY",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "FETCH",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "INNER",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIMIT",
    "NATURAL",
    "NOT",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "QUALIFY",
    "RETURNING",
    "RIGHT",
    "SELECT",
    "SET",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "ALL",
    "EXPLAIN",
];

/// The statement in which every such comparison stands in parentheses.
pub(super) fn parenthesized(text: &str) -> Result<Cow<'_, str>> {
    if !text.to_uppercase().contains("DISTINCT") {
        return Ok(Cow::Borrowed(text));
    }
    let mut tokens = tokenize(text)?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let offsets = Offsets::of(text);
    let mut marks: Vec<(usize, char)> = Vec::new();
    for index in 0..tokens.len() {
        if !is_word(&tokens[index], "IS") {
            continue;
        }
        let negated = usize::from(word_at(&tokens, index + 1, "NOT"));
        let from = index + 2 + negated;
        if !word_at(&tokens, index + 1 + negated, "DISTINCT") || !word_at(&tokens, from, "FROM") {
            continue;
        }
        let (Some(first), Some(last)) = (start(&tokens, index), end(&tokens, from)) else {
            continue;
        };
        marks.push((offsets.start(&tokens[first]), '('));
        marks.push((offsets.end(&tokens[last]), ')'));
    }
    if marks.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    marks.sort_by_key(|(offset, _)| *offset);
    let (mut marked, mut done) = (String::with_capacity(text.len() + marks.len()), 0);
    for (offset, mark) in marks {
        marked.push_str(&text[done..offset]);
        marked.push(mark);
        done = offset;
    }
    marked.push_str(&text[done..]);
    Ok(Cow::Owned(marked))
}

fn is_word(token: &TokenWithSpan, keyword: &str) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
}

fn word_at(tokens: &[TokenWithSpan], index: usize, keyword: &str) -> bool {
    tokens.get(index).is_some_and(|token| is_word(token, keyword))
}

fn is_boundary(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Comma | Token::SemiColon)
        || BOUNDARIES.iter().any(|keyword| is_word(token, keyword))
}

/// The first token of the operand before IS.
fn start(tokens: &[TokenWithSpan], is: usize) -> Option<usize> {
    let (mut depth, mut first) = (0, None);
    for index in (0..is).rev() {
        let token = &tokens[index];
        let closes =
            matches!(token.token, Token::RParen | Token::RBracket) || is_word(token, "END");
        let opens =
            matches!(token.token, Token::LParen | Token::LBracket) || is_word(token, "CASE");
        if depth == 0 && (opens || is_boundary(token)) {
            break;
        }
        depth += i32::from(closes) - i32::from(opens);
        first = Some(index);
    }
    first
}

/// The last token of the operand after FROM.
fn end(tokens: &[TokenWithSpan], from: usize) -> Option<usize> {
    let (mut depth, mut last) = (0, None);
    for (index, token) in tokens.iter().enumerate().skip(from + 1) {
        let closes =
            matches!(token.token, Token::RParen | Token::RBracket) || is_word(token, "END");
        let opens =
            matches!(token.token, Token::LParen | Token::LBracket) || is_word(token, "CASE");
        if depth == 0 && (closes || is_boundary(token)) {
            break;
        }
        depth += i32::from(opens) - i32::from(closes);
        last = Some(index);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::parenthesized;

    #[test]
    fn operands_end_where_something_binds_less() {
        for (text, expected) in [
            ("SELECT a IS DISTINCT FROM b AND c", "SELECT (a IS DISTINCT FROM b) AND c"),
            (
                "SELECT 1 FROM t WHERE NOT x.a IS NOT DISTINCT FROM f(b, c) + 1 OR d GROUP BY 1",
                "SELECT 1 FROM t WHERE NOT (x.a IS NOT DISTINCT FROM f(b, c) + 1) OR d GROUP BY 1",
            ),
            (
                "SELECT CASE WHEN a IS DISTINCT FROM 'ü AND' THEN 1 END, 'a IS DISTINCT FROM b'",
                "SELECT CASE WHEN (a IS DISTINCT FROM 'ü AND') THEN 1 END, 'a IS DISTINCT FROM b'",
            ),
            (
                "SELECT 'ü', ((CASE WHEN a THEN b END) IS DISTINCT FROM c)",
                "SELECT 'ü', (((CASE WHEN a THEN b END) IS DISTINCT FROM c))",
            ),
            ("SELECT DISTINCT a FROM b", "SELECT DISTINCT a FROM b"),
        ] {
            assert_eq!(parenthesized(text).unwrap(), expected);
        }
    }
}

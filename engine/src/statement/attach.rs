//! `ATTACH 'postgres://...' AS shop (TYPE postgres, READ_ONLY, schema 'x')` and `DETACH shop`.

use serde_json::{Map, Value};
use sqlparser::tokenizer::Token;

use super::Command;
use super::tokens::Tokens;
use crate::config::CatalogConfig;
use crate::connectors::Registry;
use crate::{Error, Result};

pub(super) fn attach(mut tokens: Tokens) -> Result<Command> {
    tokens.word("DATABASE");
    let if_not_exists = tokens.words(&["IF", "NOT", "EXISTS"]);
    let location = tokens.text()?;
    if !tokens.word("AS") {
        return Err(Error::statement("ATTACH needs a name: ATTACH '...' AS name"));
    }
    let name = tokens.identifier()?;
    let mut options = Map::new();
    let mut kind = None;
    if tokens.token(&Token::LParen) {
        loop {
            let key = tokens.identifier()?;
            match key.as_str() {
                "type" => kind = Some(value_text(&mut tokens)?),
                // Nothing can be written anyway; the word is what users of other tools expect.
                "read_only" => {}
                _ => {
                    options.insert(key, value(&mut tokens)?);
                }
            }
            if !tokens.token(&Token::Comma) {
                break;
            }
        }
        if !tokens.token(&Token::RParen) {
            return Err(Error::statement("expected \")\" after the options of ATTACH"));
        }
    }
    tokens.end()?;
    let kind = match kind {
        Some(kind) => kind,
        None => Registry::kind_of(&location)
            .ok_or_else(|| Error::statement("the URL does not tell the store: add (TYPE ...)"))?
            .to_owned(),
    };
    let key =
        if location.contains("://") && !location.starts_with("sqlite") { "url" } else { "path" };
    options.insert(key.to_owned(), Value::String(location));
    Ok(Command::Attach { config: Box::new(CatalogConfig::new(name, kind, options)), if_not_exists })
}

pub(super) fn detach(mut tokens: Tokens) -> Result<Command> {
    tokens.word("DATABASE");
    let if_exists = tokens.words(&["IF", "EXISTS"]);
    let name = tokens.identifier()?;
    tokens.end()?;
    Ok(Command::Detach { name, if_exists })
}

fn value_text(tokens: &mut Tokens) -> Result<String> {
    match tokens.peek() {
        Some(Token::SingleQuotedString(_)) => tokens.text(),
        _ => tokens.identifier(),
    }
}

fn value(tokens: &mut Tokens) -> Result<Value> {
    if matches!(tokens.peek(), Some(Token::Comma | Token::RParen)) {
        return Ok(Value::Bool(true));
    }
    if tokens.word("TRUE") {
        return Ok(Value::Bool(true));
    }
    if tokens.word("FALSE") {
        return Ok(Value::Bool(false));
    }
    if let Some(Token::Number(digits, _)) = tokens.peek() {
        let number = serde_json::from_str(digits).unwrap_or_else(|_| Value::String(digits.clone()));
        tokens.next();
        return Ok(number);
    }
    value_text(tokens).map(Value::String)
}

//! `medley.toml`: catalogs, and where their secrets come from.
//!
//! ```toml
//! [catalog.shop]
//! type = "postgres"
//! url = "postgres://reader@db.example.com/shop"
//! password = { env = "SHOP_PASSWORD" }      # or { file = "..." }, or { command = ["pass", "show", "shop"] }
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use medley_core::config::{CatalogOptions, nearest};
use medley_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// One catalog as it was configured, secrets not yet read.
#[derive(Clone, Debug)]
pub struct CatalogConfig {
    /// The name in SQL.
    pub name: String,
    /// The kind of store.
    pub kind: String,
    /// Whether filters, projections and limits go down to the store.
    pub pushdown: bool,
    options: CatalogOptions,
    /// What relative paths in the options are relative to.
    base: PathBuf,
}

/// Options whose values may be secrets; the others are taken as they stand.
const NESTED_OPTIONS: [&str; 2] = ["tables", "columns"];
const SECRET_SOURCES: [&str; 3] = ["env", "file", "command"];

impl CatalogConfig {
    /// A catalog with the connector's own options.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        kind: impl Into<String>,
        options: Map<String, Value>,
    ) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            pushdown: true,
            options: CatalogOptions(options),
            base: PathBuf::new(),
        }
    }

    fn from_toml(name: &str, value: Value, base: &Path) -> Result<Self> {
        let fail = |message: &str| {
            Error::new(ErrorKind::Config, "read configuration", message).in_catalog(name)
        };
        let Value::Object(mut options) = value else {
            return Err(fail("must be a table of options"));
        };
        let kind = match (options.remove("type"), options.get("url").and_then(Value::as_str)) {
            (Some(Value::String(kind)), _) => kind,
            (Some(_), _) => return Err(fail("\"type\" must be text")),
            (None, Some(url)) => crate::connectors::Registry::kind_of(url)
                .ok_or_else(|| fail("the url does not tell the store: add type = \"...\""))?
                .to_owned(),
            (None, None) => return Err(fail("needs type = \"...\"")),
        };
        let pushdown = match options.remove("pushdown") {
            None => true,
            Some(Value::Bool(on)) => on,
            Some(_) => return Err(fail("\"pushdown\" must be true or false")),
        };
        Ok(Self { pushdown, base: base.to_owned(), ..Self::new(name, kind, options) })
    }

    /// The options with secrets read and relative paths made absolute.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) naming the variable, file or command that gave no secret.
    pub fn resolve(&self) -> Result<CatalogOptions> {
        let mut options = self.options.clone();
        for (key, value) in &mut options.0 {
            if NESTED_OPTIONS.contains(&key.as_str()) {
                continue;
            }
            if let Some(secret) = self.secret(key, value)? {
                *value = Value::String(secret);
            } else if key == "path"
                && let Value::String(path) = value
            {
                *path = self.base.join(&*path).to_string_lossy().into_owned();
            }
        }
        Ok(options)
    }

    fn secret(&self, key: &str, value: &Value) -> Result<Option<String>> {
        let Value::Object(source) = value else { return Ok(None) };
        let fail = |message: String| Error::new(ErrorKind::Config, "read secret", message);
        let Some((kind, argument)) = source.iter().next().filter(|_| source.len() == 1) else {
            return Err(fail(format!(
                "\"{key}\" must be text, or one of {{ env }}, {{ file }}, {{ command }}"
            )));
        };
        match (kind.as_str(), argument) {
            ("env", Value::String(name)) => std::env::var(name).map(Some).map_err(|_| {
                fail(format!("\"{key}\": the environment variable {name} is not set"))
            }),
            ("file", Value::String(path)) => {
                let path = self.base.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| fail(format!("\"{key}\": cannot read {}: {e}", path.display())))?;
                Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            ("command", Value::Array(words)) => command_output(key, words).map(Some),
            (other, _) => {
                let hint = nearest(other, SECRET_SOURCES).unwrap_or("env");
                Err(fail(format!(
                    "\"{key}\": unknown secret source \"{other}\", did you mean \"{hint}\"?"
                )))
            }
        }
    }
}

fn command_output(key: &str, words: &[Value]) -> Result<String> {
    let fail = |message: String| Error::new(ErrorKind::Config, "read secret", message);
    let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
    let words = words.ok_or_else(|| fail(format!("\"{key}\": a command is a list of words")))?;
    let (program, arguments) =
        words.split_first().ok_or_else(|| fail(format!("\"{key}\": the command is empty")))?;
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|e| fail(format!("\"{key}\": cannot run {program}: {e}")))?;
    if !output.status.success() {
        return Err(fail(format!("\"{key}\": {program} failed ({})", output.status)));
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_| fail(format!("\"{key}\": {program} printed no text")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The catalogs, by name.
    pub catalogs: Vec<CatalogConfig>,
    /// The catalog that short names mean.
    pub default_catalog: Option<String>,
    /// The most memory that queries may take, in bytes; a share of the machine's if none.
    pub memory_limit_bytes: Option<usize>,
}

const KEYS: [&str; 3] = ["catalog", "default_catalog", "memory_limit_mb"];

impl Config {
    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) naming the file, and the line where there is one.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|e| {
            Error::new(ErrorKind::Config, "read configuration", format!("cannot read {shown}: {e}"))
        })?;
        Self::parse(&text, path.parent().unwrap_or(Path::new(""))).map_err(|e| {
            Error::new(ErrorKind::Config, "read configuration", format!("{shown}: {e}"))
        })
    }

    /// Reads the text of a configuration; `base` is what paths in it are relative to.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, base: &Path) -> Result<Self> {
        let fail = |message: String| Error::new(ErrorKind::Config, "read configuration", message);
        let table: Map<String, Value> = toml::from_str(text).map_err(|e| {
            let line = e
                .span()
                .map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            fail(format!("line {line}: {}", e.message()))
        })?;
        let mut config = Self::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("catalog", Value::Object(catalogs)) => {
                    for (name, value) in catalogs {
                        let catalog =
                            CatalogConfig::from_toml(&name, value, base).map_err(|e| {
                                fail(format!(
                                    "line {}: {e}",
                                    line_of(text, &format!("[catalog.{name}"))
                                ))
                            })?;
                        config.catalogs.push(catalog);
                    }
                }
                ("default_catalog", Value::String(name)) => config.default_catalog = Some(name),
                ("memory_limit_mb", Value::Number(number)) => {
                    let bytes =
                        number.as_u64().and_then(|mb| usize::try_from(mb).ok()).map(|mb| mb << 20);
                    config.memory_limit_bytes = bytes;
                }
                (known, _) if KEYS.contains(&known) => {
                    return Err(fail(format!(
                        "line {}: \"{known}\" has a wrong type",
                        line_of(text, known)
                    )));
                }
                (unknown, _) => {
                    let hint = nearest(unknown, KEYS).map_or_else(
                        || format!("known are {}", KEYS.join(", ")),
                        |near| format!("did you mean \"{near}\"?"),
                    );
                    let line = line_of(text, unknown);
                    return Err(fail(format!("line {line}: unknown key \"{unknown}\", {hint}")));
                }
            }
        }
        Ok(config)
    }
}

fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
}

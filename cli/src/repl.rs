//! The prompt: history, several lines, completion, and a few commands that begin with a backslash.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::ValueEnum;
use medley_engine::Result;
use reedline::{
    ColumnarMenu, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Prompt,
    PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, ValidationResult, Validator, default_emacs_keybindings,
};
use tokio::runtime::Runtime;

use crate::complete::{self, WordCompleter};
use crate::exit;
use crate::print::Format;
use crate::run::Runner;

const HISTORY_LINES: usize = 10_000;
const HELP: &str = "\
statements end with a semicolon; Ctrl-C cancels, Ctrl-D leaves
  \\l               list catalogs
  \\d [TABLE]       list tables, or describe one
  \\dt [CATALOG]    list tables
  \\format NAME     table, csv, json, ndjson, markdown
  \\timing          switch row counts and times on or off
  \\i FILE          run the statements of a file
  \\q               leave
  \\?               this list";

pub(crate) fn run(runtime: &Runtime, mut runner: Runner) -> Result<u8> {
    let mut editor = editor(runtime, &runner);
    eprintln!("medley {}: \\? for help, \\q to leave", env!("CARGO_PKG_VERSION"));
    loop {
        let prompt = MedleyPrompt(runner.session.current_catalog());
        match editor.read_line(&prompt) {
            Ok(Signal::Success(line)) if line.trim_start().starts_with('\\') => {
                if !command(runtime, &mut runner, line.trim()) {
                    return Ok(exit::SUCCESS);
                }
            }
            Ok(Signal::Success(line)) => {
                runtime.block_on(runner.script(&line));
            }
            Ok(Signal::CtrlD) => return Ok(exit::SUCCESS),
            Ok(_) => {}
            Err(error) => {
                eprintln!("error: the terminal cannot be read: {error}");
                return Ok(exit::USAGE);
            }
        }
    }
}

fn editor(runtime: &Runtime, runner: &Runner) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let complete = ReedlineEvent::UntilFound(vec![
        ReedlineEvent::Menu("completion".to_owned()),
        ReedlineEvent::MenuNext,
    ]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    let menu = Box::new(ColumnarMenu::default().with_name("completion"));
    let names = complete::collect(runtime, &runner.session);
    let editor = Reedline::create()
        .with_validator(Box::new(StatementValidator))
        .with_completer(Box::new(WordCompleter(names)))
        .with_menu(ReedlineMenu::EngineCompleter(menu))
        .with_edit_mode(Box::new(Emacs::new(keys)));
    match history() {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    }
}

/// Kept with the user's other state; a prompt without a home folder has a history of its own life only.
fn history() -> Option<FileBackedHistory> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
    FileBackedHistory::with_file(HISTORY_LINES, state.join("medley/history")).ok()
}

/// Runs a backslash command. Returns whether to go on.
fn command(runtime: &Runtime, runner: &mut Runner, line: &str) -> bool {
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = argument.trim().trim_end_matches(';');
    let sql = match name {
        "\\q" => return false,
        "\\?" | "\\h" => {
            eprintln!("{HELP}");
            return true;
        }
        "\\l" => "SHOW CATALOGS".to_owned(),
        "\\d" if !argument.is_empty() => format!("DESCRIBE {argument}"),
        "\\d" | "\\dt" if argument.is_empty() => "SHOW TABLES".to_owned(),
        "\\dt" => format!("SHOW TABLES FROM {argument}"),
        "\\timing" => {
            runner.quiet = !runner.quiet;
            eprintln!("timing is {}", if runner.quiet { "off" } else { "on" });
            return true;
        }
        "\\format" => {
            match Format::from_str(argument, true) {
                Ok(Format::Parquet | Format::Arrow) => {
                    eprintln!("error: {argument} is not for a terminal: use --output with -c");
                }
                Ok(format) => runner.format = format,
                Err(_) => eprintln!(
                    "error: unknown format \"{argument}\": there are table, csv, json, ndjson, markdown"
                ),
            }
            return true;
        }
        "\\i" => match std::fs::read_to_string(argument) {
            Ok(script) => script,
            Err(error) => {
                eprintln!("error: cannot read {argument}: {error}");
                return true;
            }
        },
        _ => {
            eprintln!("error: unknown command {name}: \\? lists them");
            return true;
        }
    };
    runtime.block_on(runner.script(&sql));
    true
}

/// A line is complete when it ends with a semicolon, or is a command.
struct StatementValidator;

impl Validator for StatementValidator {
    fn validate(&self, line: &str) -> ValidationResult {
        let line = line.trim();
        if line.is_empty() || line.starts_with('\\') || line.ends_with(';') {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

/// The current catalog, as in `shop> `.
struct MedleyPrompt(Option<String>);

impl Prompt for MedleyPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0.as_deref().unwrap_or("medley"))
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = if matches!(search.status, PromptHistorySearchStatus::Failing) {
            "failing "
        } else {
            ""
        };
        Cow::Owned(format!("({failing}search: {}) ", search.term))
    }
}

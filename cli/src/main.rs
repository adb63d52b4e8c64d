//! The `medley` command line: arguments, configuration, and what to run.
//!
//! Data goes to stdout, messages to stderr. Exit codes are in [`exit`].
#![expect(clippy::print_stderr, reason = "messages of a command line tool go to stderr")]

mod complete;
mod demo;
mod exit;
mod interrupt;
mod print;
mod repl;
mod run;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use medley_engine::config::Config;
use medley_engine::{Engine, Error, Result};
use print::Format;
use run::Runner;

/// Ask one SQL question over many live databases.
///
/// Examples:
///   medley demo
///   medley --config medley.toml
///   medley -c "SELECT count(*) FROM shop.public.orders"
///   echo "SELECT 1" | medley --format json
#[derive(Debug, Parser)]
#[command(name = "medley", version, verbatim_doc_comment)]
struct Arguments {
    /// The configuration [default: medley.toml here, or in ~/.config/medley]
    #[arg(long, global = true, env = "MEDLEY_CONFIG")]
    config: Option<PathBuf>,
    /// Run these statements and exit; may be given more than once
    #[arg(short, long, value_name = "SQL")]
    command: Vec<String>,
    /// Run the statements of this file and exit; may be given more than once
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// How rows are written [default: table on a terminal, else csv]
    #[arg(long, value_enum, global = true)]
    format: Option<Format>,
    /// Write rows to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The most rows that a table shows; 0 shows all
    #[arg(long, default_value_t = 1000)]
    max_rows: usize,
    /// Do not tell row counts and times
    #[arg(short, long)]
    quiet: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show what Medley does, on a shop spread over SQLite, JSON lines and Parquet; needs no server
    Demo,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::from(exit::INTERNAL);
        }
    };
    let code = start(&runtime, arguments).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        exit::code_of(&error)
    });
    // What still runs belongs to queries that nobody waits for any more.
    runtime.shutdown_background();
    ExitCode::from(code)
}

fn start(runtime: &tokio::runtime::Runtime, arguments: Arguments) -> Result<u8> {
    let format = arguments.format;
    if matches!(arguments.task, Some(Task::Demo)) {
        return runtime.block_on(demo::run());
    }
    let engine = Engine::builder().config(configuration(arguments.config)?).build()?;
    let mut runner = Runner::new(engine.session());
    runner.quiet = arguments.quiet;
    runner.max_rows = arguments.max_rows;
    runner.output = arguments.output;
    runner.format = format.unwrap_or_else(|| runner.default_format());
    let mut scripts = arguments.command;
    for path in &arguments.file {
        scripts.push(std::fs::read_to_string(path).map_err(|error| cannot_read(path, &error))?);
    }
    if scripts.is_empty() && std::io::stdin().is_terminal() {
        return repl::run(runtime, runner);
    }
    if scripts.is_empty() {
        let mut script = String::new();
        std::io::stdin()
            .read_to_string(&mut script)
            .map_err(|error| cannot_read(std::path::Path::new("stdin"), &error))?;
        scripts.push(script);
    }
    for script in &scripts {
        match runtime.block_on(runner.script(script)) {
            exit::SUCCESS => {}
            code => return Ok(code),
        }
    }
    Ok(exit::SUCCESS)
}

fn cannot_read(path: &std::path::Path, error: &std::io::Error) -> Error {
    use medley_engine::core::{Error, ErrorKind};
    Error::new(ErrorKind::Config, "read script", format!("cannot read {}: {error}", path.display()))
        .into()
}

fn configuration(path: Option<PathBuf>) -> Result<Config> {
    if let Some(path) = path {
        return Ok(Config::read(&path)?);
    }
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    let candidates =
        [Some(PathBuf::from("medley.toml")), home.map(|home| home.join("medley/medley.toml"))];
    match candidates.into_iter().flatten().find(|candidate| candidate.is_file()) {
        Some(path) => Ok(Config::read(&path)?),
        None => Ok(Config::default()),
    }
}

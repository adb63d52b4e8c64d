//! Runs statements and prints their answers.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt;
use medley_engine::{Answer, Error, Result, Session, statement};

use crate::exit;
use crate::interrupt::Interrupts;
use crate::print::{self, Destination, Format};

/// How much of the user's patience a list of warnings may take.
const WARNINGS_MAX: usize = 10;
/// How long a cancelled query's stores have to hear of it.
const CANCEL_GRACE: Duration = Duration::from_millis(300);

/// A session with the ways in which its answers are shown.
pub(crate) struct Runner {
    pub(crate) session: Session,
    pub(crate) format: Format,
    pub(crate) output: Option<PathBuf>,
    pub(crate) max_rows: usize,
    pub(crate) quiet: bool,
    interrupts: Interrupts,
}

enum Outcome {
    Done,
    Interrupted,
}

impl Runner {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            format: Format::Table,
            output: None,
            max_rows: 1000,
            quiet: false,
            interrupts: Interrupts::listen(),
        }
    }

    /// A table for eyes, CSV for programs; the ending of the output file says more.
    pub(crate) fn default_format(&self) -> Format {
        match &self.output {
            Some(path) => Format::of_path(path).unwrap_or(Format::Csv),
            None if std::io::stdout().is_terminal() => Format::Table,
            None => Format::Csv,
        }
    }

    /// Runs all statements of a script, up to the first that fails. Returns the exit code.
    pub(crate) async fn script(&self, script: &str) -> u8 {
        let statements = match statement::split(script) {
            Ok(statements) => statements,
            Err(error) => return report(&error, script),
        };
        for (_, text) in statements {
            match self.statement(text).await {
                Ok(Outcome::Done) => {}
                Ok(Outcome::Interrupted) => {
                    eprintln!("cancelled");
                    // The stores are told by requests of their own, which leaving at once would cut off. The threads
                    // that send them go on while this one sleeps.
                    std::thread::sleep(CANCEL_GRACE);
                    return exit::INTERRUPTED;
                }
                Err(error) => return report(&error, text),
            }
        }
        exit::SUCCESS
    }

    async fn statement(&self, text: &str) -> Result<Outcome> {
        let started = Instant::now();
        let answer = tokio::select! {
            answer = self.session.sql(text) => answer?,
            () = self.interrupts.next() => return Ok(Outcome::Interrupted),
        };
        if !answer.is_query {
            return Ok(Outcome::Done);
        }
        for warning in answer.warnings.iter().take(WARNINGS_MAX) {
            eprintln!("warning: {warning}");
        }
        if answer.warnings.len() > WARNINGS_MAX {
            eprintln!("warning: and {} more", answer.warnings.len() - WARNINGS_MAX);
        }
        let report = answer.report.clone();
        let Some(rows) = self.print(answer).await? else { return Ok(Outcome::Interrupted) };
        for (mismatch, count) in report.mismatches() {
            let values = if count == 1 { "value" } else { "values" };
            eprintln!(
                "warning: {mismatch}: {count} {values} did not fit the column and became NULL"
            );
        }
        if !self.quiet {
            let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
            eprintln!("({rows}, {:.3} s)", started.elapsed().as_secs_f64());
        }
        Ok(Outcome::Done)
    }

    /// Prints an answer as it comes. Returns its rows; none if the user interrupted it.
    async fn print(&self, answer: Answer) -> Result<Option<usize>> {
        let destination = Destination::open(self.output.as_deref())?;
        let mut printer = print::printer(self.format, answer.schema(), destination, self.max_rows)?;
        let mut stream = answer.stream;
        let mut rows = 0;
        loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = self.interrupts.next() => return Ok(None),
            };
            let Some(batch) = next else { break };
            let batch = batch.map_err(Error::from)?;
            rows += batch.num_rows();
            if printer.batch(&batch)? == print::Reader::Gone {
                return Ok(Some(rows));
            }
        }
        printer.finish()?;
        Ok(Some(rows))
    }
}

fn report(error: &Error, text: &str) -> u8 {
    eprintln!("error: {}", error.render(text));
    exit::code_of(error)
}

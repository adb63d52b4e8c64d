//! `cargo xtask`: the development tasks. See `cargo xtask --help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::stores::{self, Store};
use xtask::{data, tidy};

/// Medley's development tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The four real stores on loopback.
    Stores {
        #[command(subcommand)]
        action: StoresAction,
    },
    /// Generate TPC-H and load it into the four stores.
    Data {
        /// The scale factor: 1 is 6 million order lines.
        #[arg(long, default_value_t = 0.01)]
        sf: f64,
    },
    /// Start the stores, load them, and ask one question over all four.
    Live {
        /// The scale factor.
        #[arg(long, default_value_t = 0.01)]
        sf: f64,
    },
    /// The house rules: dependency directions, file and function lengths.
    Tidy,
    /// Everything that must hold: formatting, lints, house rules, and all tests on real stores.
    Test,
}

#[derive(Subcommand)]
enum StoresAction {
    /// Start what does not run yet.
    Up,
    /// End what `up` started.
    Down,
    /// Say which stores answer.
    Status,
    /// Print the connection URLs as shell exports.
    Env,
    /// Print a medley.toml with the four stores as catalogs.
    Config {
        /// The scale factor whose databases to name.
        #[arg(long, default_value_t = 0.01)]
        sf: f64,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    match task {
        Task::Stores { action } => run_stores(action).await,
        Task::Data { sf } => data::load(sf).await,
        Task::Live { sf } => xtask::live::run(sf).await,
        Task::Tidy => tidy::run(),
        Task::Test => xtask::test::run(),
    }
}

async fn run_stores(action: StoresAction) -> Result<()> {
    match action {
        StoresAction::Up => stores::up().await?,
        StoresAction::Down => stores::down()?,
        StoresAction::Status => {
            for (store, answer) in stores::status().await {
                let state =
                    answer.map_or_else(|error| format!("down ({error:#})"), |()| "up".to_owned());
                println!("{:<9} 127.0.0.1:{:<6} {state}", store.name(), store.port());
            }
        }
        StoresAction::Env => {
            for store in Store::ALL {
                let database =
                    if store == Store::Redis { "0".to_owned() } else { data::database(0.01) };
                println!(
                    "export MEDLEY_{}_URL='{}'",
                    store.name().to_uppercase(),
                    store.url(&database)
                );
            }
        }
        StoresAction::Config { sf } => print!("{}", xtask::live::config(sf)),
    }
    Ok(())
}

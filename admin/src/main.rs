//! The program `porten`: its verbs and exit codes. 0 is done, 1 refused, 2 misused.

mod dev;
mod open;
mod server;
mod verbs;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// A quarter of an answer's time went to the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Porten: an OpenID Provider with MinID.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the whole product on this machine with synthetic people.
    Dev(dev::Options),
    /// Run for real.
    Serve(ConfigFile),
    /// Tell what is wrong with a configuration, one line each.
    Check(ConfigFile),
    /// Administer the services that may log people in.
    #[command(subcommand)]
    Client(verbs::client::Verb),
    /// Administer the keys that sign.
    #[command(subcommand)]
    Key(verbs::key::Verb),
    /// Administer the scopes that services may ask for.
    #[command(subcommand)]
    Scope(verbs::scope::Verb),
    /// Administer people.
    #[command(subcommand)]
    Person(verbs::person::Verb),
    /// Administer activation letters.
    #[command(subcommand)]
    Letter(verbs::letter::Verb),
    /// Administer MinID in schools: their owners, what is taken in from them, and how far they have come.
    #[command(subcommand)]
    School(verbs::school::Verb),
    /// Verify the trail of what happened to people's accounts.
    #[command(subcommand)]
    Audit(verbs::audit::Verb),
}

#[derive(Args)]
struct ConfigFile {
    /// The configuration.
    #[arg(long, env = "PORTEN_CONFIG", default_value = "porten.toml")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(matches!(cli.verb, Verb::Serve(_)));
    // Before anybody makes a TLS connection; it can only be installed once, and this is the once.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.verb {
            Verb::Dev(options) => dev::run(options).await,
            Verb::Serve(file) => verbs::serve::run(&file.config).await,
            Verb::Check(file) => verbs::check::run(&file.config).await,
            Verb::Client(verb) => verbs::client::run(verb).await,
            Verb::Key(verb) => verbs::key::run(verb).await,
            Verb::Scope(verb) => verbs::scope::run(verb).await,
            Verb::Person(verb) => verbs::person::run(verb).await,
            Verb::Letter(verb) => verbs::letter::run(verb).await,
            Verb::School(verb) => verbs::school::run(verb).await,
            Verb::Audit(verb) => verbs::audit::run(verb).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &anyhow::Error) -> ExitCode {
    let line = format!("{error:#}").replace('\n', " ");
    let _ = writeln!(std::io::stderr(), "porten: {line}");
    ExitCode::from(1)
}

/// What the program answers, on standard output.
pub(crate) fn say(line: &str) {
    // Who has closed the pipe does not want to hear more.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn start_log(json: bool) {
    let filter = EnvFilter::try_from_env("PORTEN_LOG");
    // What a timer sends somebody has no colours.
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    if json {
        let filter = filter.unwrap_or_else(|_| EnvFilter::new("info,sqlx::postgres::notice=warn"));
        builder.with_env_filter(filter).json().flatten_event(true).init();
    } else {
        builder.with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("warn"))).init();
    }
}

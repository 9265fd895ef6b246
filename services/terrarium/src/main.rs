//! `terrarium`: runs a park's services, and talks to them.
//!
//! The composition root and the command line, nothing else:
//!
//! - servers: [`up`] (everything in one process), [`serve`] (some roles)
//! - record: [`import`] (readings, factors), [`simulate`], [`quarantine`], [`events`], [`verify`]
//! - alarms: [`alarms`] (list, watch, acknowledge, shelve, unshelve, service)
//! - event store of its own: [`eventstore`] (serve it to the clients of EventStoreDB, look at it, check it)
//! - ledger: [`ledger`] (balance, entries, explain, completeness, watch), [`status`], [`health`]
//! - twin: [`twin`] (snapshot, history, events)
//! - any method of the services by its name: [`call`]
//! - offline: [`park`] (check park files), [`setup`] (configuration, certificates, tokens)
//! - what the client commands stand on: [`client`] (connection), [`wire`] (messages by their field names), [`output`]
//!
//! # Formats
//!
//! `--format table` is for people and may change. `--format json` and `--format csv` are for machines: fields carry the
//! names of the protobuf messages under `proto/terrarium` (`BalanceResponse`, `Entry`, `ExplainResponse`, ...), energy
//! is integer Wh (`_wh`), mass integer mg (`_mg`), enums have their full protobuf names, bytes are hexadecimal (a UUID
//! where there are 16), and what is absent is `null` (JSON) or empty (CSV). Streams print one JSON object per line.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | all good |
//! | 1 | failed; the message says why |
//! | 2 | the command line is wrong |
//! | 3 | `import readings` or `simulate` finished, but some reports were rejected |
//! | 4 | `import readings` finished, none rejected, but some quarantined |
//! | 5 | gave up because the server was unavailable; what was recorded is safe, run again |

mod activity;
mod alarms;
mod call;
mod client;
mod events;
mod eventstore;
mod exit;
mod health;
mod host;
mod import;
mod ledger;
mod output;
mod park;
mod quarantine;
mod report;
mod serve;
mod setup;
mod simulate;
mod status;
mod twin;
mod up;
mod verify;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use terrarium_runtime::traceparent::{Traceparent, within};

use crate::client::ClientArgs;

/// Buffers of events and answers come and go on every thread; the C library's allocator takes a tenth of the processor for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXIT_CODES_HELP: &str = "\
Exit codes:
  0  all good
  1  failed; the message says why
  2  the command line is wrong
  3  import readings or simulate finished, but some reports were rejected
  4  import readings finished, none rejected, but some quarantined
  5  gave up because the server was unavailable; what was recorded is safe, run again

Machine formats (--format json, --format csv) use the field names of the protobuf messages under proto/terrarium:
energy in integer Wh (_wh), mass in integer mg (_mg), enums by their full names, bytes in hexadecimal.";

/// The live, replayable twin of a zero-carbon park: its services, its record and its carbon ledger.
#[derive(Parser)]
#[command(name = "terrarium", version, after_help = EXIT_CODES_HELP, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run all services of a park in this process, with a child nats-server and the embedded event store
    Up(up::Args),
    /// Run some service roles in this process; those on one embedded event store have to share it
    Serve(serve::Args),
    /// Show how far the server's projection is, its hashes and its parks
    Status,
    /// Ask whether the server is ready; exit code 0 when it is. For probes of containers: it needs no token
    Health(health::Args),
    /// Send meter readings or emission factors from files
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// Run the devices of a park: they report to the server like real ones, in simulated time
    Simulate(Box<simulate::Args>),
    /// Look at quarantined readings and decide about them
    Quarantine {
        #[command(subcommand)]
        action: quarantine::Action,
    },
    /// Look at alarms, acknowledge and shelve them
    Alarms {
        #[command(subcommand)]
        action: alarms::Action,
    },
    /// Report what no meter sees, and the documents and invoices behind it
    Activity {
        #[command(subcommand)]
        action: activity::Action,
    },
    /// Query the carbon ledger
    Ledger {
        #[command(subcommand)]
        query: ledger::Query,
    },
    /// Make a statement: a claim over the books, with what it nets and what it comes to
    Report(report::Args),
    /// Ask what every asset is doing, now or at any moment
    Twin {
        #[command(subcommand)]
        query: twin::Query,
    },
    /// Call any method of the server's APIs by name; without one, list them all
    Call(call::Args),
    /// Print the recorded events
    Events(events::Args),
    /// Rebuild everything from the first event and compare hashes
    Verify(verify::Args),
    /// Serve an event store by itself, or look at one that lies in a data folder
    Eventstore {
        #[command(subcommand)]
        action: eventstore::Action,
    },
    /// Check park definition files; compare a park's record with what is published of it
    Park {
        #[command(subcommand)]
        action: park::Action,
    },
    /// Work with configuration files
    Config {
        #[command(subcommand)]
        action: setup::ConfigAction,
    },
    /// Make a local certificate authority and server certificates
    Ca {
        #[command(subcommand)]
        action: setup::CaAction,
    },
    /// Make named bearer tokens
    Token {
        #[command(subcommand)]
        action: setup::TokenAction,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // A client shares the machine with its server; one thread is enough for it and leaves the other cores alone.
    let runs_services = matches!(
        cli.command,
        Command::Up(_)
            | Command::Serve(_)
            | Command::Verify(_)
            | Command::Eventstore {
                action: eventstore::Action::Serve(_)
            }
    );
    let runtime = if runs_services {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
    } else {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
    };
    runtime.block_on(dispatch(cli.client, cli.command))
}

async fn dispatch(mut client: ClientArgs, command: Command) -> anyhow::Result<ExitCode> {
    match (client.form.format(), &command) {
        (Some(format), _) => client.format = format,
        (None, Command::Report(_)) => {}
        (None, _) => anyhow::bail!(
            "parquet, xlsx and pdf are forms of `terrarium report`; use --format table, json or csv"
        ),
    }
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Verify(args) => verify::run(&client, args).await,
        // All calls of one command belong to one trace, so that the events it led to can be found by it.
        Command::Status => within(Traceparent::fresh(), status::run(&client)).await,
        Command::Health(args) => health::run(&client, args).await,
        Command::Import { what } => within(Traceparent::fresh(), import::run(&client, what)).await,
        Command::Simulate(args) => {
            within(Traceparent::fresh(), simulate::run(&client, *args)).await
        }
        Command::Quarantine { action } => {
            within(Traceparent::fresh(), quarantine::run(&client, action)).await
        }
        Command::Alarms { action } => {
            within(Traceparent::fresh(), alarms::run(&client, action)).await
        }
        Command::Activity { action } => {
            within(Traceparent::fresh(), activity::run(&client, action)).await
        }
        Command::Ledger { query } => {
            within(Traceparent::fresh(), ledger::run(&client, query)).await
        }
        Command::Report(args) => within(Traceparent::fresh(), report::run(&client, args)).await,
        Command::Twin { query } => within(Traceparent::fresh(), twin::run(&client, query)).await,
        Command::Call(args) => within(Traceparent::fresh(), call::run(&client, args)).await,
        Command::Events(args) => within(Traceparent::fresh(), events::run(&client, args)).await,
        Command::Eventstore { action } => eventstore::run(&client, action).await,
        Command::Park { action } => within(Traceparent::fresh(), park::run(&client, action)).await,
        Command::Config { action } => setup::run_config(&client, action),
        Command::Ca { action } => setup::run_ca(&client, action),
        Command::Token { action } => setup::run_token(&client, action),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_definition_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

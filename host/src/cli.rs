//! The command line: one file a command. Exit codes are part of the contract with scripts.

mod adapter;
mod check;
mod compile;
mod out;
mod probe;
mod reload;
mod schema;
mod serve;
mod status;
mod warnings;
mod watch;
mod world;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Done, and the answer is yes.
pub const YES: u8 = 0;
/// Done, and the answer is no: a case failed, a token was refused.
pub const NO: u8 = 1;
/// The configuration or the arguments are wrong; nothing was started.
pub const WRONG: u8 = 2;
/// All is well written, and it cannot be done: a port is taken, a file cannot be read.
pub const CANNOT: u8 = 3;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and the answer is yes
  1  done, and the answer is no (a case failed, a token was refused)
  2  the configuration or the arguments are wrong; nothing was started
  3  it cannot be done (a port is taken, a file cannot be read)";

/// An authenticating gateway for REST APIs: takes access tokens of any identity provider, passes requests on as their users.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until SIGTERM or SIGINT.
    #[command(after_help = "Example:\n  portcullis serve --config portcullis.yaml")]
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration and its adapters, without touching the network.
    #[command(after_help = "Example:\n  portcullis check --config portcullis.yaml && systemctl reload portcullis")]
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Ask a running gateway whether it is ready, and whether it serves what is on disk.
    #[command(after_help = "Example:\n  portcullis status --config portcullis.yaml")]
    Status {
        /// Its configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Send one token to a provider and show what comes back, which attribute is the username, and the decision.
    #[command(
        after_help = "Example:\n  echo \"$TOKEN\" | portcullis probe --config portcullis.yaml --provider staff --token-file -"
    )]
    Probe {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The provider's name in that file.
        #[arg(long, value_name = "NAME")]
        provider: String,
        /// A file with the token, or `-` for standard input. (Arguments can be seen by other users of a machine.)
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
    },
    /// Print a JSON Schema of the configuration, with the settings of every adapter in a folder, for an editor.
    #[command(after_help = "Example:\n  portcullis schema --config portcullis.yaml > portcullis.schema.json")]
    Schema {
        /// The adapters folder.
        #[arg(long, value_name = "FOLDER", default_value = "adapters")]
        folder: PathBuf,
        /// A configuration file that names the adapters folder; nothing else of it counts.
        #[arg(long, value_name = "FILE", conflicts_with = "folder")]
        config: Option<PathBuf>,
    },
    /// Look at adapters and test them.
    #[command(subcommand)]
    Adapter(adapter::Command),
    /// What the gateway runs to compile an adapter, bounded in memory and time.
    #[command(name = crate::adapter::COMMAND, hide = true)]
    CompileAdapter {
        /// Where the code is written to.
        folder: PathBuf,
        /// On one thread of low priority.
        #[arg(long)]
        aside: bool,
    },
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors to clap, and no error to the user.
            let code = if error.use_stderr() { WRONG } else { YES };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    ExitCode::from(match arguments.command {
        Command::Serve { config } => serve::run(&config),
        Command::Status { config } => status::run(&config),
        Command::Check { config } => check::run(&config),
        Command::Probe { config, provider, token_file } => probe::run(&config, &provider, &token_file),
        Command::Schema { folder, config } => schema::run(&folder, config.as_deref()),
        Command::Adapter(command) => adapter::run(command),
        Command::CompileAdapter { folder, aside } => compile::run(&folder, aside),
    })
}

//! `portcullis adapter`: what is in a folder, what an adapter says of itself, and whether it does what recorded cases say.

mod cases;
mod compare;
mod hostile;
mod keys;
mod list;
mod replay;
mod show;
mod test;

use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the adapters of a folder, the unusable ones with their reason.
    #[command(after_help = "Example:\n  portcullis adapter list adapters/dist")]
    List {
        /// The adapters folder.
        #[arg(value_name = "FOLDER", default_value = "adapters")]
        folder: PathBuf,
    },
    /// Show what an adapter takes, and what it may touch.
    #[command(after_help = "Example:\n  portcullis adapter show adapters/dist/keycloak.wasm")]
    Show {
        /// A component, or the name of one in `--folder`.
        #[arg(value_name = "WASM_OR_NAME")]
        adapter: PathBuf,
        /// The adapters folder.
        #[arg(long, value_name = "FOLDER", default_value = "adapters")]
        folder: PathBuf,
    },
    /// Run recorded cases through the real component and the gateway's own rules; no network.
    #[command(after_help = "Example:\n  portcullis adapter test adapters/dist --cases adapters/keycloak/cases")]
    Test {
        /// A component or a folder of them.
        #[arg(value_name = "WASM_OR_FOLDER")]
        adapters: PathBuf,
        /// A file of cases or a folder of such files; may be given several times.
        #[arg(long, value_name = "DIR_OR_FILE", required = true)]
        cases: Vec<PathBuf>,
        /// Print one JSON document instead of lines.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: Command) -> u8 {
    match command {
        Command::List { folder } => list::run(&folder),
        Command::Show { adapter, folder } => show::run(&adapter, &folder),
        Command::Test { adapters, cases, json } => test::run(&adapters, &cases, json),
    }
}

//! Writing to people and scripts. A reader that went away (`| head`) is no reason to panic.
//!
//! Nothing that a file, an adapter or a provider brought along may act on the terminal: what is not visible is replaced here, whoever
//! prints it.

use portcullis_core::text::visible;
use std::io::Write as _;

/// To standard output; line breaks are the caller's own.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{}", visible(&line.to_string()));
}

/// To standard error; line breaks are the caller's own.
pub(super) fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{}", visible(&line.to_string()));
}

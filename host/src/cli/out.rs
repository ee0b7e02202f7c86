//! Writing to people and scripts. A reader that went away (`| head`) is no reason to panic.

use std::io::Write as _;

/// One line to standard output.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One line to standard error.
pub(super) fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

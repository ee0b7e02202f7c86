//! The door over real sockets, with decisions made by hand and a small upstream that tells what it saw.

mod failures;
mod framing;
mod harness;
mod late_answers;
mod spoofing;
mod streaming;

//! The door over real sockets, with decisions made by hand and a small upstream that tells what it saw.

mod failures;
mod framing;
mod harness;
mod spoofing;
mod streaming;

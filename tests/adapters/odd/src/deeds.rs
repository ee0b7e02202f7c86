//! What `identify` does before, or instead of, giving an identity that is right.

use portcullis_sdk::{Attribute, Identity, warn};
use std::time::{Duration, Instant, SystemTime};

/// Does it.
pub(crate) fn perform(behave: &str, identity: &mut Identity) {
    match behave {
        "loop" => run_forever(),
        "loop-for-mallory" if identity.username == "mallory" => run_forever(),
        "trap" => panic!("as told"),
        "recurse" => drop(deeper(0)),
        "bomb" => fill_memory(),
        "huge" => identity.attributes = attributes(1, &"x".repeat(1024 * 1024)),
        "huge-list" => identity.attributes = attributes(8192, &"x".repeat(1024)),
        "flood" => (0..100_000).for_each(|number| warn(&format!("flood {number}"))),
        "forge" => warn("a line\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\u{1b}[31mred"),
        "long-line" => warn(&"long".repeat(10_000)),
        "no-utf8" => identity.username = no_utf8(),
        "nobody" => identity.username.clear(),
        "long-name" => identity.username = "x".repeat(257),
        "control-name" => identity.username = "alice\r\nX-Remote-User: admin".into(),
        "bound" => identity.confirmation.push(portcullis_sdk::Pair { name: "jkt".into(), value: "x".into() }),
        // For a component that was built with WASI, where std reaches for the system.
        "print" => println!("printed\n{{\"level\":\"ERROR\",\"message\":\"forged\"}}\u{1b}[31m"),
        "print-flood" => (0..100_000).for_each(|number| println!("flood {number}")),
        "sleep" => std::thread::sleep(Duration::from_secs(5)),
        "exit" => std::process::exit(0),
        "look" => identity.username = look_around(),
        _ => {}
    }
}

/// Never comes back, and does something that no compiler leaves out.
pub(crate) fn run_forever() -> ! {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

fn deeper(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 64]);
    if here[0] == u64::MAX { 0 } else { deeper(depth + 1) + here[63] }
}

fn fill_memory() {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(std::hint::black_box(vec![1; 1024 * 1024]));
    }
}

fn attributes(count: usize, value: &str) -> Vec<Attribute> {
    vec![Attribute { path: "x".into(), values: vec![value.into(); count] }]
}

#[allow(unsafe_code, reason = "what a component written in C could return")]
fn no_utf8() -> String {
    // SAFETY: none; that is the point. Nothing here reads the text, it only crosses the boundary.
    unsafe { String::from_utf8_unchecked(std::hint::black_box(vec![0x61, 0xff, 0xc0, 0x80])) }
}

/// Everything that std can learn of the world; in an empty WASI that is always the same.
fn look_around() -> String {
    let environment = std::env::vars().count();
    let arguments = std::env::args().count();
    let files = std::fs::read_dir("/").map_or(0, Iterator::count) + usize::from(std::fs::read("/etc/passwd").is_ok());
    let written = usize::from(std::fs::write("/tmp/odd", "x").is_ok());
    let mut input = String::new();
    let read = std::io::stdin().read_line(&mut input).unwrap_or(0);
    let began = Instant::now();
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let passed = began.elapsed().as_nanos();
    let random = std::collections::HashMap::<u8, u8>::new();
    let random = std::hash::BuildHasher::hash_one(random.hasher(), 1);
    format!("{environment}-{arguments}-{files}-{written}-{read}-{wall}-{passed}-{random:x}")
}

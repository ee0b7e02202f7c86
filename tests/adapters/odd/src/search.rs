//! Looks through its own memory, all of it, for what should never have come here.

use portcullis_sdk::{Actor, Answer, Context, Identity};

/// An identity whose name says what was found, whatever the provider answered.
pub(crate) fn found(context: &Context, answers: &[Answer]) -> Identity {
    let answered = answers.len();
    Identity {
        username: format!("{} after {answered}", words(context)),
        username_attribute: "memory".into(),
        kind: Actor::User,
        subject: None,
        issuer: None,
        email: None,
        groups: None,
        scopes: None,
        audiences: None,
        client: None,
        confirmation: Vec::new(),
        issued: None,
        not_before: None,
        expires: None,
        attributes: Vec::new(),
    }
}

/// `found 0 3`: which of the texts of the setting `search` are in this instance's memory.
pub(crate) fn words(context: &Context) -> String {
    let needles: Vec<Vec<u8>> = context.texts("search").iter().map(|needle| turned(needle)).collect();
    let mut words = String::from("found");
    for number in in_memory(&needles) {
        words.push_str(&format!(" {number}"));
    }
    words
}

/// The needle's bytes, still turned: if they stood here as they are, they would be found every time.
fn turned(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

/// The numbers of the needles that are there. One pass for all, since a call has 100 ms.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "memory is read as it is, allocated or not")]
fn in_memory(turned: &[Vec<u8>]) -> std::collections::BTreeSet<usize> {
    let size = core::arch::wasm32::memory_size(0) * 65536;
    let mut by_first = vec![Vec::new(); 256];
    for (number, needle) in turned.iter().enumerate() {
        by_first[usize::from(needle[0])].push(number);
    }
    // SAFETY: below `size` every address of a linear memory can be read.
    let byte = |at: usize| unsafe { !core::ptr::read_volatile(at as *const u8) };
    let mut found = std::collections::BTreeSet::new();
    for at in 1..size {
        for &number in &by_first[usize::from(byte(at))] {
            let needle = &turned[number];
            if at + needle.len() <= size
                && needle.iter().enumerate().all(|(offset, wanted)| byte(at + offset) == *wanted)
            {
                found.insert(number);
            }
        }
    }
    found
}

#[cfg(not(target_family = "wasm"))]
fn in_memory(_: &[Vec<u8>]) -> std::collections::BTreeSet<usize> {
    std::collections::BTreeSet::new()
}

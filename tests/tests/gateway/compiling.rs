//! Compiling while requests are served: only what changed, on one thread that gives way to the others; and what nobody uses any
//! more is gone.

use crate::world::config;
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port};
use portcullis_tests::{client, provider, upstream};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The log's line for each adapter that was inspected, compiled and described.
const MADE: &str = "the adapter was made ready";

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    leb(&mut section, content.len());
    section.extend_from_slice(content);
    section
}

/// WebAssembly's way to write a number.
fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Keycloak's adapter with another digest: a custom section more.
fn marked(mark: u8) -> Vec<u8> {
    [fs::read(adapters().join("keycloak.wasm")).unwrap(), section(0, &[1, b'x', mark])].concat()
}

/// Keycloak's adapter, and a core module in it that nobody uses and that takes its time to compile: so many functions.
fn laden(functions: usize) -> Vec<u8> {
    let mut count = Vec::new();
    leb(&mut count, functions);
    // (local.get 0) (i32.const 7) (i32.mul) (i32.const 9) (i32.xor) (local.tee 0) (drop), many times.
    let step = [0x20, 0, 0x41, 7, 0x6c, 0x41, 9, 0x73, 0x22, 0, 0x1a];
    let mut body = vec![0];
    body.extend(step.iter().cycle().take(step.len() * 2000));
    body.extend([0x20, 0, 0x0b]);
    let mut code = count.clone();
    for _ in 0..functions {
        leb(&mut code, body.len());
        code.extend_from_slice(&body);
    }
    let types = section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]);
    let declared = section(3, &[count, vec![0; functions]].concat());
    let module = [b"\0asm\x01\0\0\0".to_vec(), types, declared, section(10, &code)].concat();
    [fs::read(adapters().join("keycloak.wasm")).unwrap(), section(1, &module)].concat()
}

/// A gateway with an adapters folder of its own, in which Keycloak's lies.
struct Fixture {
    folder: Folder,
    config: String,
    gateway: Gateway,
    _servers: [portcullis_tests::server::Server; 2],
}

impl Fixture {
    fn new() -> Self {
        let folder = Folder::new().unwrap();
        fs::write(folder.path().join("keycloak.wasm"), marked(b'0')).unwrap();
        let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
        let config = config(&provider.url(), &upstream.url(), "", "", "");
        let config = format!("adapters: {{folder: \"{}\"}}\n{config}", folder.path().display());
        // Without what was compiled before.
        let gateway = Gateway::start_after("export PORTCULLIS_CACHE_DIR=\"$PWD/compiled\"", &config).unwrap();
        Self { folder, config, gateway, _servers: [provider, upstream] }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("keycloak.wasm")
    }

    fn status(&self) -> u16 {
        client::get_as(self.gateway.address, "/rest", "good-token-alice").unwrap().status
    }

    /// Mappings of code that is in no file: what was compiled here and is still held.
    fn compiled(&self) -> usize {
        let maps = self.gateway.proc("maps").unwrap();
        maps.lines().filter(|line| line.contains(" r-xp ") && line.split_whitespace().count() == 5).count()
    }
}

fn swap(file: &Path, bytes: &[u8]) {
    let beside = file.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(beside, file).unwrap();
}

#[test]
fn what_did_not_change_is_not_compiled_again_and_what_nobody_uses_is_gone() {
    let fixture = Fixture::new();
    let gateway = &fixture.gateway;
    let made = || gateway.log().matches(MADE).count();
    let reloaded = |times| gateway.until_log_says(": reloaded", times).unwrap();
    assert_eq!(made(), 1);
    let held = fixture.compiled();
    assert!(held >= 1, "{}", gateway.proc("maps").unwrap());
    // Another plan, another route, the same adapter copied once more.
    gateway.reload(&fixture.config.replace("realm: demo", "realm: other")).unwrap();
    reloaded(1);
    gateway.reload(&format!("{}    mode: observe\n", fixture.config)).unwrap();
    reloaded(2);
    gateway.reload(&fixture.config).unwrap();
    reloaded(3);
    swap(&fixture.file(), &marked(b'0'));
    reloaded(4);
    assert_eq!((made(), fixture.status(), fixture.compiled()), (1, 200, held));
    for (times, mark) in (5..).zip(b"abcdefgh") {
        swap(&fixture.file(), &marked(*mark));
        reloaded(times);
        assert_eq!((made(), fixture.status()), (times - 3, 200));
    }
    let limit = Instant::now() + Duration::from_secs(5);
    while fixture.compiled() > held {
        assert!(Instant::now() < limit, "{} of {held}: {}", fixture.compiled(), gateway.proc("maps").unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_large_adapter_is_compiled_on_one_thread_that_gives_way() {
    let fixture = Fixture::new();
    let gateway = &fixture.gateway;
    let ours = gateway.threads().unwrap().into_iter().find(|(name, ..)| name == "portcullis").unwrap().1;
    let before = gateway.threads().unwrap();
    assert!(before.iter().all(|(name, ..)| name != "compile"), "{before:?}");
    swap(&fixture.file(), &laden(300));
    let (mut seen, mut slowest) = (0, Duration::ZERO);
    let limit = Instant::now() + Duration::from_secs(120);
    while gateway.log().matches(": reloaded").count() == 0 {
        assert!(Instant::now() < limit, "{}", gateway.log());
        for (name, nice, ticks) in gateway.threads().unwrap() {
            if name == "compile" {
                assert_eq!(nice, (ours + 10).min(19));
                seen = ticks;
            }
        }
        let asked = Instant::now();
        assert_eq!(fixture.status(), 200);
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(seen >= 20, "compiled aside in {seen} ticks: not there, or too short to tell");
    // wasmtime's own threads have the process's name.
    let others = |threads: Vec<(String, i64, u64)>| -> u64 {
        threads.iter().filter(|(name, ..)| name == "portcullis").map(|(.., ticks)| ticks).sum()
    };
    let grown = others(gateway.threads().unwrap()).saturating_sub(others(before));
    assert!(grown < seen / 2, "{grown} ticks elsewhere, {seen} on the thread for it");
    assert!(slowest < Duration::from_secs(2), "a request took {slowest:?}");
    assert_eq!(fixture.status(), 200);
}

//! Compiling while requests are served: only what changed, on one thread that gives way to the others; and what nobody uses any
//! more is gone.

use crate::wasm;
use crate::world::config;
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port, resident_kib, threads_of};
use portcullis_tests::{client, provider, upstream};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The log's line for each adapter that was inspected, compiled and described.
const MADE: &str = "the adapter was made ready";
/// For each that was compiled, and not found compiled.
const COMPILED: &str = "compiled in a process of its own";
/// For a shell: where compiled code is kept.
const CACHE_HERE: &str = "PORTCULLIS_CACHE_DIR=\"$PWD/compiled\"";

/// Keycloak's adapter with another digest: a custom section more.
fn marked(mark: u8) -> Vec<u8> {
    [fs::read(adapters().join("keycloak.wasm")).unwrap(), wasm::section(0, &[1, b'x', mark])].concat()
}

/// Keycloak's adapter, and a core module in it that nobody uses and that takes its time to compile: so many functions.
fn laden(functions: usize) -> Vec<u8> {
    // (local.get 0) (i32.const 7) (i32.mul) (i32.const 9) (i32.xor) (local.tee 0) (drop), many times.
    let step = [0x20, 0, 0x41, 7, 0x6c, 0x41, 9, 0x73, 0x22, 0, 0x1a];
    let mut body = vec![0];
    body.extend(step.iter().cycle().take(step.len() * 2000));
    body.extend([0x20, 0, 0x0b]);
    let module = wasm::module(&[wasm::signature(&[wasm::I32], &[wasm::I32])], &vec![body; functions]);
    wasm::with_module(&fs::read(adapters().join("keycloak.wasm")).unwrap(), &module)
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
        let gateway = Gateway::start_after(&format!("export CANARY=canary {CACHE_HERE}"), &config).unwrap();
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

/// A line of `/proc/PID/limits`: the hard limit.
fn limit_of(process: u32, name: &str) -> String {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{limits}"));
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_large_adapter_is_compiled_on_one_thread_that_gives_way() {
    let fixture = Fixture::new();
    let gateway = &fixture.gateway;
    let ours = gateway.threads().unwrap().into_iter().find(|(name, ..)| name == "portcullis").unwrap().1;
    let spent = || -> u64 { gateway.threads().unwrap().iter().map(|(.., ticks)| ticks).sum() };
    let before = spent();
    swap(&fixture.file(), &laden(300));
    let (mut seen, mut slowest, mut confined) = (0, Duration::ZERO, false);
    let limit = Instant::now() + Duration::from_secs(120);
    while gateway.log().matches(": reloaded").count() == 0 {
        assert!(Instant::now() < limit, "{}", gateway.log());
        if let Some(compiler) = gateway.compiler() {
            let threads = threads_of(compiler).unwrap_or_default();
            let ticks: u64 = threads.iter().map(|(.., ticks)| ticks).sum();
            // By then it has set its limits, before it looks at anything.
            if ticks > seen.max(20) {
                assert!(threads.iter().all(|(_, nice, _)| *nice >= (ours + 10).min(19)), "{threads:?}");
                // The first, wasmtime's for its cache, and the one that compiles.
                assert!(threads.len() <= 3, "{threads:?}");
                for (name, most) in [
                    ("Max address space", "2147483648"),
                    ("Max cpu time", "60"),
                    ("Max core file size", "0"),
                    ("Max file size", "268435456"),
                ] {
                    assert_eq!(limit_of(compiler, name), most, "{name}");
                }
                // A group of its own: what a terminal sends to the gateway's does not end it.
                let stat = fs::read_to_string(format!("/proc/{compiler}/stat")).unwrap_or_default();
                let group = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(2));
                assert_eq!(group, Some(compiler.to_string().as_str()), "{stat}");
                // Neither the configuration's secrets nor anything else of the environment is there.
                let environment = fs::read_to_string(format!("/proc/{compiler}/environ")).unwrap();
                let names: Vec<&str> = environment.split_terminator('\0').collect();
                assert!(names.len() == 1 && names[0].starts_with("MIMALLOC_"), "{names:?}");
                // What is on disk does not serve yet, and whoever asks is told.
                let ready = client::get(gateway.admin, "/readyz", &[]).unwrap();
                if gateway.compiler().is_some() {
                    assert_eq!((ready.status, ready.json()["configuration"]["stale"].as_bool()), (200, Some(true)));
                    confined = true;
                }
            }
            seen = seen.max(ticks);
        }
        let asked = Instant::now();
        assert_eq!(fixture.status(), 200);
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(seen >= 20 && confined, "compiled aside in {seen} ticks: not there, or too short to tell");
    let grown = spent().saturating_sub(before);
    assert!(grown < seen / 2, "{grown} ticks in the gateway, {seen} in the process for it");
    assert!(slowest < Duration::from_secs(2), "a request took {slowest:?}");
    assert_eq!(fixture.status(), 200);
    let ready = client::get(gateway.admin, "/readyz", &[]).unwrap().json();
    assert_eq!(ready["configuration"]["stale"].as_bool(), Some(false));
}

/// As one that meets its limit of memory or time does.
#[test]
fn a_compiler_that_dies_is_a_refusal_and_the_last_good_adapter_serves() {
    let fixture = Fixture::new();
    let gateway = &fixture.gateway;
    swap(&fixture.file(), &laden(300));
    let limit = Instant::now() + Duration::from_secs(60);
    let compiler = loop {
        assert!(Instant::now() < limit, "{}", gateway.log());
        if let Some(compiler) = gateway.compiler() {
            break compiler;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let killed = std::process::Command::new("sh").arg("-c").arg(format!("kill -KILL {compiler}")).status().unwrap();
    assert!(killed.success());
    gateway.until_log_says("the last good configuration keeps serving", 1).unwrap();
    assert!(gateway.log().contains("it cannot be compiled within 2048 MiB of memory and 60 s"), "{}", gateway.log());
    let ready = client::get(gateway.admin, "/readyz", &[]).unwrap();
    assert_eq!(ready.status, 200);
    assert!(ready.text().contains("it cannot be compiled within"), "{}", ready.text());
    assert_eq!(fixture.status(), 200);
    swap(&fixture.file(), &marked(b'1'));
    gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!((fixture.status(), gateway.log().matches(COMPILED).count()), (200, 2));
    // Nothing of it is left.
    let left: Vec<_> =
        fs::read_dir(gateway.folder().join("compiled")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["modules"]);
    // As what cleans temporary files does.
    fs::remove_dir_all(gateway.folder().join("compiled")).unwrap();
    swap(&fixture.file(), &marked(b'2'));
    gateway.until_log_says(": reloaded", 2).unwrap();
    assert_eq!((fixture.status(), gateway.log().matches(COMPILED).count()), (200, 3));
}

/// A component of 20 KiB more, within every measure that is taken before: loops within loops, and variables that each of them
/// carries. Its compiler runs out of the memory that it may have, and nobody else does.
#[test]
fn what_takes_a_compiler_gigabytes_is_cut_off() {
    let fixture = Fixture::new();
    let gateway = &fixture.gateway;
    let (loops, variables) = (1_300, 1_500);
    let mut code = [0x03, 0x40].repeat(loops);
    for variable in 1..variables {
        // (local.set N (i32.add (local.get N) (i32.const 1)))
        code.push(0x20);
        wasm::leb(&mut code, variable);
        code.extend([0x41, 1, 0x6a, 0x21]);
        wasm::leb(&mut code, variable);
    }
    // (br_if 0 (local.get 0)) (end)
    code.extend([0x20, 0, 0x0d, 0, 0x0b].repeat(loops));
    let module = wasm::module(&[wasm::signature(&[wasm::I32], &[])], &[wasm::body(variables, &code)]);
    swap(&fixture.file(), &wasm::with_module(&marked(b'1'), &module));
    let limit = Instant::now() + Duration::from_secs(120);
    let mut most = 0;
    while gateway.log().matches("the last good configuration keeps serving").count() == 0 {
        assert!(Instant::now() < limit, "{}", gateway.log());
        most = most.max(gateway.compiler().map_or(0, resident_kib));
        assert_eq!(fixture.status(), 200);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(gateway.log().contains("it cannot be compiled within 2048 MiB of memory"), "{}", gateway.log());
    assert!((64 * 1024..=2 * 1024 * 1024).contains(&most), "{most} KiB");
    assert!(gateway.resident_kib() < 512 * 1024, "{} KiB", gateway.resident_kib());
    assert_eq!(fixture.status(), 200);
}

/// A start with what an earlier one compiled; and one where the folder for it is not to be trusted, or what is in it is broken.
#[test]
fn compiled_code_is_found_again_and_only_where_nobody_else_could_put_it() {
    let (provider, upstream) = (provider::start(any_port()).unwrap(), upstream::start(any_port()).unwrap());
    let config = config(&provider.url(), &upstream.url(), "", "", "");
    let outer = Folder::new().unwrap();
    let folder = outer.path().join("above/compiled");
    let start = |first: &str| {
        let first = format!("export PORTCULLIS_CACHE_DIR={} {first}", folder.display());
        let gateway = Gateway::start_after(&first, &config).unwrap();
        assert_eq!(client::get_as(gateway.address, "/rest", "good-token-alice").unwrap().status, 200);
        let log = gateway.log();
        (log.matches(COMPILED).count(), log.contains("compiled adapters are not kept for the next start"))
    };
    // Also where whoever starts it ignores the ends of processes, and so the system does not tell how one ended.
    assert_eq!(start(r#"; exec env --ignore-signal=CHLD "$0" "$@""#), (1, false));
    assert_eq!(start(""), (0, false));
    // Half of it, as after a crash: it is made once more.
    let code = || -> Vec<PathBuf> {
        let versions = fs::read_dir(folder.join("modules")).unwrap().map(|version| version.unwrap().path());
        let files = versions.flat_map(|version| fs::read_dir(version).unwrap()).map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_none()).collect()
    };
    let [file] = code().try_into().unwrap();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(start(""), (1, false));
    assert_eq!(fs::read(&file).unwrap().len(), whole.len());
    // Whoever may write to a folder above may put another one in the place of this one.
    let chmod = |mode| fs::set_permissions(outer.path().join("above"), fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o777, 0o770] {
        chmod(mode);
        let elsewhere = Folder::new().unwrap();
        let was = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(start(&format!("TMPDIR={}", elsewhere.path().display())), (1, true), "{mode:o}");
        assert_eq!((code().len(), fs::metadata(&file).unwrap().modified().unwrap()), (1, was));
        // No code is left where it was compiled instead.
        let files = code_below(elsewhere.path());
        assert_eq!((fs::read_dir(elsewhere.path()).unwrap().count(), files), (1, 0));
    }
    chmod(0o1777);
    assert_eq!(start(""), (0, false), "as /tmp is");
}

/// Files of code below a folder.
fn code_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { code_below(&path) } else { usize::from(path.extension().is_none()) }).sum()
}

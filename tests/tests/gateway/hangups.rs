//! Clients that are silent, and clients that are gone: who is silent goes on, and who is gone holds nothing.

use crate::world::{ALICE, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::{client, provider};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The limit for clients that do nothing, and a little more.
const SILENCE: Duration = Duration::from_secs(65);

fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&read)));
        read.push(byte[0]);
    }
    String::from_utf8(read).unwrap()
}

/// An upstream that answers at once, reads nothing more of `/deaf` and of WebSockets, and of others returns each piece of the body.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let head = until(&mut stream, "\r\n\r\n");
                let answer = match head.contains("pgrade: websocket") {
                    true => {
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello"
                    }
                    false => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
                };
                stream.write_all(answer.as_bytes()).unwrap();
                if head.starts_with("GET /deaf") || head.starts_with("POST /deaf") {
                    std::thread::sleep(Duration::from_secs(600));
                }
                let mut some = [0; 65536];
                while let Ok(count @ 1..) = stream.read(&mut some) {
                    if stream.write_all(&some[..count]).is_err() || some[..count].ends_with(b"0\r\n\r\n") {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn send(gateway: &Gateway, method: &str, path: &str, rest: &str) -> TcpStream {
    let mut stream = client::connect(gateway.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n{rest}", gateway.address, ALICE.1);
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// As much as is taken.
fn fill(stream: &mut TcpStream) {
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut sent = 0;
    while let Ok(count) = stream.write(&[b'x'; 65536]) {
        sent += count;
        assert!(sent < 1 << 30, "everything is taken");
    }
}

/// Requests of which the answer has begun, which is silent from then on: the connection of each client is not read any more, by
/// a request that waits behind, a body that is not taken, or a WebSocket that is not.
#[test]
fn clients_that_are_gone_hold_nothing_and_silent_ones_go_on() {
    let provider = provider::start(any_port()).unwrap();
    let upstream = format!("http://{}", upstream());
    let gateway = Gateway::start(&config(&provider.url(), &upstream, "cache: {}", "", "")).unwrap();
    let open = || gateway.metric("process_open_fds").unwrap();
    // Both sides of this one are silent, which is no fault of either. (It also has the token known.)
    let mut silent = send(&gateway, "POST", "/echo", "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    until(&mut silent, "first\r\n");
    until(&mut silent, "one\r\n");
    let began = Instant::now();
    let before = open();
    for _ in 0..5 {
        let mut waiting = send(&gateway, "GET", "/deaf", "\r\n");
        until(&mut waiting, "first\r\n");
        waiting.write_all(format!("GET /deaf HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.address).as_bytes()).unwrap();
        // Of these two something is left unread, so that they end with a reset: an end in order would have to wait until what was
        // sent before it is taken.
        let mut upload = send(&gateway, "POST", "/deaf", "Content-Length: 10000000000\r\n\r\n");
        until(&mut upload, "\r\n\r\n");
        fill(&mut upload);
        let mut websocket = send(&gateway, "GET", "/deaf", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        until(&mut websocket, "\r\n\r\n");
        fill(&mut websocket);
        assert!(open() >= before + 6.0);
        // They are closed here.
    }
    let limit = Instant::now() + SILENCE + Duration::from_secs(30);
    while open() > before + 2.0 {
        assert!(Instant::now() < limit, "{} descriptors are still held", open() - before);
        std::thread::sleep(Duration::from_secs(1));
    }
    std::thread::sleep(SILENCE.saturating_sub(began.elapsed()));
    silent.write_all(b"3\r\ntwo\r\n0\r\n\r\n").unwrap();
    until(&mut silent, "two\r\n");
}

/// Where a client or an upstream is gone without a word, it is for the kernel to notice.
#[cfg(target_os = "linux")]
#[test]
fn the_kernel_asks_silent_connections_for_a_sign_of_life() {
    let provider = provider::start(any_port()).unwrap();
    let upstream = upstream();
    let gateway = Gateway::start(&config(&provider.url(), &format!("http://{upstream}"), "cache: {}", "", "")).unwrap();
    let mut open = send(&gateway, "GET", "/deaf", "\r\n");
    until(&mut open, "first\r\n");
    // proc_pid_net(5): local and remote address, state (01: established), queues, timer (02: keepalive).
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |address: SocketAddr| format!(":{:04X}", address.port());
    let timers = |column: usize, address: SocketAddr| -> Vec<String> {
        let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = lines.filter(|line| line[column].ends_with(&port(address)) && line[3] == "01");
        ours.map(|line| line[5].split(':').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(timers(1, gateway.address), ["02"], "the client's");
    assert_eq!(timers(2, upstream), ["02"], "the upstream's");
}

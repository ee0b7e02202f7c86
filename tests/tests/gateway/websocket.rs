//! Upgrades: the request is judged like any other, then the bytes flow both ways.

use crate::world::{ALICE, World, assert_refused, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::wire::{read_request, read_response, write_head};
use portcullis_tests::{client, provider};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The sample of RFC 6455 1.3: what a client sends and what only a WebSocket server answers to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Writes one final frame (RFC 6455 5.2) of this opcode; clients mask.
fn write_frame(writer: &mut impl Write, opcode: u8, payload: &[u8], mask: Option<[u8; 4]>) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => frame.push(masked | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    let key = mask.unwrap_or_default();
    frame.extend_from_slice(&key[..if mask.is_some() { 4 } else { 0 }]);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    writer.write_all(&frame).unwrap();
}

/// Reads one frame: opcode, whether it was masked, payload. `None` at the end of the stream.
fn read_frame(reader: &mut impl BufRead) -> Option<(u8, bool, Vec<u8>)> {
    let mut start = [0; 2];
    reader.read_exact(&mut start).ok()?;
    let mut long = [0; 8];
    let length = match start[1] & 0x7f {
        126 => {
            reader.read_exact(&mut long[6..]).unwrap();
            u64::from_be_bytes(long)
        }
        127 => {
            reader.read_exact(&mut long).unwrap();
            u64::from_be_bytes(long)
        }
        length => u64::from(length),
    };
    let masked = start[1] & 0x80 != 0;
    let mut key = [0; 4];
    if masked {
        reader.read_exact(&mut key).unwrap();
    }
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    reader.read_exact(&mut payload).unwrap();
    payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    Some((start[0] & 0x0f, masked, payload))
}

type Users = Arc<Mutex<Vec<Option<String>>>>;

/// An echo server for one connection after another, which records who it thinks is calling. Over TLS it offers HTTP/2, too,
/// which it does not speak.
fn echo(users: Users, tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind(any_port()).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(tls) = &tls else {
                converse(stream, &users);
                continue;
            };
            let mut tls = ServerConnection::new(Arc::clone(tls)).unwrap();
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
            if tls.alpn_protocol() == Some(b"http/1.1") {
                converse(StreamOwned::new(tls, stream), &users);
            }
        }
    });
    address
}

fn converse(stream: impl Read + Write, users: &Users) {
    let mut stream = BufReader::new(stream);
    let Ok(Some(request)) = read_request(&mut stream, |_| Ok(())) else { return };
    users.lock().unwrap().push(request.header("x-remote-user").map(str::to_owned));
    let of = |name: &str| request.header(name).unwrap_or_default().to_lowercase();
    assert_eq!((of("upgrade").as_str(), of("sec-websocket-version").as_str()), ("websocket", "13"));
    assert_eq!((of("connection").as_str(), request.header("sec-websocket-key")), ("upgrade", Some(KEY)));
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", ACCEPT)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    write_head(stream.get_mut(), "HTTP/1.1 101 Switching Protocols", &fields).unwrap();
    while let Some((opcode, masked, payload)) = read_frame(&mut stream) {
        assert!(masked, "clients mask");
        write_frame(stream.get_mut(), opcode, &payload, None);
        if opcode == 8 {
            break;
        }
    }
}

fn open(gateway: SocketAddr, token: &str) -> (portcullis_tests::wire::Response, TcpStream, BufReader<TcpStream>) {
    let mut stream = client::connect(gateway).unwrap();
    let head = format!(
        "GET /socket HTTP/1.1\r\nHost: {gateway}\r\nAuthorization: Bearer {token}\r\nX-Remote-User: root\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let response = read_response(&mut reader, "GET").unwrap();
    (response, stream, reader)
}

#[test]
fn a_websocket_echo_works_for_who_may_pass() {
    let provider = provider::start(any_port()).unwrap();
    let users = Users::default();
    let upstream = format!("http://{}", echo(Arc::clone(&users), None));
    let gateway = Gateway::start(&config(&provider.url(), &upstream, "", "", "")).unwrap();

    let (response, mut stream, mut reader) = open(gateway.address, "good-token-alice");
    assert_eq!((response.status, response.header("sec-websocket-accept")), (101, Some(ACCEPT)), "{response:?}");
    let mut echoed = |opcode: u8, payload: &[u8]| {
        write_frame(&mut stream, opcode, payload, Some([1, 2, 3, 4]));
        let (back, masked, same) = read_frame(&mut reader).expect("the connection ended");
        assert_eq!((back, masked), (opcode, false));
        assert!(same == payload, "{} bytes came back as {}", payload.len(), same.len());
    };
    echoed(1, b"hello");
    echoed(2, &vec![7; 200_000]);
    echoed(9, b"ping");
    // The upstream's timeout is three seconds here, and it is for the answer's head alone.
    std::thread::sleep(Duration::from_millis(3500));
    echoed(1, b"still here");
    echoed(8, b"");

    assert_refused(&open(gateway.address, "bad").0, 401, "a bad token");
    assert_eq!(*users.lock().unwrap(), [Some("alice".to_owned())]);
}

/// HTTP/2 has no upgrades: whoever offers it beside HTTP/1.1 is asked for a WebSocket in HTTP/1.1.
#[test]
fn a_websocket_goes_to_an_upstream_that_offers_http_2() {
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let mut tls = tls.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let provider = provider::start(any_port()).unwrap();
    let users = Users::default();
    let upstream = format!("https://{}", echo(Arc::clone(&users), Some(Arc::new(tls))));
    let config = config(&provider.url(), &upstream, "", "", "");
    let config = config.replace(", timeout: 3s", ", timeout: 3s, tls: {ca_file: ca.pem}");
    let gateway = Gateway::start_with(&config, &[("ca.pem", &pair.cert.pem())]).unwrap();
    let (response, mut stream, mut reader) = open(gateway.address, "good-token-alice");
    assert_eq!((response.status, response.header("sec-websocket-accept")), (101, Some(ACCEPT)), "{response:?}");
    write_frame(&mut stream, 1, b"hello", Some([1, 2, 3, 4]));
    assert_eq!(read_frame(&mut reader), Some((1, false, b"hello".to_vec())));
    assert_eq!(*users.lock().unwrap(), [Some("alice".to_owned())]);
}

/// Above all not to h2c: the upstream would take further requests on that connection, and nobody would decide them.
#[test]
fn no_other_protocol_is_switched_to() {
    let world = World::new();
    for protocol in ["h2c", "h2c, websocket", "TLS/1.0", "HTTP/2.0", "echo/1"] {
        let headers = [
            ALICE,
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("Upgrade", protocol),
            ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
        ];
        world.upstream.forget();
        let response = world.get("/rest", &headers);
        assert_eq!((response.status, response.header("upgrade")), (200, None), "{protocol}: {response:?}");
        let [seen] = &world.upstream.seen()[..] else { panic!("{protocol}: not one request upstream") };
        assert_eq!((seen.header("upgrade"), seen.header("http2-settings")), (None, None), "{protocol}");
        // An upstream that switches all the same is at fault.
        assert_refused(&world.get("/upgrade", &headers), 502, protocol);
    }
    world.assert_well();
}

#[test]
fn an_upgrade_does_not_pass_without_a_token() {
    let world = World::new();
    let headers = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    assert_refused(&world.get("/upgrade", &headers), 401, "no token");
    assert!(world.upstream.seen().is_empty());
}

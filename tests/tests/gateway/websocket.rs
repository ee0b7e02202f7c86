//! Upgrades: the request is judged like any other, then the bytes flow both ways.

use crate::world::{ALICE, World, assert_refused, config};
use futures_util::{SinkExt as _, StreamExt as _};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::provider;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message};

/// An echo that records who it thinks is calling.
async fn echo(listener: TcpListener, users: Arc<Mutex<Vec<Option<String>>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let users = Arc::clone(&users);
        tokio::spawn(async move {
            #[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
            let callback = |request: &Request, response: Response| {
                let user = request.headers().get("x-remote-user").map(|value| value.to_str().unwrap().to_owned());
                users.lock().unwrap().push(user);
                Ok(response)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(stream, callback).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn open(gateway: SocketAddr, token: &str) -> Result<tokio_tungstenite::WebSocketStream<TcpStream>, Box<Error>> {
    let stream = TcpStream::connect(gateway).await.unwrap();
    let mut request = format!("ws://{gateway}/socket").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request.headers_mut().insert("x-remote-user", "root".parse().unwrap());
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket).map_err(Box::new)
}

#[test]
fn a_websocket_echo_works_for_who_may_pass() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let provider = provider::start(any_port()).unwrap();
    let users = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(echo(listener, Arc::clone(&users)));
        let gateway = Gateway::start(&config(&provider.url(), &upstream, "", "", "")).unwrap();

        let mut socket = open(gateway.address, "good-token-alice").await.unwrap();
        for message in [Message::text("hello"), Message::binary(vec![7; 200_000]), Message::text("again")] {
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
        // Longer than any timeout of a request's head would last is too long for a test; that it idles is enough.
        tokio::time::sleep(std::time::Duration::from_millis(3500)).await;
        socket.send(Message::text("still here")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still here"));

        match open(gateway.address, "bad").await.map_err(|error| *error) {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(*users.lock().unwrap(), [Some("alice".to_owned())]);
}

#[test]
fn other_upgrades_pass_as_bytes() {
    use std::io::{Read as _, Write as _};
    let world = World::new();
    let mut stream = portcullis_tests::client::connect(world.gateway.address).unwrap();
    let head = format!(
        "GET /upgrade HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n",
        world.gateway.address, ALICE.1
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
    let response = portcullis_tests::wire::read_response(&mut reader, "GET").unwrap();
    assert_eq!((response.status, response.header("upgrade")), (101, Some("echo/1")), "{response:?}");
    stream.write_all(b"\x00\xffbytes").unwrap();
    let mut back = [0; 7];
    reader.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"\x00\xffbytes");
}

#[test]
fn an_upgrade_does_not_pass_without_a_token() {
    let world = World::new();
    let headers = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    assert_refused(&world.get("/upgrade", &headers), 401, "no token");
    assert!(world.upstream.seen().is_empty());
}

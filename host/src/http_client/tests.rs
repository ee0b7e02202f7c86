//! The pool and the look, against servers that are threads over `std::net`.
//!
//! The client's runtime has one thread, and a test that blocks it keeps the runtime from hearing of anything: what comes
//! meanwhile is in the kernel alone, and nothing but the look can find it.

use super::*;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use rustls::ServerConnection;
use rustls_pki_types::PrivateKeyDer;
use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

const KEEP: Keep = Keep { idle_max: 8, idle_timeout: Duration::from_secs(60) };
/// Longer than anything here takes, unless it is broken.
const LIMIT: Duration = Duration::from_secs(10);

/// A server that does this with each connection, whose number it is told, from 0.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, serve) = (Arc::new(AtomicUsize::new(0)), Arc::new(serve));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (number, serve) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&serve));
                thread::spawn(move || serve(number, stream.unwrap()));
            }
        });
        Self { address, connections }
    }

    fn client(&self, keep: Option<Keep>) -> Client<Full<Bytes>> {
        let options = Options { connect_timeout: LIMIT, keep };
        Client::new(&format!("http://{}", self.address).parse().unwrap(), None, options).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The path of the next request; `None` at the end of the connection.
fn next(stream: &mut impl std::io::Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.extend_from_slice(&byte);
    }
    Some(String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned())
}

fn response(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn get(client: &Client<Full<Bytes>>, path: &str) -> Result<String, Fault> {
    let response = tokio::time::timeout(LIMIT, client.send(Request::get(path).body(Full::default()).unwrap()));
    let body = response.await.expect("no response in time")?.into_body().collect().await.map_err(Fault::Broken)?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

/// Until the connection's task has done what there was to do.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Answers every request with its path.
fn echo(_: usize, mut stream: TcpStream) {
    while let Some(path) = next(&mut stream) {
        stream.write_all(&response(&path)).unwrap();
    }
}

#[tokio::test]
async fn a_connection_serves_request_after_request_unless_none_is_kept() {
    for (keep, connections) in [(Some(KEEP), 1), (None, 5)] {
        let server = Server::start(echo);
        let client = server.client(keep);
        for number in 0..5 {
            assert_eq!(get(&client, &format!("/{number}")).await.unwrap(), format!("/{number}"));
            settle().await;
        }
        assert_eq!(server.connections(), connections);
        assert_eq!(client.is_connected(), keep.is_some());
    }
}

#[tokio::test]
async fn no_more_connections_are_kept_than_may_be() {
    let server = Server::start(echo);
    let client = server.client(Some(Keep { idle_max: 2, ..KEEP }));
    for expected in [5, 8] {
        let requests = (0..5).map(|_| client.send(Request::get("/x").body(Full::default()).unwrap()));
        // All five are under way before any ends.
        let responses = futures_util::future::join_all(requests).await;
        for response in responses {
            response.unwrap().into_body().collect().await.unwrap();
        }
        settle().await;
        assert_eq!(server.connections(), expected);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time_and_with_its_client() {
    let (ended, ends) = mpsc::channel();
    let server = Server::start(move |number, stream| {
        echo(number, stream);
        ended.send(number).unwrap();
    });
    let until = |number| {
        let limit = std::time::Instant::now() + LIMIT;
        let ends = &ends;
        async move {
            loop {
                match ends.try_recv() {
                    Ok(ended) => break assert_eq!(ended, number),
                    Err(_) => assert!(std::time::Instant::now() < limit, "connection {number} is still open"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    let client = server.client(Some(Keep { idle_timeout: Duration::from_millis(100), ..KEEP }));
    get(&client, "/x").await.unwrap();
    until(0).await;
    assert!(!client.is_connected());
    let client = server.client(Some(KEEP));
    get(&client, "/x").await.unwrap();
    drop(client);
    until(1).await;
}

/// What may be on a kept connection: none of it becomes the response to the next request, although only the kernel has it.
#[tokio::test]
async fn a_connection_with_anything_unread_is_not_used_again() {
    let half = response("/theirs").split_last().unwrap().1.to_vec();
    let unread: [(&str, Option<Vec<u8>>); 5] = [
        ("a response", Some(response("/theirs"))),
        ("half a response", Some(half)),
        ("a byte", Some(b"H".to_vec())),
        ("an interim response", Some(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())),
        ("the end", None),
    ];
    for (what, unread) in unread {
        let (go, told) = mpsc::channel::<()>();
        let (sent, is_sent) = mpsc::channel::<()>();
        let told = std::sync::Mutex::new(told);
        let is_surplus = unread.is_some();
        let server = Server::start(move |number, mut stream| {
            if number > 0 {
                return echo(number, stream);
            }
            let path = next(&mut stream).unwrap();
            stream.write_all(&response(&path)).unwrap();
            told.lock().unwrap().recv().unwrap();
            match &unread {
                Some(bytes) => stream.write_all(bytes).unwrap(),
                None => stream.shutdown(std::net::Shutdown::Write).unwrap(),
            }
            sent.send(()).unwrap();
            // A request that comes here gets what was there before it, and nothing else.
            let _ = next(&mut stream);
        });
        let client = server.client(Some(KEEP));
        assert_eq!(get(&client, "/mine").await.unwrap(), "/mine");
        settle().await;
        assert!(client.is_connected());
        go.send(()).unwrap();
        // Blocks the runtime.
        is_sent.recv().unwrap();
        assert_eq!(get(&client, "/next").await.unwrap(), "/next", "{what}");
        assert_eq!(server.connections(), 2, "{what}");
        // Who sent more once may do so again, and later than can be seen.
        settle().await;
        assert_eq!(get(&client, "/third").await.unwrap(), "/third", "{what}");
        assert_eq!(server.connections(), if is_surplus { 3 } else { 2 }, "{what}");
    }
}

/// What hyper finds by itself counts as well.
#[tokio::test]
async fn a_server_that_sent_more_than_it_was_asked_for_is_not_trusted_for_a_while() {
    let server = Server::start(|number, mut stream| {
        while let Some(path) = next(&mut stream) {
            let mut answer = response(&path);
            if number == 0 {
                answer.extend(response("/theirs"));
            }
            stream.write_all(&answer).unwrap();
        }
    });
    let client = server.client(Some(KEEP));
    for number in 0..4 {
        assert_eq!(get(&client, &format!("/{number}")).await.unwrap(), format!("/{number}"));
        settle().await;
    }
    assert_eq!(server.connections(), 4);
    assert!(!client.is_connected());
}

/// The part of a TLS record that the TLS library has read is in no kernel, and no response yet.
#[tokio::test]
async fn nor_is_one_with_half_a_tls_record_read() {
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap());
    let server = Server::start(move |number, mut tcp| {
        let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let path = next(&mut rustls::Stream::new(&mut tls, &mut tcp)).unwrap();
        rustls::Stream::new(&mut tls, &mut tcp).write_all(&response(&path)).unwrap();
        let mut record = Vec::new();
        tls.writer().write_all(&response("/theirs")).unwrap();
        tls.write_tls(&mut record).unwrap();
        let (begun, rest) = record.split_at(record.len() - 3);
        if number == 0 {
            tcp.write_all(begun).unwrap();
        }
        // The rest comes when a request does.
        let mut request = [0; 1000];
        if tcp.read(&mut request).unwrap_or(0) > 0 {
            let _ = tcp.write_all(rest);
        }
    });
    let tls = Tls::new(Some(pair.cert.pem().as_bytes()), None).unwrap();
    let url = format!("https://{}", server.address).parse().unwrap();
    let client = Client::new(&url, Some(&tls), Options { connect_timeout: LIMIT, keep: Some(KEEP) }).unwrap();
    assert_eq!(get(&client, "/mine").await.unwrap(), "/mine");
    settle().await;
    assert!(client.is_connected());
    assert_eq!(get(&client, "/next").await.unwrap(), "/next");
    assert_eq!(server.connections(), 2);
}

/// A server that has answered and takes nothing more of the request does not keep what the client has given up.
#[tokio::test]
async fn a_response_that_is_dropped_ends_its_request() {
    const BODY: usize = 64 << 20;
    let (dropped, drops) = mpsc::channel::<()>();
    let (took, taken) = mpsc::channel();
    let drops = std::sync::Mutex::new(drops);
    let server = Server::start(move |_, mut stream| {
        next(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n").unwrap();
        drops.lock().unwrap().recv().unwrap();
        let (mut all, mut some) = (0, [0; 65536]);
        while let Ok(count @ 1..) = stream.read(&mut some) {
            all += count;
        }
        took.send(all).unwrap();
    });
    let client = server.client(Some(KEEP));
    let request = Request::post("/x").body(Full::new(vec![0; BODY].into())).unwrap();
    let mut response = tokio::time::timeout(LIMIT, client.send(request)).await.unwrap().unwrap();
    response.frame().await.unwrap().unwrap();
    settle().await;
    drop(response);
    settle().await;
    dropped.send(()).unwrap();
    let all = tokio::task::spawn_blocking(move || taken.recv().unwrap()).await.unwrap();
    assert!(all < BODY, "the whole request was sent");
}

/// An HTTP/2 connection to a server that takes so many requests at once, and answers all but `/small` without end.
async fn over_http2(streams_max: u32) -> Http2<Full<Bytes>> {
    use futures_util::stream;
    use http_body_util::{Either, StreamBody};
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let serve = hyper::service::service_fn(|request: Request<Incoming>| async move {
            let zeros =
                || stream::repeat_with(|| Ok::<_, io::Error>(http_body::Frame::data(Bytes::from(vec![0; 16384]))));
            let body = match request.uri().path() {
                "/small" => Either::Left(Full::new(Bytes::from("small"))),
                _ => Either::Right(StreamBody::new(zeros())),
            };
            Ok::<_, io::Error>(Response::new(body))
        });
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.max_concurrent_streams(streams_max).serve_connection(TokioIo::new(theirs), serve).await
    });
    let connection = start_http2(ours, Weak::new()).await.unwrap();
    // Its settings come.
    settle().await;
    connection
}

async fn get_http2(connection: &mut Http2<Full<Bytes>>, path: &str) -> Response<Incoming> {
    let request = Request::get(format!("http://server.example{path}")).body(Full::default()).unwrap();
    tokio::time::timeout(LIMIT, connection.sender.send_request(request)).await.expect("no response in time").unwrap()
}

/// All responses on a connection share its window (RFC 9113 5.2).
#[tokio::test]
async fn responses_that_nobody_takes_do_not_stop_others_on_their_connection() {
    let mut connection = over_http2(200).await;
    let mut unread = Vec::new();
    for _ in 0..50 {
        unread.push(get_http2(&mut connection, "/zeros").await);
    }
    settle().await;
    let small = get_http2(&mut connection, "/small").await;
    let body = tokio::time::timeout(LIMIT, small.into_body().collect()).await.expect("no body in time").unwrap();
    assert_eq!(body.to_bytes(), "small");
}

/// Those who hold their responses for long keep nobody else waiting: there is another connection then.
#[tokio::test]
async fn a_connection_that_takes_no_more_requests_is_not_the_only_one() {
    let pool: Arc<Pool<Full<Bytes>>> = Arc::new(Pool::new("server".to_owned(), KEEP));
    let taken = || match pool.take() {
        Some(Connection::Http2(connection)) => Some(connection),
        _ => None,
    };
    pool.share(&over_http2(2).await);
    let mut held = vec![taken().unwrap(), taken().unwrap()];
    assert!(taken().is_none(), "a third request would wait");
    pool.share(&over_http2(2).await);
    // One with room is enough.
    pool.share(&over_http2(2).await);
    held.extend([taken().unwrap(), taken().unwrap()]);
    assert!(taken().is_none());
    held.pop();
    assert!(taken().is_some());
}

/// A request of which anything was sent is sent once, whatever becomes of it.
#[tokio::test]
async fn a_request_is_not_sent_twice() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = Server::start(move |_, mut stream| {
        // The second one on each connection is hung up on.
        for is_answered in [true, false] {
            let Some(path) = next(&mut stream) else { return };
            count.fetch_add(1, Ordering::SeqCst);
            if is_answered {
                stream.write_all(&response(&path)).unwrap();
            }
        }
    });
    let client = server.client(Some(KEEP));
    assert_eq!(get(&client, "/one").await.unwrap(), "/one");
    settle().await;
    assert!(matches!(get(&client, "/two").await, Err(Fault::Broken(_))));
    assert_eq!((requests.load(Ordering::SeqCst), server.connections()), (2, 1));
}

/// The one address that is silent does not take the time of those after it. (Nothing listens at the first.)
#[tokio::test]
async fn a_server_that_is_not_there_is_no_connection() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = Options { connect_timeout: Duration::from_millis(300), keep: Some(KEEP) };
    let client = Client::new(&format!("http://{nowhere}").parse().unwrap(), None, options).unwrap();
    assert!(matches!(get(&client, "/x").await, Err(Fault::Connect(_))));
    // Takes connections in the kernel, and never speaks: over TLS that is no connection either.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = Tls::new(None, None).unwrap();
    let url = format!("https://{}", mute.local_addr().unwrap()).parse().unwrap();
    let client = Client::new(&url, Some(&tls), options).unwrap();
    let Err(Fault::Connect(cause)) = get(&client, "/x").await else { panic!("connected") };
    assert_eq!(cause.to_string(), "no connection within 300 ms");
}

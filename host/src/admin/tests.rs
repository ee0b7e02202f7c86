//! The two paths over a real socket, before and after a change of the world.

use super::{Administered, serve, what};
use crate::decision::Forget;
use crate::metrics::GaugeNow;
use arc_swap::ArcSwap;
use portcullis_core::fingerprint::Fingerprint;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct World(Vec<(String, String)>);

impl Administered for World {
    fn not_ready(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    fn gauges(&self) -> Vec<GaugeNow> {
        Vec::new()
    }

    fn forget(&self, _: &Forget) -> usize {
        0
    }
}

#[test]
fn what_is_forgotten_is_said_exactly_or_nothing_is() {
    let token = Fingerprint::parse("0123456789abcdef").map(Forget::Credential);
    for (query, expected) in [
        ("", Some(Forget::All)),
        ("provider=staff", Some(Forget::Provider("staff".to_owned()))),
        ("user=j%C3%B6rg+x", Some(Forget::User("jörg x".to_owned()))),
        ("token=0123456789abcdef", token),
        ("token=0123", None),
        ("user=", None),
        ("usr=alice", None),
        ("user=a&user=b", None),
        ("user=a&", Some(Forget::User("a".to_owned()))),
    ] {
        assert_eq!(what(query), expected, "{query}");
    }
}

#[tokio::test]
async fn alive_always_and_ready_when_every_provider_has_a_plan() {
    let world = Arc::new(ArcSwap::from_pointee(World(vec![("staff".into(), "connection refused".into())])));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Arc::clone(&world), Arc::default(), async {
        let _ = stopped.await;
    }));
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.expect("connect");
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    };
    assert!(get("/livez").await.starts_with("HTTP/1.1 200 "));
    let waiting = get("/readyz").await;
    assert!(waiting.starts_with("HTTP/1.1 503 "), "{waiting}");
    assert!(waiting.contains(r#""provider":"staff""#) && waiting.contains("connection refused"), "{waiting}");
    assert!(get("/metrics").await.starts_with("HTTP/1.1 200 "));
    assert!(get("/settings").await.starts_with("HTTP/1.1 404 "));
    world.store(Arc::new(World(Vec::new())));
    assert!(get("/readyz").await.starts_with("HTTP/1.1 200 "));
    stop.send(()).expect("running");
    server.await.expect("no panic").expect("no error");
}

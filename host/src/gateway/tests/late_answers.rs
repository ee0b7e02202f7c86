//! What an upstream sends unasked is no other request's answer: the decision of the second request blocks the runtime's only
//! thread until it has been sent, so that only the kernel has it when the request goes on.

use super::harness::{as_alice, gate, get, route, status};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// Reads a request's head, and answers it with its path.
fn serve(stream: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.extend_from_slice(&byte);
    }
    let path = String::from_utf8(head).expect("ASCII").split(' ').nth(1).expect("a path").to_owned();
    stream.write_all(&answer(&format!("answer to {path}"))).ok()
}

fn answer(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn what_an_upstream_sends_unasked_is_nobodys_answer() {
    let surplus = answer("somebody else's");
    let torn = surplus[..surplus.len() - 4].to_vec();
    for (what, surplus) in [("an answer", surplus), ("half an answer", torn), ("junk", b"\r\n\r\n\0".to_vec())] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let upstream = listener.local_addr().expect("address");
        let (ask, asked) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let (mut first, _) = listener.accept().expect("accept");
            serve(&mut first).expect("served");
            asked.recv().expect("asked");
            first.write_all(&surplus).expect("sent");
            tell.send(()).expect("told");
            // Where a request comes on this connection, its own answer comes too late.
            std::thread::spawn(move || serve(&mut first));
            let (mut second, _) = listener.accept().expect("accept");
            serve(&mut second);
        });
        let channels = Mutex::new((ask, told));
        let url = format!("http://{upstream}");
        let gate = gate(route(&url, Duration::from_secs(2), None), move |route, question| {
            if question.target.path() == "/second" {
                let (ask, told) = &*channels.lock().expect("one at a time");
                ask.send(()).expect("the upstream listens");
                told.recv().expect("sent");
            }
            as_alice(route, question)
        })
        .await;
        for path in ["/first", "/second"] {
            let seen = get(gate.address, path, "").await;
            assert_eq!(status(&seen), 200, "{what}: {seen}");
            assert!(seen.ends_with(&format!("answer to {path}")), "{what}: {seen}");
            // Until the connection is idle.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        gate.stop().await;
    }
}

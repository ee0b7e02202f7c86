//! A provider that is down is not waited for by everybody, is found to be back within a second or two, and no caller
//! can make it look down for others.

use crate::world::{World, assert_refused, assert_unblamed};
use portcullis_tests::server::{Answer, Reply};
use portcullis_tests::{client, provider};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A provider that is down while the switch is on, in this way.
fn switched(down: Reply, extra: &str) -> (World, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(true));
    let reads = Arc::clone(&switch);
    let script = move |request: &portcullis_tests::wire::Request| match reads.load(Ordering::SeqCst) {
        true => down.clone(),
        false => provider::keycloak(request),
    };
    (World::build(script, extra, "", ""), switch)
}

fn get(world: &World, token: &str) -> portcullis_tests::wire::Response {
    client::get_as(world.gateway.address, "/rest", token).unwrap()
}

#[test]
fn a_provider_that_is_down_is_asked_once_a_second_until_it_is_back() {
    for down in [Reply::HangUp, Answer::status(503).into(), Answer::status(502).into()] {
        let (world, switch) = switched(down, "");
        let began = Instant::now();
        let mut sent = 0;
        while began.elapsed() < Duration::from_secs(3) {
            let response = get(&world, &format!("good-token-{sent}"));
            assert_refused(&response, 503, "down");
            assert_unblamed(&response, "down");
            sent += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        // Five that found out (each connection that is hung up on may be tried anew once), then one a second.
        let asked = world.provider.seen().len();
        assert!(sent > 100 && asked <= 2 * (5 + 4), "{sent} requests, {asked} calls");
        switch.store(false, Ordering::SeqCst);
        let back = Instant::now();
        while get(&world, &format!("good-token-{sent}")).status != 200 {
            sent += 1;
            assert!(back.elapsed() < Duration::from_secs(2), "still down for callers");
            std::thread::sleep(Duration::from_millis(20));
        }
        // And for everybody at once.
        for name in ["alice", "bob", "carol"] {
            assert_eq!(get(&world, &format!("good-token-{name}")).status, 200);
        }
        assert!(world.gateway.log().contains("asked once a second"), "the log does not say it");
    }
}

#[test]
fn known_tokens_pass_while_it_is_down() {
    let (world, switch) = switched(Reply::HangUp, "cache: {}");
    switch.store(false, Ordering::SeqCst);
    assert_eq!(get(&world, "good-token-alice").status, 200);
    switch.store(true, Ordering::SeqCst);
    for number in 0..20 {
        assert_refused(&get(&world, &format!("good-token-{number}")), 503, "unknown");
        assert_eq!(get(&world, "good-token-alice").status, 200);
    }
}

/// Design rule 3: whoever sends odd tokens, one or many, and whatever they make the provider do: hang up, fail, be
/// silent.
#[test]
fn nobody_makes_a_provider_look_down_for_others() {
    let odd: [(&str, Reply); 7] = [
        ("500", Answer::status(500).into()),
        ("HTML", Answer::text(200, "text/html", "<p>").into()),
        ("431", Answer::status(431).into()),
        ("502", Answer::status(502).into()),
        ("504", Answer::status(504).into()),
        ("hang up", Reply::HangUp),
        ("silent", Reply::Silent(Duration::from_secs(3))),
    ];
    for (what, odd) in odd {
        let world = World::with_provider(move |request| match request.bearer() {
            Some(token) if token.starts_with("odd") => odd.clone(),
            _ => provider::keycloak(request),
        });
        let address = world.gateway.address;
        let stop = AtomicBool::new(false);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            // One client with many odd tokens, several at once, and nobody else for a while.
            for client in 0..4 {
                let (stop, asked) = (&stop, &asked);
                scope.spawn(move || {
                    let mut number = 0;
                    while !stop.load(Ordering::SeqCst) {
                        let response = client::get_as(address, "/rest", &format!("odd-{client}-{number}")).unwrap();
                        assert_refused(&response, 503, what);
                        asked.fetch_add(1, Ordering::SeqCst);
                        number += 1;
                        std::thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(2_500));
            // Then others, each with a token that is new.
            for number in 0..20 {
                let response = get(&world, &format!("good-token-user{number}"));
                if response.status != 200 {
                    stop.store(true, Ordering::SeqCst);
                    panic!("{what}: {} for the {number}th", response.status);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            stop.store(true, Ordering::SeqCst);
        });
        let asked = asked.load(Ordering::SeqCst);
        assert!(asked >= 8, "{what}: {asked}");
        assert!(!world.gateway.log().contains("is down"), "{what}");
        // What the gateway asks by itself is little, and carries nothing of anybody's.
        let seen = world.provider.seen();
        let bare: Vec<_> = seen.iter().filter(|request| request.header("authorization").is_none()).collect();
        assert!(bare.len() <= 6, "{what}: {} calls of the gateway's own", bare.len());
        for request in bare {
            assert_eq!((request.method.as_str(), request.path(), request.body.len()), ("GET", provider::USERINFO, 0));
        }
        world.assert_well();
    }
}

/// 300 slow questions: never more than the provider is asked at once, and all are answered.
#[test]
fn calls_at_once_are_bounded() {
    let at_once = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let most = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (now, peak) = (Arc::clone(&at_once), Arc::clone(&most));
    let world = World::build(
        move |request| {
            let count = now.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(count, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(100));
            now.fetch_sub(1, Ordering::SeqCst);
            provider::keycloak(request)
        },
        "",
        "",
        "",
    );
    let address = world.gateway.address;
    let threads: Vec<_> = (0..300)
        .map(|number| {
            std::thread::spawn(move || {
                client::get_as(address, "/rest", &format!("good-token-{number}")).map(|response| response.status)
            })
        })
        .collect();
    let statuses: Vec<u16> = threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let most = most.load(Ordering::SeqCst);
    assert!((16..=64).contains(&most), "{most} at once");
}

/// However long a call may take, its end is heard of: counted, and by what finds out that a provider is down.
#[test]
fn a_provider_that_is_silent_for_long_is_found_to_be_down() {
    let silent = |_: &portcullis_tests::wire::Request| Reply::Silent(Duration::from_secs(60));
    let world = World::build(silent, "timeout: 9s", "", "");
    let address = world.gateway.address;
    std::thread::scope(|scope| {
        for number in 0..6 {
            scope.spawn(move || {
                let response = client::get_as(address, "/rest", &format!("good-token-{number}")).unwrap();
                assert_refused(&response, 503, "silent");
                assert_unblamed(&response, "silent");
            });
        }
    });
    world.gateway.until_log_says("the provider is down", 1).unwrap();
    let silent = "portcullis_provider_calls_total{provider=\"staff\",outcome=\"silent\"}";
    assert!(world.gateway.metric(silent).unwrap() >= 6.0);
    assert_eq!(world.gateway.metric("portcullis_provider_down{provider=\"staff\"}").unwrap(), 1.0);
}

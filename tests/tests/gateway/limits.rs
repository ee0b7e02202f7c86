//! A provider's rate limits, as providers tell of them: obeyed for the credential or for the gateway as a whole,
//! whichever is limited, and nobody is refused for another one's.

use crate::world::{World, assert_refused, assert_unblamed, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::{Request, Response};
use portcullis_tests::{client, provider, upstream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Userinfo is asked with the caller's token, introspection as the gateway's client.
fn world(as_client: bool, cache: &str, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> World {
    let provider = Server::start(any_port(), script).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let mut config = config(&provider.url(), &upstream.url(), cache, "", "");
    if as_client {
        let client = "      mode: introspection\n      client_id: gate\n      client_secret: secret-secret\n";
        config = config.replace("      realm: demo\n", &format!("      realm: demo\n{client}"));
    }
    let gateway = Gateway::start(&config).unwrap();
    World { gateway, provider, upstream }
}

type Limits = Box<dyn Fn(Answer, u64) -> Answer + Send + Sync>;

/// A provider whose answers are changed by one of these, by number, the time of day at hand.
fn limited(as_client: bool, cache: &str, limits: Vec<Limits>) -> (World, Arc<AtomicUsize>) {
    let switch = Arc::new(AtomicUsize::new(0));
    let reads = Arc::clone(&switch);
    let script = move |request: &Request| match provider::keycloak(request) {
        Reply::Answer(answer) => limits[reads.load(Ordering::SeqCst)](answer, seconds()).into(),
        other => other,
    };
    (world(as_client, cache, script), switch)
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn as_it_is() -> Limits {
    Box::new(|answer, _| answer)
}

fn get(world: &World, token: &str) -> Response {
    client::get_as(world.gateway.address, "/rest", token).unwrap()
}

/// 429, nobody blamed, to be tried again within so many seconds.
fn assert_held(response: &Response, most: u32, what: &str) {
    assert_refused(response, 429, what);
    assert_unblamed(response, what);
    let wait: u32 = response.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=most).contains(&wait), "{what}: {wait}");
}

fn metric(world: &World, series: &str) -> f64 {
    world.gateway.metric(series).unwrap()
}

fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

#[test]
fn a_user_whose_last_call_it_was_is_not_asked_about_before_there_are_more() {
    type Told = fn(Answer, u64) -> Answer;
    let told: [(&str, Told); 4] = [
        ("GitHub's", |answer, now| {
            answer.with("X-RateLimit-Remaining", "0").with("X-RateLimit-Reset", &(now + 4).to_string())
        }),
        ("Okta's", |answer, now| {
            answer.with("X-Rate-Limit-Remaining", "0").with("X-Rate-Limit-Reset", &(now + 4).to_string())
        }),
        ("the older draft's", |answer, _| answer.with("RateLimit-Remaining", "0").with("RateLimit-Reset", "3")),
        ("the draft's", |answer, _| answer.with("RateLimit", "\"hour\";r=0;t=3, \"day\";r=7;t=9000")),
    ];
    std::thread::scope(|scope| {
        for (what, told) in told {
            scope.spawn(move || {
                let (world, switch) = limited(false, "cache: {ttl: 1s}", vec![Box::new(told), as_it_is()]);
                assert_eq!(get(&world, "good-token-alice").status, 200, "{what}");
                switch.store(1, Ordering::SeqCst);
                // Known for its time, and not renewed.
                sleep(850);
                assert_eq!(get(&world, "good-token-alice").status, 200, "{what}");
                sleep(400);
                for _ in 0..5 {
                    assert_held(&get(&world, "good-token-alice"), 3, what);
                }
                assert_eq!(world.provider.seen().len(), 1, "{what}: asked in spite of it");
                // It is nobody else's matter.
                assert_eq!(get(&world, "good-token-bob").status, 200, "{what}");
                sleep(3_000);
                assert_eq!(get(&world, "good-token-alice").status, 200, "{what}");
                assert_eq!(world.provider.seen().len(), 3, "{what}");
            });
        }
    });
}

/// A word about limits never makes a yes of a no, nor a no of anything.
#[test]
fn the_verdict_stays_what_it_is() {
    let told: Limits = Box::new(|answer, _| answer.with("X-RateLimit-Remaining", "0").with("X-RateLimit-Reset", "3"));
    let (world, _) = limited(false, "cache: none", vec![told]);
    assert_refused(&get(&world, "bad"), 401, "bad");
    assert_refused(&get(&world, "bad"), 401, "bad, again");
    assert_eq!(get(&world, "good-token-alice").status, 200);
    // Nothing is known of her with `cache: none`, but that the provider takes no more.
    assert_held(&get(&world, "good-token-alice"), 3, "alice");
    let calls = world.provider.seen().len();
    assert_eq!(calls, 3);
}

/// Where the adapter reads a failure, the gateway reads the limit (GitHub's way to say it, at a generic provider).
#[test]
fn a_403_for_a_limit_is_throttled_and_is_not_asked_again() {
    let told: fn() -> [Limits; 2] = || {
        let github = |_, now: u64| {
            Answer::status(403).with("X-RateLimit-Remaining", "0").with("X-RateLimit-Reset", &(now + 30).to_string())
        };
        [Box::new(github), Box::new(|_, _| Answer::status(403).with("Retry-After", "30"))]
    };
    for as_client in [false, true] {
        for told in told() {
            let (world, _) = limited(as_client, "cache: none", vec![told]);
            for _ in 0..3 {
                assert_held(&get(&world, "good-token-alice"), 30, "403");
            }
            assert_eq!(world.provider.seen().len(), 1);
        }
    }
}

#[test]
fn a_limit_on_the_gateways_own_client_is_everybodys_until_its_end() {
    let told: Limits = Box::new(|_, _| Answer::status(429).with("Retry-After", "3"));
    let (world, switch) = limited(true, "cache: {}", vec![as_it_is(), told]);
    assert_eq!(get(&world, "good-token-known").status, 200);
    switch.store(1, Ordering::SeqCst);
    world.provider.forget();
    let began = Instant::now();
    for number in 0..40 {
        assert_held(&get(&world, &format!("good-token-new{number}")), 3, "limited");
        assert_eq!(get(&world, "good-token-known").status, 200, "a known one");
    }
    let within = began.elapsed() < Duration::from_millis(2_500);
    assert!(within && world.provider.seen().len() == 2, "{:?}, {} calls", began.elapsed(), world.provider.seen().len());
    assert_eq!(metric(&world, "portcullis_provider_limited{provider=\"staff\"}"), 1.0);
    assert_eq!(metric(&world, "portcullis_provider_down{provider=\"staff\"}"), 0.0);
    let held = metric(&world, "portcullis_provider_calls_total{provider=\"staff\",outcome=\"held\"}");
    assert_eq!(held, 38.0);
    assert!(world.gateway.log().contains("limits the gateway as a whole"), "the log does not say it");
    // One finds out that it goes on.
    sleep(3_300);
    for number in 0..20 {
        assert_held(&get(&world, &format!("good-token-later{number}")), 3, "still");
    }
    assert_eq!(world.provider.seen().len(), 3);
    // One finds out that it is over, and then everybody is asked about.
    switch.store(0, Ordering::SeqCst);
    sleep(3_300);
    for number in 0..5 {
        assert_eq!(get(&world, &format!("good-token-after{number}")).status, 200);
    }
    assert_eq!(metric(&world, "portcullis_provider_limited{provider=\"staff\"}"), 0.0);
}

#[test]
fn the_clients_last_call_is_the_last_one_before_its_end() {
    let told: Limits = Box::new(|answer, _| answer.with("RateLimit-Remaining", "0").with("RateLimit-Reset", "3"));
    let (world, switch) = limited(true, "cache: {}", vec![told, as_it_is()]);
    assert_eq!(get(&world, "good-token-alice").status, 200);
    for number in 0..20 {
        assert_held(&get(&world, &format!("good-token-new{number}")), 3, "no call is left");
        assert_eq!(get(&world, "good-token-alice").status, 200, "a known one");
    }
    assert_eq!(world.provider.seen().len(), 1);
    switch.store(1, Ordering::SeqCst);
    sleep(3_100);
    assert_eq!(get(&world, "good-token-bob").status, 200);
}

/// One credential, however often it is limited, holds nobody else up: not with its own calls, nor with the client's.
#[test]
fn one_limited_credential_is_no_other_ones_matter() {
    for as_client in [false, true] {
        let script = |request: &Request| {
            let odd = request.bearer() == Some("odd") || request.body.windows(9).any(|part| part == b"token=odd");
            if odd { Answer::status(429).with("Retry-After", "1").into() } else { provider::keycloak(request) }
        };
        let world = world(as_client, "cache: none", script);
        let began = Instant::now();
        let mut number = 0;
        while began.elapsed() < Duration::from_secs(3) {
            assert_held(&get(&world, "odd"), 1, "odd");
            if number % 10 == 9 {
                assert_eq!(get(&world, &format!("good-token-user{number}")).status, 200);
            }
            number += 1;
            sleep(20);
        }
        let limited = metric(&world, "portcullis_provider_calls_total{provider=\"staff\",outcome=\"429\"}");
        assert!((2.0..=4.0).contains(&limited), "{limited} calls");
    }
}

/// Users' own limits, all at once and nobody answered: that is the gateway's address. Then one call a second finds out.
#[test]
fn many_limited_users_are_a_limit_on_the_gateway() {
    let told: Limits = Box::new(|_, _| Answer::status(429).with("Retry-After", "1800"));
    let (world, switch) = limited(false, "cache: {}", vec![as_it_is(), told]);
    assert_eq!(get(&world, "good-token-known").status, 200);
    switch.store(1, Ordering::SeqCst);
    world.provider.forget();
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < Duration::from_secs(3) {
        assert_held(&get(&world, &format!("good-token-new{sent}")), 1800, "limited");
        assert_eq!(get(&world, "good-token-known").status, 200, "a known one");
        sent += 1;
        sleep(5);
    }
    let calls = world.provider.seen().len();
    assert!(sent > 100 && (6..=5 + 4).contains(&calls), "{sent} requests, {calls} calls");
    switch.store(0, Ordering::SeqCst);
    let back = Instant::now();
    while get(&world, &format!("good-token-later{sent}")).status != 200 {
        sent += 1;
        assert!(back.elapsed() < Duration::from_secs(2), "still held");
        sleep(20);
    }
    for name in ["alice", "bob", "carol"] {
        assert_eq!(get(&world, &format!("good-token-{name}")).status, 200);
    }
}

/// Four at a time never are, nor any number of them while somebody is answered.
#[test]
fn limited_users_beside_others_are_their_own_matter() {
    let script = |request: &Request| match request.bearer() {
        Some(token) if token.starts_with("good-token-busy") => Answer::status(429).with("Retry-After", "60").into(),
        _ => provider::keycloak(request),
    };
    let world = world(false, "cache: none", script);
    for number in 0..100 {
        assert_held(&get(&world, &format!("good-token-busy{number}")), 60, "busy");
        if number % 4 == 3 {
            assert_eq!(get(&world, &format!("good-token-user{number}")).status, 200);
        }
    }
    assert_eq!(world.provider.seen().len(), 125);
}

use super::*;
use crate::config::{Fact, HeaderValues};
use portcullis_core::credential::BearerToken;
use portcullis_core::identity::{Actor, Email, Identity, Moment};
use portcullis_core::refusal::Cause;
use portcullis_core::secret::Secret;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECRET: [u8; 32] = [7; 32];
const START: Now = Now { running_ms: 5_000, wall_s: 1_700_000_000 };

fn after(ms: u64) -> Now {
    Now { running_ms: START.running_ms + ms, wall_s: START.wall_s + i64::try_from(ms / 1000).unwrap() }
}

fn bearer(token: &str) -> Credential {
    Credential::Bearer(BearerToken::new(token))
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic {
        username: Secret::new(username),
        password: Secret::new(password),
        presented: Secret::new("whatever"),
    }
}

fn known(username: &str) -> Arc<Known> {
    let identity = Identity::named(username, "username");
    let encoded = Encoded::of(&identity, &[(Fact::Username, HeaderValues::Refuse)]);
    Arc::new(Known { facts: Facts::of(&identity), encoded })
}

struct Fixture {
    cache: Cache,
    provider: Arc<str>,
}

impl Fixture {
    fn new() -> Self {
        Self { cache: Cache::new(SECRET), provider: "staff".into() }
    }

    fn key(&self, token: &str) -> (CredentialId, Key) {
        let id = self.cache.credential(&bearer(token));
        (id, self.cache.key(&id, self.provider.as_bytes(), b"1"))
    }

    fn keep(&self, token: &str, username: &str, now: Now, ttl_s: u64, expires: Option<i64>) {
        let (id, key) = self.key(token);
        let Some(lease) = Lease::grant(now, Duration::from_secs(ttl_s), expires, 0) else { return };
        let entry = Entry { provider: &self.provider, credential: &id, lease };
        self.cache.keep(key, entry, &known(username), self.cache.epoch());
    }

    fn refuse(&self, token: &str, now: Now, ttl_s: u64) {
        let (id, key) = self.key(token);
        let lease = Lease::grant(now, Duration::from_secs(ttl_s), None, 0).unwrap();
        let entry = Entry { provider: &self.provider, credential: &id, lease };
        self.cache.keep_refused(key, Some(entry), &Arc::new(Refusal::invalid("no")));
    }

    /// `Some(Ok(username))`, `Some(Err(()))`, or nothing.
    fn find(&self, token: &str, now: Now) -> Option<Result<String, ()>> {
        match self.cache.find(&self.key(token).1, now) {
            Found::Known(known, _) => Some(Ok(known.facts.username.as_ref().to_owned())),
            Found::Refused(refusal) => {
                assert_eq!(refusal.cause, Cause::InvalidToken);
                Some(Err(()))
            }
            Found::Expired | Found::Nothing => None,
        }
    }
}

#[test]
fn a_key_is_the_same_every_time_and_another_for_anything_else() {
    let cache = Cache::new(SECRET);
    let key = |credential: &Credential, provider: &str, generation: &[u8]| {
        cache.key(&cache.credential(credential), provider.as_bytes(), generation).0
    };
    let first = key(&bearer("token"), "staff", b"1");
    for _ in 0..100 {
        assert_eq!(key(&bearer("token"), "staff", b"1"), first);
    }
    let all = [
        first,
        key(&bearer("token2"), "staff", b"1"),
        key(&bearer("toke"), "nstaff", b"1"),
        key(&bearer("token"), "staff2", b"1"),
        key(&bearer("token"), "staff", b"2"),
        key(&bearer("token"), "staf", b"f1"),
        key(&basic("token", ""), "staff", b"1"),
        key(&basic("a", "bc"), "staff", b"1"),
        key(&basic("ab", "c"), "staff", b"1"),
        Cache::new([8; 32]).key(&Cache::new([8; 32]).credential(&bearer("token")), b"staff", b"1").0,
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn nothing_in_an_entry_or_a_key_is_the_token() {
    let fixture = Fixture::new();
    fixture.keep("canary-token", "alice", START, 60, None);
    let (id, key) = fixture.key("canary-token");
    for bytes in [id.0, key.0] {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
    }
    let shown = id.fingerprint().to_string();
    assert_eq!((shown.len(), Fingerprint::parse(&shown)), (16, Some(id.fingerprint())));
    for wrong in ["", "0", "00000000000000000", "+000000000000000", "g000000000000000"] {
        assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_flood_of_bad_tokens_pushes_nobody_out() {
    let fixture = Fixture::new();
    for number in 0..200 {
        fixture.keep(&format!("good-{number}"), "alice", START, 60, None);
    }
    for number in 0..200_000 {
        fixture.refuse(&format!("bad-{number}"), START, 5);
    }
    let [_, (count, bytes)] = fixture.cache.size();
    assert!(bytes <= BAD_BYTES_MAX && count > 1000, "{count} entries, {bytes} bytes");
    for number in 0..200 {
        assert!(fixture.find(&format!("good-{number}"), START).is_some(), "good-{number} is gone");
    }
}

#[test]
fn what_a_provider_refuses_is_not_known_any_more_and_the_other_way_round() {
    let fixture = Fixture::new();
    fixture.keep("t", "alice", START, 60, None);
    fixture.refuse("t", after(1), 5);
    assert_eq!(fixture.find("t", after(2)), Some(Err(())));
    assert_eq!(fixture.find("t", after(5_001)), None, "the identity came back");
    fixture.refuse("u", START, 5);
    fixture.keep("u", "bob", START, 60, None);
    assert_eq!(fixture.find("u", after(1)), Some(Ok("bob".to_owned())));
    // A scope that is gone is not remembered, and the old identity neither.
    let (_, key) = fixture.key("u");
    fixture.cache.keep_refused(key, None, &Arc::new(Refusal::invalid("x")));
    assert_eq!(fixture.find("u", after(2)), None);
}

#[test]
fn a_renewal_that_failed_is_not_tried_at_every_request() {
    let fixture = Fixture::new();
    fixture.keep("t", "alice", START, 60, None);
    let (_, key) = fixture.key("t");
    let due = |now| matches!(fixture.cache.find(&key, now), Found::Known(_, true));
    assert!(!due(after(47_000)) && due(after(49_000)));
    fixture.cache.renewal_failed(&key, after(50_000).running_ms);
    assert!(!due(after(49_500)) && due(after(50_000)));
    assert_eq!(fixture.find("t", after(60_000)), None, "a failed renewal prolonged it");
}

#[test]
fn what_is_forgotten_is_gone_and_no_more() {
    let fixture = Fixture::new();
    let fill = || {
        fixture.keep("a1", "alice", START, 60, None);
        fixture.keep("a2", "alice", START, 60, None);
        fixture.keep("b", "bob", START, 60, None);
        fixture.refuse("c", START, 60);
    };
    let left = || ["a1", "a2", "b", "c"].map(|token| fixture.find(token, START).is_some());
    let credential = Forget::Credential(fixture.key("a1").0.fingerprint());
    for (what, count, expected) in [
        (Forget::All, 4, [false; 4]),
        (Forget::Provider("staff".to_owned()), 4, [false; 4]),
        (Forget::Provider("other".to_owned()), 0, [true; 4]),
        (Forget::User("alice".to_owned()), 2, [false, false, true, true]),
        (credential, 1, [false, true, true, true]),
    ] {
        fill();
        assert_eq!(fixture.cache.forget(&what), count, "{what:?}");
        assert_eq!(left(), expected, "{what:?}");
    }
}

#[test]
fn an_answer_that_was_under_way_when_something_was_forgotten_is_not_kept() {
    let fixture = Fixture::new();
    let epoch = fixture.cache.epoch();
    fixture.cache.forget(&Forget::User("alice".to_owned()));
    let (id, key) = fixture.key("t");
    let lease = Lease::grant(START, Duration::from_secs(60), None, 0).unwrap();
    fixture.cache.keep(key, Entry { provider: &fixture.provider, credential: &id, lease }, &known("alice"), epoch);
    assert_eq!(fixture.find("t", START), None);
}

/// As Keycloak's introspection tells it in some 500 bytes: every list that rules can read is there.
fn member(number: usize) -> Known {
    let texts = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect());
    let identity = Identity {
        kind: Actor::User,
        subject: Some(format!("7d1c8f0e-5a0b-4f5e-9a55-{number:012}")),
        issuer: Some("https://sso.example.com/realms/staff".to_owned()),
        email: Some(Email { address: format!("member.{number}@example.com"), verified: Some(true) }),
        groups: texts(&["/staff", "/docs/writers", "/administrators"]),
        scopes: texts(&["openid", "email", "profile"]),
        audiences: texts(&["confluence-api"]),
        client: Some("confluence-web".to_owned()),
        expires: Some(Moment::At(START.wall_s + 3600)),
        ..Identity::named(format!("member.{number}"), "preferred_username")
    };
    let needs = [(Fact::Username, HeaderValues::Refuse), (Fact::Groups, HeaderValues::Refuse)];
    Known { facts: Facts::of(&identity), encoded: Encoded::of(&identity, &needs) }
}

/// Run again, alone in a process of its own: what others allocate meanwhile would count.
#[test]
fn a_hundred_thousand_identities_take_less_than_64_mib() {
    const ALONE: &str = "PORTCULLIS_TESTS_ALONE";
    const COUNT: usize = 100_000;
    if std::env::var_os(ALONE).is_none() {
        let this = "decision::cache::tests::a_hundred_thousand_identities_take_less_than_64_mib";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", this, "--nocapture"]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    let before = resident();
    let fixture = Fixture::new();
    for number in 0..COUNT {
        let (id, key) = fixture.key(&number.to_string());
        let lease = Lease::grant(START, Duration::from_secs(3600), None, 0).unwrap();
        let entry = Entry { provider: &fixture.provider, credential: &id, lease };
        fixture.cache.keep(key, entry, &Arc::new(member(number)), fixture.cache.epoch());
    }
    for number in 0..COUNT {
        assert_eq!(fixture.find(&number.to_string(), START), Some(Ok(format!("member.{number}"))));
    }
    let (taken, [(count, counted), _]) = (resident() - before, fixture.cache.size());
    println!("{count} identities: {taken} bytes resident, {counted} counted");
    assert_eq!(count, COUNT);
    assert!(taken <= 64 * 1024 * 1024, "{taken} bytes");
    // What the cache believes is what it is bounded by: it may not be far from the truth.
    assert!(counted.abs_diff(taken) * 10 <= taken, "{taken} bytes were counted as {counted}");
}

#[derive(Debug, Clone)]
enum Step {
    Keep { token: u8, user: u8, ttl_s: u64, expires_in_s: Option<i64> },
    Refuse { token: u8, ttl_s: u64 },
    Forget { user: u8 },
    Wait { ms: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let expires = proptest::option::of(prop_oneof![
        -100_i64..200,
        Just(i64::MAX - START.wall_s - 100_000),
        Just(i64::MIN / 2),
        Just(10),
        Just(11)
    ]);
    let step = prop_oneof![
        4 => (0..4_u8, 0..3_u8, 1..100_u64, expires)
            .prop_map(|(token, user, ttl_s, expires_in_s)| Step::Keep { token, user, ttl_s, expires_in_s }),
        2 => (0..4_u8, 1..20_u64).prop_map(|(token, ttl_s)| Step::Refuse { token, ttl_s }),
        1 => (0..3_u8).prop_map(|user| Step::Forget { user }),
        4 => (1..40_000_u64).prop_map(|ms| Step::Wait { ms }),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    /// Against a map that simply remembers until when each said what.
    #[test]
    fn it_says_what_a_plain_map_would(steps in steps()) {
        let fixture = Fixture::new();
        // Token -> what was said last, and until when by the running clock.
        let mut model: BTreeMap<u8, (Result<String, ()>, u64)> = BTreeMap::new();
        let mut passed_ms = 0;
        for step in steps {
            let now = after(passed_ms);
            match step {
                Step::Keep { token, user, ttl_s, expires_in_s } => {
                    let expires = expires_in_s.map(|left| now.wall_s.saturating_add(left));
                    fixture.keep(&token.to_string(), &user.to_string(), now, ttl_s, expires);
                    let left_s = expires_in_s.map_or(ttl_s, |left| u64::try_from(left.saturating_sub(10)).unwrap_or(0).min(ttl_s));
                    if left_s > 0 {
                        model.insert(token, (Ok(user.to_string()), passed_ms + left_s * 1000));
                    }
                }
                Step::Refuse { token, ttl_s } => {
                    fixture.refuse(&token.to_string(), now, ttl_s);
                    model.insert(token, (Err(()), passed_ms + ttl_s * 1000));
                }
                Step::Forget { user } => {
                    fixture.cache.forget(&Forget::User(user.to_string()));
                    model.retain(|_, (said, _)| *said != Ok(user.to_string()));
                }
                Step::Wait { ms } => passed_ms += ms,
            }
            for token in 0..4_u8 {
                let found = fixture.find(&token.to_string(), after(passed_ms));
                let expected = model.get(&token).filter(|(_, until)| passed_ms < *until).map(|(said, _)| said.clone());
                // The wall clock counts whole seconds, so a token's own end may come up to a second early. Never late.
                if found != expected {
                    let early = found.is_none()
                        && model.get(&token).is_some_and(|(said, until)| said.is_ok() && until - passed_ms <= 1000);
                    prop_assert!(early, "token {}: found {:?}, expected {:?}", token, found, expected);
                }
            }
        }
    }
}

//! What is counted and measured, for Prometheus (OpenMetrics text). docs/operations.md says what to watch.
//!
//! One set for the process. Labels are names of the configuration and fixed words, never anything that a client or a provider
//! sent: neither a secret nor an endless number of series can come of them.

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Upper bounds of what takes a network's time, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// Upper bounds of what a computation takes, in seconds.
const SHORT_SECONDS: [f64; 8] = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.01, 0.1];

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// A name of the configuration, shared: to count under it allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name(Arc<str>);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    /// Its place in the file; empty where there is none.
    route: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    route: Option<u64>,
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfProvider {
    provider: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    provider: Name,
    source: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    provider: Name,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAdapter {
    adapter: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

/// All of them.
pub struct Metrics {
    registry: Registry,
    decisions: Family<Decided, Counter>,
    requests: Histograms<OfRoute>,
    verdicts: Family<Verdict, Counter>,
    calls: Family<Called, Counter>,
    call_time: Histograms<OfProvider>,
    adapter_time: Histograms<OfAdapter>,
    basic_refused: Family<OfRoute, Counter>,
    connections_refused: Counter,
    reloads: Family<Ended, Counter>,
    stale: Gauge,
    loaded_at: Gauge<f64, AtomicU64>,
    certificate_ends: Gauge,
}

/// The process's.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let short: fn() -> Histogram = || Histogram::new(SHORT_SECONDS);
        let mut new = Self {
            decisions: Family::default(),
            requests: Family::new_with_constructor(seconds),
            verdicts: Family::default(),
            calls: Family::default(),
            call_time: Family::new_with_constructor(seconds),
            adapter_time: Family::new_with_constructor(short),
            basic_refused: Family::default(),
            connections_refused: Counter::default(),
            reloads: Family::default(),
            stale: Gauge::default(),
            loaded_at: Gauge::default(),
            certificate_ends: Gauge::default(),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register("decisions", "Requests, by route and what became of them", new.decisions.clone());
        r.register("request_seconds", "From a request's head to its answer's, by route", new.requests.clone());
        r.register(
            "verdicts",
            "Verdicts used, by provider, where each came from, and what it was",
            new.verdicts.clone(),
        );
        r.register("provider_calls", "Calls to a provider, by what came of them", new.calls.clone());
        r.register("provider_call_seconds", "From sending to the end of the answer", new.call_time.clone());
        r.register("adapter_seconds", "What an adapter took to read answers", new.adapter_time.clone());
        r.register("basic_refused", "Requests with Basic on a route that blocks it", new.basic_refused.clone());
        r.register(
            "connections_refused",
            "Connections closed at once: their clients had as many as one may have",
            new.connections_refused.clone(),
        );
        r.register("reloads", "Changes of configuration or adapters, by outcome", new.reloads.clone());
        r.register(
            "configuration_stale",
            "1 while what is on disk does not serve: it could not be taken, or is being read",
            new.stale.clone(),
        );
        r.register("configuration_loaded_timestamp_seconds", "When what serves was read", new.loaded_at.clone());
        r.register(
            "certificate_end_timestamp_seconds",
            "When the listener's first certificate ends; 0 without TLS",
            new.certificate_ends.clone(),
        );
        new.registry = registry;
        // A series that begins at 1 is no increase to Prometheus.
        for outcome in ["ok", "failed"] {
            drop(new.reloads.get_or_create(&Ended { outcome }));
        }
        drop(new.decisions.get_or_create(&Decided { route: None, decision: "overloaded" }));
        new
    }

    /// A request was answered.
    pub fn decided(&self, route: Option<usize>, decision: &'static str, took: Duration) {
        let route = route.and_then(|index| u64::try_from(index).ok());
        self.requests.get_or_create(&OfRoute { route }).observe(took.as_secs_f64());
        self.decisions.get_or_create(&Decided { route, decision }).inc();
    }

    /// A verdict was used.
    pub fn verdict(&self, provider: &Arc<str>, source: &'static str, outcome: &'static str) {
        self.verdicts.get_or_create(&Verdict { provider: Name(Arc::clone(provider)), source, outcome }).inc();
    }

    /// A call ended, or was not made.
    pub fn called(&self, provider: &Arc<str>, outcome: &'static str, took: Option<Duration>) {
        let provider = Name(Arc::clone(provider));
        if let Some(took) = took {
            self.call_time.get_or_create(&OfProvider { provider: provider.clone() }).observe(took.as_secs_f64());
        }
        self.calls.get_or_create(&Called { provider, outcome }).inc();
    }

    /// An adapter read answers.
    pub fn adapter(&self, name: &str, took: Duration) {
        self.adapter_time.get_or_create(&OfAdapter { adapter: Name(name.into()) }).observe(took.as_secs_f64());
    }

    /// Somebody came with Basic where it is blocked.
    pub fn basic_refused(&self, route: Option<usize>) {
        let route = route.and_then(|index| u64::try_from(index).ok());
        self.basic_refused.get_or_create(&OfRoute { route }).inc();
    }

    /// A connection was closed, since its client had as many as one may have.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// What serves was read just now.
    pub fn loaded(&self) {
        self.loaded_at.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    }

    /// The listener has this certificate from now on; when it ends, in seconds since 1970, where it tells.
    pub fn certificate(&self, ends: Option<i64>) {
        self.certificate_ends.set(ends.unwrap_or(0));
    }

    /// A reload has begun: what is on disk does not serve yet.
    pub fn reloading(&self) {
        self.stale.set(1);
    }

    /// A reload ended well, or badly: then what is on disk does not serve.
    pub fn reloaded(&self, well: bool) {
        self.stale.set(i64::from(!well));
        self.reloads.get_or_create(&Ended { outcome: if well { "ok" } else { "failed" } }).inc();
    }

    /// The whole text, with what is only looked at when somebody asks.
    #[must_use]
    pub fn text(&self, gauges: &[GaugeNow]) -> String {
        let mut now = Registry::default();
        for GaugeNow { name, help, values } in gauges {
            if let [(labels, value)] = values.as_slice()
                && labels.is_empty()
            {
                let gauge: Gauge<f64, AtomicU64> = Gauge::default();
                gauge.set(*value);
                now.register(*name, *help, gauge);
                continue;
            }
            let family: Family<Vec<(&'static str, String)>, Gauge<f64, AtomicU64>> = Family::default();
            for (labels, value) in values {
                family.get_or_create(labels).set(*value);
            }
            now.register(*name, *help, family);
        }
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode_registry(&mut text, &self.registry);
        let _ = encode_registry(&mut text, &now);
        let _ = encode_eof(&mut text);
        text
    }
}

/// A gauge as it stands at a scrape: its name, its help, and the value of each set of labels.
#[derive(Debug)]
pub struct GaugeNow {
    name: &'static str,
    help: &'static str,
    values: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl GaugeNow {
    /// One of several, each under this label.
    #[must_use]
    pub fn each(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        Self { name, help, values: values.into_iter().map(|(of, value)| (vec![(label, of)], value)).collect() }
    }

    /// One alone.
    #[must_use]
    pub fn one(name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, values: vec![(Vec::new(), value)] }
    }
}

/// How many descriptors the process may have open; `None` where the system does not tell.
#[must_use]
pub fn descriptors_max() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// The process, by the names that Prometheus' own clients give these. Nothing where `/proc` is not.
#[must_use]
pub fn process() -> Vec<GaugeNow> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).ok();
    let word = |text: &str, begins: &str, at: usize| {
        text.lines().find(|line| line.starts_with(begins))?.split_whitespace().nth(at)?.parse::<f64>().ok()
    };
    let status = read("status").unwrap_or_default();
    let resident = word(&status, "VmRSS:", 1).map(|kib| kib * 1024.0);
    let threads = word(&status, "Threads:", 1);
    let descriptors = std::fs::read_dir("/proc/self/fd").ok().map(|open| open.count());
    let most = descriptors_max().and_then(|most| u32::try_from(most).ok()).map(f64::from);
    let gauge = |name, help, value: Option<f64>| value.map(|value| GaugeNow::one(name, help, value));
    [
        gauge("process_resident_memory_bytes", "Resident memory", resident),
        gauge("process_threads", "Threads", threads),
        gauge(
            "process_open_fds",
            "Open file descriptors",
            descriptors.and_then(|count| u32::try_from(count).ok()).map(f64::from),
        ),
        gauge("process_max_fds", "How many of them there may be", most),
        Some(GaugeNow::each(
            "portcullis_build",
            "1, with the version",
            "version",
            [(env!("CARGO_PKG_VERSION").to_owned(), 1.0)],
        )),
    ]
    .into_iter()
    .flatten()
    .collect()
}

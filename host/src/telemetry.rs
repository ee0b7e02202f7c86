//! The log: lines on standard error, as text or as JSON.
//!
//! The libraries that speak HTTP and TLS write bytes of headers to their debug and trace logs, and so credentials. Whatever
//! the operator asks for, they are held at `info`.

use std::io::IsTerminal as _;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;

/// The variable that sets what is logged: `debug`, or `info,portcullis::access=off`.
pub const FILTER_VARIABLE: &str = "PORTCULLIS_LOG";
/// The variable that sets the form: `json`, or anything else for text.
pub const FORMAT_VARIABLE: &str = "PORTCULLIS_LOG_FORMAT";

/// Crates that see credentials in the clear. At `warn` unless named in the filter, never beyond `info`.
const CAPPED: [&str; 12] = [
    "axum",
    "h2",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "httparse",
    "reqwest",
    "rustls",
    "tokio_rustls",
    "tower",
    "tower_http",
    "want",
];

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is malformed.
    #[error("{FILTER_VARIABLE} is no filter ({0}): write a level, or `target=level` pairs with commas")]
    Filter(#[from] ParseError),
    /// Something else has set up logging in this process.
    #[error("logging was set up before")]
    Twice,
}

/// Sets up logging for the process, from the environment.
///
/// # Errors
/// A malformed filter.
pub fn init() -> Result<(), TelemetryError> {
    let filter = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let json = std::env::var(FORMAT_VARIABLE).is_ok_and(|format| format.eq_ignore_ascii_case("json"));
    let subscriber = subscriber(&filter, json, std::io::stderr().is_terminal(), std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)
}

fn subscriber<W>(
    filter: &str,
    json: bool,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = directives(filter)?.and(filter_fn(is_within_cap));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    Ok(if json {
        Box::new(registry().with(lines.json().flatten_event(true).with_filter(filter)))
    } else {
        Box::new(registry().with(lines.with_ansi(colours).with_filter(filter)))
    })
}

fn directives(wanted: &str) -> Result<EnvFilter, ParseError> {
    let mut all = String::from("info");
    for capped in CAPPED {
        all.push_str(&format!(",{capped}=warn"));
    }
    // Later directives win over earlier ones for the same target.
    if !wanted.trim().is_empty() {
        all.push(',');
        all.push_str(wanted.trim());
    }
    EnvFilter::try_new(all)
}

fn is_within_cap(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || {
        let name = metadata.target().split("::").next().unwrap_or("");
        !CAPPED.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, json: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(filter, json, false, move || writer.clone()).expect("filter");
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "hyper::proto::h1", "canary of hyper");
            tracing::debug!(target: "h2::codec", "canary of h2");
            tracing::trace!(target: "hyper_util", "canary of hyper_util");
            tracing::debug!(target: "reqwest::connect", "canary of reqwest");
            tracing::debug!(target: "rustls::client", "canary of rustls");
            tracing::info!(target: "hyper", "info of hyper");
            tracing::warn!(target: "hyper", "warning of hyper");
            tracing::debug!(target: "portcullis::gateway", "detail of ours");
            tracing::info!(target: "portcullis::access", status = 200, "line of ours");
        });
        String::from_utf8(lines.0.lock().expect("lock").clone()).expect("UTF-8")
    }

    #[test]
    fn no_filter_opens_the_libraries_that_see_credentials() {
        for filter in
            ["trace", "hyper=trace,h2=trace,hyper_util=trace,reqwest=debug,rustls=trace", "debug,hyper::proto=trace"]
        {
            for json in [false, true] {
                let log = logged(filter, json);
                assert!(!log.contains("canary"), "{filter}: {log}");
                assert!(log.contains("warning of hyper"), "{filter}: {log}");
            }
        }
        assert!(logged("trace", false).contains("detail of ours"));
        assert!(!logged("trace", false).contains("info of hyper"));
        assert!(logged("hyper=info", false).contains("info of hyper"));
    }

    #[test]
    fn info_by_default_and_silent_where_told() {
        let log = logged("", false);
        assert!(log.contains("line of ours") && !log.contains("detail of ours"), "{log}");
        assert!(!logged("portcullis::access=off", false).contains("line of ours"));
    }

    #[test]
    fn json_has_one_object_a_line() {
        let log = logged("", true);
        for line in log.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(line["level"].is_string(), "{line}");
        }
        assert!(log.contains(r#""status":200"#), "{log}");
    }

    #[test]
    fn a_malformed_filter_is_an_error() {
        assert!(subscriber("info,=x=y", false, false, std::io::sink).is_err());
    }
}

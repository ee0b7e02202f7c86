//! One request to a provider as it goes out, and what comes back; and who carries it: the network, or recorded cases.

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use portcullis_core::secret::Secret;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use url::Url;

/// A rendered request. It holds the credential, so it has no `Display`, and `Debug` shows none of what could hold it.
#[derive(Clone)]
pub struct Call {
    /// Names the answer.
    pub label: String,
    /// GET or POST.
    pub method: http::Method,
    /// Without credential or secret, always.
    pub url: Arc<Url>,
    /// All headers; values that may hold the credential are marked as sensitive.
    pub headers: HeaderMap,
    /// May hold the credential.
    pub body: Option<Secret>,
    /// The assertion that names the gateway in it, where there is one: for masking.
    pub assertion: Option<Secret>,
    /// Whether it fetches a document of the plan: such a call carries neither credential nor secret.
    pub document: bool,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("label", &self.label).field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Call {
    /// A document's request: GET, no credential.
    pub(super) fn document(label: &str, url: Arc<Url>, accept: HeaderValue) -> Self {
        Self {
            label: label.to_owned(),
            method: http::Method::GET,
            url,
            headers: [(ACCEPT, accept), (USER_AGENT, HeaderValue::from_static(super::render::OUR_NAME))]
                .into_iter()
                .collect(),
            body: None,
            assertion: None,
            document: true,
        }
    }
}

/// A response as it came, bounded, not yet judged.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// At most [`BODY_BYTES_MAX`].
    pub body: Bytes,
}

/// The largest answer, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A call that brought no response. Messages hold no URL, header or body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFault {
    /// No connection: refused, unknown host, TLS.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// The deadline passed.
    #[error("{host} did not answer within {limit_ms} ms")]
    Silent {
        /// Host and port.
        host: String,
        /// The limit.
        limit_ms: u128,
    },
    /// The connection broke, or what came was no HTTP.
    #[error("the answer of {host} broke off: {reason}")]
    Broken {
        /// Host and port.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// More than [`BODY_BYTES_MAX`].
    #[error("the answer of {host} is larger than {max} bytes", max = BODY_BYTES_MAX)]
    TooLarge {
        /// Host and port.
        host: String,
    },
    /// A recorded case has no such exchange.
    #[error("{0}")]
    NotRecorded(String),
}

/// A future in a box, since transports are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who carries calls to a provider.
pub trait Transport: Send + Sync {
    /// Makes one call, once; follows no redirect.
    fn carry(&self, call: Call) -> BoxFuture<'_, Result<Raw, CallFault>>;
}

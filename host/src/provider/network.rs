//! Calls over the network: pooled connections for each provider, no redirects, no proxy that the operator did not write.

use super::call::{BODY_BYTES_MAX, BoxFuture, Call, CallFault, Raw, Transport};
use super::render::host;
use crate::config::{ClientCertificate, ProviderConfig};
use crate::http_client::{Client, Fault, Identity, Keep, Options, Tls, TlsError};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::{Position, Url};
use zeroize::Zeroizing;

/// How long a connection may take to come up, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that are kept, for each origin.
const KEEP: Keep = Keep { idle_max: 64, idle_timeout: Duration::from_secs(60) };
/// Origins for which a client is kept even if it has no connection. (A provider has few; documents may name others.)
const CLIENTS_MAX: usize = 32;
/// The largest head of an answer over HTTP/2 that comes through a proxy, in bytes.
const PROXIED_HEAD_BYTES_MAX: u32 = 64 * 1024;

/// The network as one provider sees it.
#[derive(Debug)]
pub struct Network {
    road: Road,
    timeout: Duration,
}

#[derive(Debug)]
enum Road {
    Direct(Direct),
    /// Through the provider's `proxy`.
    Proxied(reqwest::Client),
}

/// Why a call brought nothing, before it is known of which host.
enum Trouble {
    Unreachable(String),
    Silent,
    Broken(String),
    TooLarge,
}

impl Network {
    /// Makes the provider's client.
    ///
    /// # Errors
    ///
    /// When the private CA, the certificate or the proxy cannot be used; in words that name the setting.
    pub fn new(config: &ProviderConfig) -> Result<Self, String> {
        let road = match &config.proxy {
            None => Road::Direct(Direct::new(config)?),
            Some(proxy) => Road::Proxied(proxied(config, proxy)?),
        };
        Ok(Self { road, timeout: config.timeout })
    }

    async fn send(&self, call: Call) -> Result<Raw, CallFault> {
        let url = Arc::clone(&call.url);
        let sent = async {
            match &self.road {
                Road::Direct(direct) => direct.send(call).await,
                Road::Proxied(client) => through_a_proxy(client, call).await,
            }
        };
        let sent = tokio::time::timeout(self.timeout, sent).await.unwrap_or(Err(Trouble::Silent));
        sent.map_err(|trouble| {
            let host = host(&url);
            match trouble {
                Trouble::Unreachable(reason) => CallFault::Unreachable { host, reason },
                Trouble::Silent => CallFault::Silent { host, limit_ms: self.timeout.as_millis() },
                Trouble::Broken(reason) => CallFault::Broken { host, reason },
                Trouble::TooLarge => CallFault::TooLarge { host },
            }
        })
    }
}

impl Transport for Network {
    fn carry(&self, call: Call) -> BoxFuture<'_, Result<Raw, CallFault>> {
        Box::pin(self.send(call))
    }
}

type DirectClient = Client<Full<Bytes>>;

/// Straight to the provider.
#[derive(Debug)]
struct Direct {
    /// A system without authorities matters only where https is spoken.
    tls: Result<Tls, TlsError>,
    options: Options,
    /// By scheme, host and port.
    clients: Mutex<HashMap<String, Arc<DirectClient>>>,
}

impl Direct {
    fn new(config: &ProviderConfig) -> Result<Self, String> {
        let identity = config.client_certificate.as_ref().map(|ClientCertificate { chain_pem, key_pem }| Identity {
            chain_pem,
            key_pem: key_pem.reveal().as_bytes(),
        });
        let tls = Tls::new(config.ca_pem.as_deref(), identity);
        match tls {
            Err(TlsError::Identity) => {
                return Err("`tls.client_cert` and `tls.client_key` are no usable pair".to_owned());
            }
            Err(error @ (TlsError::NoCertificate | TlsError::Certificate)) => {
                return Err(format!("`tls.ca_file` {error}"));
            }
            _ => {}
        }
        let options = Options { connect_timeout: CONNECT_TIMEOUT, keep: config.reuse.then_some(KEEP) };
        Ok(Self { tls, options, clients: Mutex::default() })
    }

    async fn send(&self, call: Call) -> Result<Raw, Trouble> {
        let client = self.client(&call.url).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let body = call.body.map(|body| Bytes::copy_from_slice(body.reveal().as_bytes())).unwrap_or_default();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = call.method;
        *request.headers_mut() = call.headers;
        let path = call.url[Position::BeforePath..Position::AfterQuery].parse();
        *request.uri_mut() = path.map_err(|_| Trouble::Broken("the URL has no path that HTTP can take".to_owned()))?;
        let response = client.send(request).await.map_err(|fault| match fault {
            Fault::Connect(cause) => Trouble::Unreachable(innermost(&cause)),
            Fault::Broken(cause) => Trouble::Broken(innermost(&cause)),
        })?;
        let (head, body) = response.into_parts();
        let body = bounded(body).await.map_err(|error| error.map_or(Trouble::TooLarge, |error| broken(&error)))?;
        Ok(raw(head.status, head.headers, body))
    }

    fn client(&self, url: &Url) -> Result<Arc<DirectClient>, TlsError> {
        let origin = &url[..Position::BeforePath];
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(origin) {
            return Ok(Arc::clone(client));
        }
        if clients.len() >= CLIENTS_MAX {
            clients.retain(|_, client| client.is_connected());
        }
        let tls = if url.scheme() == "https" { Some(self.tls.as_ref().map_err(|error| *error)?) } else { None };
        let client = Arc::new(Client::new(url, tls, self.options)?);
        clients.insert(origin.to_owned(), Arc::clone(&client));
        Ok(client)
    }
}

/// A client for calls through a proxy, which [`Client`] does not speak to. Whether something unread is on its connections
/// cannot be seen, so that none is used twice.
fn proxied(config: &ProviderConfig, proxy: &str) -> Result<reqwest::Client, String> {
    // Once for the process; a second time is no error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .http2_max_header_list_size(PROXIED_HEAD_BYTES_MAX)
        .proxy(reqwest::Proxy::all(proxy).map_err(|_| "`proxy` is no usable proxy URL".to_owned())?);
    if let Some(pem) = &config.ca_pem {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| format!("`tls.ca_file` holds no usable certificate: {error}"))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(ClientCertificate { chain_pem, key_pem }) = &config.client_certificate {
        let mut pem = Zeroizing::new(key_pem.reveal().as_bytes().to_vec());
        pem.push(b'\n');
        pem.extend_from_slice(chain_pem);
        let identity = reqwest::Identity::from_pem(&pem)
            .map_err(|_| "`tls.client_cert` and `tls.client_key` are no usable pair".to_owned())?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| format!("no HTTP client: {}", innermost(&error)))
}

async fn through_a_proxy(client: &reqwest::Client, call: Call) -> Result<Raw, Trouble> {
    let mut request = reqwest::Request::new(call.method, Url::clone(&call.url));
    *request.headers_mut() = call.headers;
    *request.body_mut() = call.body.map(|body| body.reveal().to_owned().into());
    let trouble = |error: reqwest::Error| {
        if error.is_connect() { Trouble::Unreachable(innermost(&error)) } else { broken(&error) }
    };
    let mut response = client.execute(request).await.map_err(trouble)?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = bounded(reqwest::Body::from(response)).await;
    let body = body.map_err(|error| error.map_or(Trouble::TooLarge, |error| broken(&error)))?;
    Ok(raw(status, headers, body))
}

fn broken(error: &dyn std::error::Error) -> Trouble {
    Trouble::Broken(innermost(error))
}

fn raw(status: http::StatusCode, headers: HeaderMap, body: Bytes) -> Raw {
    Raw { status: status.as_u16(), headers, body }
}

/// The whole of a body; `None`: it is larger than [`BODY_BYTES_MAX`].
async fn bounded<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, Option<B::Error>> {
    let mut body = pin!(body);
    // Nearly always the whole of it, and then it is not copied.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(Some)?.into_data() else { continue };
        if first.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
        }
        if first.len().max(all.len()) > BODY_BYTES_MAX {
            return Err(None);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The innermost cause: the outer ones repeat the URL.
#[must_use]
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::mpsc;

    fn answer(stream: &mut TcpStream, body: &str) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            head.extend_from_slice(&byte);
        }
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    }

    /// The runtime has one thread, which is blocked until the surplus is there: only the kernel has it when the second call
    /// goes out.
    #[tokio::test]
    async fn what_a_provider_sends_unasked_is_no_other_calls_answer() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url: Url = format!("http://{}/userinfo", listener.local_addr().unwrap()).parse().unwrap();
        let (ask, asked) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let (mut first, _) = listener.accept().unwrap();
            answer(&mut first, "alice");
            asked.recv().unwrap();
            first.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalice").unwrap();
            tell.send(()).unwrap();
            std::thread::spawn(move || answer(&mut first, "late"));
            let (mut second, _) = listener.accept().unwrap();
            answer(&mut second, "bob");
        });
        let options = Options { connect_timeout: CONNECT_TIMEOUT, keep: Some(KEEP) };
        let direct = Direct { tls: Err(TlsError::NoRoots), options, clients: Mutex::default() };
        let network = Network { road: Road::Direct(direct), timeout: Duration::from_secs(5) };
        let call = || Call::document("userinfo", Arc::new(url.clone()), HeaderValue::from_static("*/*"));
        assert_eq!(network.carry(call()).await.unwrap().body, "alice");
        tokio::time::sleep(Duration::from_millis(50)).await;
        ask.send(()).unwrap();
        told.recv().unwrap();
        assert_eq!(network.carry(call()).await.unwrap().body, "bob");
    }

    #[tokio::test]
    async fn a_body_is_bounded_and_put_together() {
        let chunks = |sizes: &[usize]| {
            let frames: Vec<_> =
                sizes.iter().map(|size| Ok::<_, ()>(http_body::Frame::data(vec![b'a'; *size].into()))).collect();
            http_body_util::StreamBody::new(futures_util::stream::iter(frames))
        };
        for (sizes, expected) in [
            (&[][..], Some(0)),
            (&[3], Some(3)),
            (&[0, 3, 0, 4], Some(7)),
            (&[BODY_BYTES_MAX], Some(BODY_BYTES_MAX)),
            (&[BODY_BYTES_MAX - 1, 1], Some(BODY_BYTES_MAX)),
            (&[BODY_BYTES_MAX + 1], None),
            (&[BODY_BYTES_MAX, 1], None),
        ] {
            assert_eq!(bounded(chunks(sizes)).await.ok().map(|body| body.len()), expected, "{sizes:?}");
        }
    }
}

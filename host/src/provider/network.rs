//! Calls over the network: one pooled client for each provider, no redirects, no proxy that the operator did not write.

use super::call::{BODY_BYTES_MAX, BoxFuture, Call, CallFault, Raw, Transport};
use super::render::host;
use crate::config::{ClientCertificate, ProviderConfig};
use bytes::BytesMut;
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// How long a connection may take to come up, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest head of an answer over HTTP/2, in bytes. (HTTP/1.1 heads are bounded by hyper.)
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// The network as one provider sees it.
#[derive(Debug)]
pub struct Network {
    client: reqwest::Client,
    timeout: Duration,
}

impl Network {
    /// Makes the provider's client.
    ///
    /// # Errors
    ///
    /// When the private CA or the proxy cannot be used; in words that name the setting.
    pub fn new(config: &ProviderConfig) -> Result<Self, String> {
        // Once for the process; a second time is no error.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(config.timeout)
            .pool_max_idle_per_host(64)
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true)
            .http2_max_header_list_size(HEAD_BYTES_MAX);
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
        if let Some(proxy) = &config.proxy {
            builder =
                builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| "`proxy` is no usable proxy URL".to_owned())?);
        }
        let client = builder.build().map_err(|error| format!("no HTTP client: {}", innermost(&error)))?;
        Ok(Self { client, timeout: config.timeout })
    }

    async fn send(&self, call: Call) -> Result<Raw, CallFault> {
        let url = call.url;
        let fault = |error: reqwest::Error| self.fault(&url, &error);
        let mut request = reqwest::Request::new(call.method, Url::clone(&url));
        *request.headers_mut() = call.headers;
        *request.body_mut() = call.body.map(|body| body.reveal().to_owned().into());
        let mut response = self.client.execute(request).await.map_err(fault)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        // Nearly always the whole of it, and then it is not copied.
        let first = response.chunk().await.map_err(fault)?.unwrap_or_default();
        let mut all = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
            if all.len() > BODY_BYTES_MAX {
                return Err(CallFault::TooLarge { host: host(&url) });
            }
        }
        let body = if all.is_empty() { first } else { all.freeze() };
        if body.len() > BODY_BYTES_MAX {
            return Err(CallFault::TooLarge { host: host(&url) });
        }
        Ok(Raw { status, headers, body })
    }

    fn fault(&self, url: &Url, error: &reqwest::Error) -> CallFault {
        let (host, reason) = (host(url), innermost(error));
        if error.is_connect() {
            CallFault::Unreachable { host, reason }
        } else if error.is_timeout() {
            CallFault::Silent { host, limit_ms: self.timeout.as_millis() }
        } else {
            CallFault::Broken { host, reason }
        }
    }
}

impl Transport for Network {
    fn carry(&self, call: Call) -> BoxFuture<'_, Result<Raw, CallFault>> {
        Box::pin(self.send(call))
    }
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

//! The TLS of the listener: rustls with aws-lc, HTTP/2 by ALPN.
//!
//! It must never put key material into an error.

use crate::config::ServerTls;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use x509_cert::der::Decode as _;

/// Why the listener's certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate, or no PEM.
    #[error("tls.cert_file holds no certificate: give a PEM file with the chain, the server's own first")]
    Certificate,
    /// No private key, or no PEM.
    #[error("tls.key_file holds no private key: give a PEM file with a PKCS#8, PKCS#1 or SEC1 key without password")]
    Key,
    /// They do not belong together, or are of a kind that is not supported.
    #[error("tls.cert_file and tls.key_file do not go together: {0}")]
    Pair(rustls::Error),
}

/// When the first certificate of the chain ends, in seconds since 1970.
#[must_use]
pub fn certificate_ends(tls: &ServerTls) -> Option<i64> {
    let chain = chain(tls).ok()?;
    let ends = chain.iter().filter_map(|der| {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        i64::try_from(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs()).ok()
    });
    ends.min()
}

/// The certificates, at least one.
fn chain(tls: &ServerTls) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&tls.certificate_pem)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::Certificate)?;
    if chain.is_empty() { Err(TlsError::Certificate) } else { Ok(chain) }
}

/// Makes the listener's TLS from PEM texts.
///
/// # Errors
/// No certificate, no key, or two that do not belong together.
pub fn server_config(tls: &ServerTls) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = chain(tls)?;
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.reveal().as_bytes()).map_err(|_| TlsError::Key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

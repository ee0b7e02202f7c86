//! What a client of TLS trusts and shows: made once, when a configuration is loaded.

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;

/// Why connections cannot be made whatever the request. Messages hold nothing of a certificate or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// No host in the URL, or none that TLS can have a certificate for.
    #[error("the URL has no host that can be connected to")]
    Host,
    /// PEM without a certificate.
    #[error("holds no certificate")]
    NoCertificate,
    /// A certificate that is not X.509.
    #[error("holds a certificate that cannot be used")]
    Certificate,
    /// No authorities on this system.
    #[error("this system has no trusted roots: install ca-certificates, or set tls.ca_file")]
    NoRoots,
    /// A client's certificate and a key that are no pair.
    #[error("the client's certificate and its key are no usable pair")]
    Identity,
    /// The library does not have what it must.
    #[error("TLS cannot be set up")]
    Unsupported,
}

/// A certificate to show, and its key.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The chain, PEM.
    pub chain_pem: &'a [u8],
    /// The private key, PEM.
    pub key_pem: &'a [u8],
}

/// TLS towards servers.
#[derive(Debug, Clone)]
pub struct Tls {
    any: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts these authorities (PEM) in place of the system's, or the system's; shows this certificate where a server asks.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used.
    pub fn new(ca_pem: Option<&[u8]>, identity: Option<Identity<'_>>) -> Result<Self, TlsError> {
        let roots = ca_pem.map_or_else(system_roots, roots_of)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Unsupported)?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = CertificateDer::pem_slice_iter(identity.chain_pem).collect::<Result<Vec<_>, _>>();
                let chain = chain.map_err(|_| TlsError::Identity)?;
                let key = PrivateKeyDer::from_pem_slice(identity.key_pem).map_err(|_| TlsError::Identity)?;
                builder.with_client_auth_cert(chain, key).map_err(|_| TlsError::Identity)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1 = Arc::new(config.clone());
        config.alpn_protocols.insert(0, b"h2".to_vec());
        Ok(Self { any: Arc::new(config), http1 })
    }

    /// Whether a client uses it.
    #[must_use]
    pub fn is_used(&self) -> bool {
        Arc::strong_count(&self.any) > 1
    }

    /// For a server of this name or address.
    pub(super) fn named(&self, host: &str) -> Result<Named, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Host)?;
        Ok(Named { tls: self.clone(), name })
    }
}

/// TLS towards one server.
#[derive(Debug)]
pub(super) struct Named {
    tls: Tls,
    name: ServerName<'static>,
}

impl Named {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(super) fn any(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls.any)
    }

    /// Offers HTTP/1.1 alone.
    pub(super) fn http1(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls.http1)
    }

    pub(super) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| TlsError::Certificate)?;
        roots.add(certificate).map_err(|_| TlsError::Certificate)?;
    }
    if roots.is_empty() { Err(TlsError::NoCertificate) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

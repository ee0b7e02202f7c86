//! What settings take from files: secrets, certificates, keys.
//!
//! A message names the file and the reason, never anything that stands in it.

use super::provider::transpose;
use super::resolve::Resolve;
use super::{ClientCertificate, names};
use portcullis_core::problem::Problems;
use portcullis_core::secret::Secret;
use portcullis_core::tree::{At, Value};
use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use zeroize::Zeroizing;

/// A secret: the text itself, or `file:path`, whose one trailing newline is cut.
///
/// What came from the environment is the secret itself, even where it begins with `file:`.
pub(super) fn secret(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Secret> {
    let text = at.secret(problems)?;
    let names_file = match &at.node().value {
        Value::Scalar { text, written, .. } => written.as_ref().unwrap_or(text).starts_with("file:"),
        _ => false,
    };
    let path = text.strip_prefix("file:").filter(|_| names_file);
    // As it was written: a part of the path may come from the environment.
    let shown = if names_file { at.shown().trim_start_matches("file:").to_owned() } else { String::new() };
    let secret = match path {
        None => Secret::new(text.as_str()),
        Some(path) => {
            let bytes = resolve.file(Path::new(path));
            match bytes.map(String::from_utf8) {
                Ok(Ok(content)) => {
                    let content = content.strip_suffix('\n').unwrap_or(&content);
                    Secret::new(content.strip_suffix('\r').unwrap_or(content))
                }
                Ok(Err(_)) => {
                    at.report(
                        problems,
                        format!("takes the file {shown}, which is not UTF-8"),
                        "write the secret as text",
                    );
                    return None;
                }
                Err(reason) => {
                    let problem = format!("takes the file {shown}, which cannot be read: {reason}");
                    at.report(problems, problem, "name a readable file, relative to this one");
                    return None;
                }
            }
        }
    };
    if secret.reveal().trim().is_empty() {
        match path {
            Some(_) => at.report(problems, format!("takes the file {shown}, which is empty"), "put the secret into it"),
            None => at.report(problems, "is blank", "write `${NAME}` or `file:path`, or leave the line out"),
        }
        return None;
    }
    Some(secret)
}

/// A certificate chain or bundle, PEM (RFC 7468 5): at least one, and each can be read (RFC 5280 4.1).
pub(super) fn certificates(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Vec<u8>> {
    let bytes = pem(at, "-----BEGIN CERTIFICATE-----", "certificate", resolve, problems)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    // As an authority, which is more than a chain needs, and all that rustls can be asked without trusting anything.
    let are_usable = found.is_ok_and(|found| {
        let mut authorities = RootCertStore::empty();
        !found.is_empty() && found.into_iter().all(|certificate| authorities.add(certificate).is_ok())
    });
    if !are_usable {
        let problem = format!("names the file {}, which holds a certificate that cannot be read", at.shown());
        at.report(problems, problem, "look at each with `openssl x509 -noout -text`, and export it again as PEM");
        return None;
    }
    Some(bytes)
}

/// A private key, PEM (RFC 7468 10).
pub(super) fn private_key(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Secret> {
    let bytes = Zeroizing::new(pem(at, "PRIVATE KEY-----", "private key", resolve, problems)?);
    let key_provider = rustls::crypto::aws_lc_rs::default_provider().key_provider;
    let is_usable = PrivateKeyDer::from_pem_slice(&bytes).is_ok_and(|key| key_provider.load_private_key(key).is_ok());
    if !is_usable {
        let problem = format!("names the file {}, which holds no private key that can be read", at.shown());
        at.report(problems, problem, "give a PKCS#8, PKCS#1 or SEC1 key in PEM, without password");
        return None;
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Some(Secret::new(text)),
        Err(_) => {
            at.report(problems, "names a file that is not UTF-8", "write the key as PEM");
            None
        }
    }
}

/// Whether the key is that of the first certificate, and of a kind that TLS can use.
fn is_pair(chain_pem: &[u8], key_pem: &Secret) -> bool {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
    let (Ok(chain), Ok(key)) = (chain, PrivateKeyDer::from_pem_slice(key_pem.reveal().as_bytes())) else {
        return false;
    };
    CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider()).is_ok()
}

fn pem(at: &At<'_>, mark: &str, what: &str, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Vec<u8>> {
    let path = at.text(problems)?;
    match resolve.file(Path::new(&path)) {
        Err(reason) => {
            let problem = format!("names the file {}, which cannot be read: {reason}", at.shown());
            at.report(problems, problem, "name a readable file, relative to this one");
            None
        }
        Ok(bytes) if !bytes.windows(mark.len()).any(|window| window == mark.as_bytes()) => {
            let problem = format!("names the file {}, which holds no {what} in PEM", at.shown());
            at.report(problems, problem, format!("name a file with `{mark}` in it"));
            None
        }
        Ok(bytes) => Some(bytes),
    }
}

/// `tls` of a provider.
#[derive(Default)]
pub(super) struct Tls {
    pub(super) ca_pem: Option<Vec<u8>>,
    pub(super) client_certificate: Option<ClientCertificate>,
}

/// `tls: {ca_file: ..., client_cert: ..., client_key: ...}` of a provider: any of the two halves.
pub(super) fn tls(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Tls> {
    let mut walker = at.mapping(&names::PROVIDER_TLS, problems)?;
    let ca_pem = walker.take("ca_file").map(|at| certificates(&at, resolve, problems));
    let chain = walker.take("client_cert").map(|at| certificates(&at, resolve, problems));
    let key = walker.take("client_key").map(|at| private_key(&at, resolve, problems));
    walker.finish(problems);
    let client_certificate = match (transpose(chain)?, transpose(key)?) {
        (Some(chain_pem), Some(key_pem)) if !is_pair(&chain_pem, &key_pem) => {
            at.report(
                problems,
                "has a `client_key` that is not the key of its `client_cert`",
                "name the two that go together",
            );
            return None;
        }
        (Some(chain_pem), Some(key_pem)) => Some(ClientCertificate { chain_pem, key_pem }),
        (None, None) => None,
        _ => {
            let remedy = "write both, each with a file in PEM";
            at.report(problems, "has one of `client_cert` and `client_key` without the other", remedy);
            return None;
        }
    };
    let ca_pem = transpose(ca_pem)?;
    if ca_pem.is_none() && client_certificate.is_none() {
        at.report(problems, "is empty", "write `ca_file`, or `client_cert` and `client_key`, or leave it out");
        return None;
    }
    Some(Tls { ca_pem, client_certificate })
}

/// `tls: {ca_file: ...}` of an upstream.
pub(super) fn authority(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<Vec<u8>> {
    let mut walker = at.mapping(&names::UPSTREAM_TLS, problems)?;
    let file = walker.need("ca_file", "name a file with the certificates of your authority, PEM", problems);
    walker.finish(problems);
    certificates(&file?, resolve, problems)
}

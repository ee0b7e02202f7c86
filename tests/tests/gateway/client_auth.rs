//! How the gateway names itself to a provider that it asks as a client: by an assertion that it signs, by a certificate.

use crate::signing::now;
use crate::world::{ALICE, assert_refused, assert_unblamed};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use portcullis_tests::gateway::{Gateway, adapters, any_port, run};
use portcullis_tests::provider::INTROSPECT;
use portcullis_tests::server::{Answer, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, provider, upstream};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

fn config(provider: &str, upstream: &str, client: &str, more: &str) -> String {
    format!(
        "providers:\n  staff:\n    adapter: keycloak\n    cache: none\n    any_audience: true\n    settings:\n      host: \"{provider}\"\n      \
         realm: demo\n      mode: introspection\n      client_id: gate way\n{client}{more}routes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
         upstream: {{url: \"{upstream}\"}}\n"
    )
}

fn form(request: &Request) -> HashMap<String, String> {
    let body = String::from_utf8_lossy(&request.body).replace('+', " ");
    let decode = |text: &str| text.replace("%3A", ":").replace("%20", " ");
    body.split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect()
}

/// A provider that repeats the assertion that it is sent.
fn echoing(request: &Request) -> Answer {
    let mut answer = provider::claims("alice");
    let sent = form(request);
    answer["active"] = json!(true);
    answer["username"] = json!("alice");
    answer["echoed_name"] = json!(sent.get("client_assertion"));
    Answer::json(200, &answer)
}

#[test]
fn an_assertion_names_the_gateway_and_is_made_anew_for_each_call() {
    let pair = KeyPair::generate().unwrap();
    let provider = Server::start(any_port(), |request| echoing(request).into()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let client = "      client_auth: private_key_jwt\n      client_key: file:key.pem\n      client_key_id: k-7\n";
    let config = config(&provider.url(), &upstream.url(), client, "");
    let gateway = Gateway::start_with(&config, &[("key.pem", &pair.serialize_pem())]).unwrap();
    for _ in 0..3 {
        assert_eq!(client::get(gateway.address, "/", &[ALICE]).unwrap().status, 200);
    }
    let public = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    let public = DecodingKey::from_jwk(&Jwk::from_encoding_key(&public, Algorithm::ES256).unwrap()).unwrap();
    let mut ids = HashSet::new();
    for request in provider.seen() {
        let form = form(&request);
        assert_eq!((request.path(), request.header("authorization")), (INTROSPECT, None));
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!((form.get("client_id"), form.get("client_secret")), (None, None));
        let (message, signature) = form["client_assertion"].rsplit_once('.').unwrap();
        assert!(crypto::verify(signature, message.as_bytes(), &public, Algorithm::ES256).unwrap());
        let part = |at: usize| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split('.').nth(at).unwrap()).unwrap()).unwrap()
        };
        let (header, claims) = (part(0), part(1));
        assert_eq!((&header["kid"], &header["alg"]), (&json!("k-7"), &json!("ES256")));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("gate way"), &json!("gate way")));
        assert_eq!(claims["aud"], format!("{}{INTROSPECT}", provider.url()));
        let ends = claims["exp"].as_i64().unwrap();
        assert!((now()..=now() + 300).contains(&ends), "{claims}");
        assert!(ids.insert(claims["jti"].as_str().unwrap().to_owned()), "the same id twice");
        assert!(!gateway.log().contains(&form["client_assertion"]), "the log holds an assertion");
    }
    assert_eq!(ids.len(), 3);
}

/// The secret of a moment is a secret: an answer that repeats it names nobody by it.
#[test]
fn an_assertion_that_is_repeated_is_masked() {
    let pair = KeyPair::generate().unwrap();
    let provider = Server::start(any_port(), |request| echoing(request).into()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let client = "      client_auth: private_key_jwt\n      client_key: file:key.pem\n";
    let config = config(&provider.url(), &upstream.url(), client, "");
    let config = format!("{config}    identity_headers: {{X-Remote-User: username, X-Echo: attributes.echoed_name}}\n");
    let gateway = Gateway::start_with(&config, &[("key.pem", &pair.serialize_pem())]).unwrap();
    assert_refused(&client::get(gateway.address, "/", &[ALICE]).unwrap(), 401, "the assertion as an attribute");
    assert!(upstream.seen().is_empty());
    let assertion = form(&provider.seen()[0])["client_assertion"].clone();
    assert!(!gateway.log().contains(&assertion), "the log holds an assertion");
}

/// What asks for a certificate of this authority before it lets anybody speak to the provider.
fn front(provider: SocketAddr, own: &CertifiedIssuer<'static, KeyPair>) -> (SocketAddr, tokio::runtime::Runtime) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, own).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.der().clone()).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&crypto)).build().unwrap();
    let config = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        config.with_client_cert_verifier(verifier).with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind(any_port())).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Ok(mut provider) = TcpStream::connect(provider).await else { return };
                drop(tokio::io::copy_bidirectional(&mut stream, &mut provider).await);
            });
        }
    });
    (address, runtime)
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn a_certificate_names_the_gateway() {
    let own = authority();
    let provider = Server::start(any_port(), |request| echoing(request).into()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let (address, _runtime) = front(provider.address(), &own);
    let url = format!("https://{address}");
    let client = "      client_auth: mtls\n";
    for (issuer, expected) in [(&own, 200), (&authority(), 503)] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["gate".to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
        let more = "    tls: {ca_file: ca.pem, client_cert: gate.pem, client_key: gate.key}\n";
        let config = config(&url, &upstream.url(), client, more);
        let files = [("ca.pem", own.pem()), ("gate.pem", certificate.pem()), ("gate.key", key.serialize_pem())];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let gateway = Gateway::start_with(&config, &files).unwrap();
        let response = client::get(gateway.address, "/", &[ALICE]).unwrap();
        assert_eq!(response.status, expected, "{}", response.text());
        if expected == 503 {
            assert_unblamed(&response, "a certificate that the provider does not know");
        }
    }
    let seen = provider.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((form(&seen[0])["client_id"].as_str(), seen[0].header("authorization")), ("gate way", None));
    // Without a certificate there is nothing to show.
    let config =
        format!("adapters: {{folder: \"{}\"}}\n{}", adapters().display(), config(&url, &upstream.url(), client, ""));
    let output = run(&["check", "--config", "{config}"], &config, &[]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("client_auth: is mtls, and there is no certificate to show"), "{said}");
}

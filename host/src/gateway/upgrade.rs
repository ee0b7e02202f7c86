//! WebSocket (RFC 6455): after both sides switched protocols, bytes are copied both ways.
//!
//! No other protocol is switched to. `h2c` above all would give the client a connection on which the upstream takes further
//! requests that nobody decides.

use super::listener::Phase;
use super::places::{ConnectionPlace, RequestPlace};
use super::{hangup, headers};
use crate::http_client::socket::Socket;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Version, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, watch};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// Ties what outlives a request to the life of the gateway.
#[derive(Clone)]
pub(super) struct Life {
    pub(super) phase: watch::Receiver<Phase>,
    /// As long as one of these exists, the gateway waits (up to its limit).
    pub(super) _alive: mpsc::Sender<Infallible>,
    /// The client's socket; of nothing for the listener itself.
    pub(super) socket: Weak<Socket>,
    /// The place of the connection; `None` for the listener itself.
    pub(super) _place: Option<Arc<ConnectionPlace>>,
}

/// The client's side of an upgrade, where it asks for one that is taken here. To be called before headers are cleaned.
pub(super) fn wanted(parts: &mut Parts) -> Option<OnUpgrade> {
    let mut protocols = headers::tokens(&parts.headers, &header::UPGRADE);
    let websocket =
        protocols.next().is_some_and(|first| first.eq_ignore_ascii_case("websocket")) && protocols.next().is_none();
    let named = headers::tokens(&parts.headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if websocket && named && parts.method == Method::GET && parts.version == Version::HTTP_11 {
        parts.extensions.remove::<OnUpgrade>()
    } else {
        None
    }
}

/// Sets the two headers that ask for, or agree to, the upgrade.
pub(super) fn announce(headers: &mut HeaderMap) {
    headers.insert(header::UPGRADE, WEBSOCKET);
    headers.insert(header::CONNECTION, UPGRADE);
}

/// Whether a 101 switches to what was asked for.
pub(super) fn is_agreed(headers: &HeaderMap) -> bool {
    headers::tokens(headers, &header::UPGRADE).any(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Copies bytes both ways until either side ends, or the gateway does. The request is in flight as long.
pub(super) fn join(client: OnUpgrade, upstream: OnUpgrade, mut life: Life, place: Arc<RequestPlace>) {
    tokio::spawn(async move {
        let joined = async {
            let (client, upstream) = tokio::try_join!(client, upstream)?;
            let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            tokio::io::copy_bidirectional(&mut client, &mut upstream).await.map_err(Error::Copy)?;
            Ok::<(), Error>(())
        };
        tokio::select! {
            outcome = joined => if let Err(error) = outcome {
                tracing::debug!(%error, "an upgraded connection ended with an error");
            },
            _ = life.phase.wait_for(|phase| *phase == Phase::Ended) => {}
            () = hangup::hung_up(&life.socket) => tracing::debug!("the client of an upgraded connection is gone"),
        }
        drop((life, place));
    });
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("one side did not upgrade: {0}")]
    Upgrade(#[from] hyper::Error),
    #[error("{0}")]
    Copy(std::io::Error),
}

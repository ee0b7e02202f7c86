//! Notices a client that is gone while nothing reads its connection.
//!
//! hyper does not read on while it answers a request that another one follows, or whose body the upstream does not take; a
//! WebSocket is read only as fast as its upstream takes it. If then nothing is sent to the client either, its end would never be
//! noticed, and its places never be free again.

use super::stall::CLIENT_STALL_MAX;
use crate::http_client::socket::Socket;
use std::sync::Weak;

/// Completes when the client ended its side of the connection, and nothing was sent to it for at least half of
/// [`CLIENT_STALL_MAX`] since. (A client may end its side and yet wait for what it asked for.)
pub(super) async fn hung_up(socket: &Weak<Socket>) {
    let mut ended_at = None;
    loop {
        tokio::time::sleep(CLIENT_STALL_MAX / 2).await;
        let Some(socket) = socket.upgrade() else { return std::future::pending().await };
        let sent = socket.is_ended_by_peer().then(|| socket.sent());
        if sent.is_some() && sent == ended_at {
            return;
        }
        ended_at = sent;
    }
}

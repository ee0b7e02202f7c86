//! How many connections and requests there may be at once, as a whole and of one client.
//!
//! A connection and a request in flight take a place each, since each holds a descriptor: its own, and that of the upstream's
//! connection. `crate::descriptors` says how many there are. No client gets so many that another one finds none
//! (`portcullis_core::share`); behind a load balancer all look like one client, which therefore may have most of them.

use crate::descriptors::Budget;
use portcullis_core::client::ClientNetwork;
use portcullis_core::share;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of a listener.
pub(super) struct Places {
    total: usize,
    used: AtomicUsize,
    connections: Arc<Semaphore>,
    /// Clients that have a connection. Looked at once for a connection, never for a request.
    clients: Mutex<HashMap<ClientNetwork, Weak<Client>>>,
}

/// What the connections of one client share.
pub(super) struct Client {
    places: Arc<Places>,
    network: ClientNetwork,
    /// Connections and requests in flight.
    held: AtomicUsize,
    connections: AtomicUsize,
}

/// The place of a connection. It is free again when this is dropped.
pub(super) struct ConnectionPlace {
    client: Arc<Client>,
    _connection: OwnedSemaphorePermit,
}

/// The place of a request in flight: until its answer has ended, or its WebSocket.
pub(super) struct RequestPlace(Arc<Client>);

impl Places {
    /// All of them free.
    pub(super) fn new(budget: &Budget) -> Arc<Self> {
        Arc::new(Self {
            total: budget.client_places,
            used: AtomicUsize::new(0),
            connections: Arc::new(Semaphore::new(budget.client_connections)),
            clients: Mutex::default(),
        })
    }

    /// Waits until another connection may be accepted.
    pub(super) async fn for_a_connection(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).acquire_owned().await.ok()
    }

    /// Whether a connection would have to wait.
    pub(super) fn are_out_of_connections(&self) -> bool {
        self.connections.available_permits() == 0
    }

    /// The place of a connection that was accepted; `None` where its client has its share.
    pub(super) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        connection: OwnedSemaphorePermit,
    ) -> Option<ConnectionPlace> {
        let client = self.client(ClientNetwork::of(address));
        let free = self.connections.available_permits() + 1;
        if !share::admits(client.connections.load(Ordering::Relaxed), free) || !client.take() {
            return None;
        }
        client.connections.fetch_add(1, Ordering::Relaxed);
        Some(ConnectionPlace { client, _connection: connection })
    }

    fn client(self: &Arc<Self>, network: ClientNetwork) -> Arc<Client> {
        let mut clients = self.clients();
        if let Some(client) = clients.get(&network).and_then(Weak::upgrade) {
            return client;
        }
        let client = Arc::new(Client {
            places: Arc::clone(self),
            network,
            held: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        });
        clients.insert(network, Arc::downgrade(&client));
        client
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClientNetwork, Weak<Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Where it is.
    pub(super) fn network(&self) -> ClientNetwork {
        self.network
    }

    /// A place for a request; `None` where the client has its share, or all are taken.
    pub(super) fn request(self: &Arc<Self>) -> Option<RequestPlace> {
        self.take().then(|| RequestPlace(Arc::clone(self)))
    }

    /// How many places of all are taken is exact. How many are this client's is not: two requests at the same instant may
    /// both get the last one of its share.
    fn take(&self) -> bool {
        let held = self.held.load(Ordering::Relaxed);
        let total = self.places.total;
        let admitted = self.places.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            share::admits(held, total.saturating_sub(used)).then_some(used + 1)
        });
        if admitted.is_ok() {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
        admitted.is_ok()
    }

    fn give_back(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        self.places.used.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut clients = self.places.clients();
        // Another connection of the same client may have come meanwhile.
        if clients.get(&self.network).is_some_and(|client| client.strong_count() == 0) {
            clients.remove(&self.network);
        }
    }
}

impl ConnectionPlace {
    /// Whose it is.
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.client.connections.fetch_sub(1, Ordering::Relaxed);
        self.client.give_back();
    }
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(places: &Arc<Places>, address: &str) -> Option<ConnectionPlace> {
        let permit = Arc::clone(&places.connections).try_acquire_owned().ok()?;
        places.admit(address.parse().expect("address"), permit)
    }

    #[test]
    fn one_client_takes_neither_all_connections_nor_all_requests() {
        let budget = Budget::of(256);
        let places = Places::new(&budget);
        let connections: Vec<_> = std::iter::from_fn(|| connect(&places, "192.0.2.1")).collect();
        assert!(connections.len() < budget.client_connections && connections.len() > budget.client_connections / 2);
        let client = Arc::clone(connections[0].client());
        let requests: Vec<_> = std::iter::from_fn(|| client.request()).collect();
        assert!(connections.len() + requests.len() < budget.client_places);
        // Another one finds places for both, and so does a third.
        let others = ["192.0.2.2", "2001:db8::1"].map(|address| connect(&places, address).expect("a connection"));
        let answered: Vec<_> = others.iter().map(|other| other.client().request().expect("a request")).collect();
        drop((answered, others, requests, connections));
        assert_eq!(places.used.load(Ordering::Relaxed), 0);
        drop(client);
        assert!(places.clients().is_empty() && !places.are_out_of_connections());
    }
}

//! Who may call a provider next. Calls at once and questions that wait are bounded, and both are shared among clients.
//!
//! A place is taken for as long as a question waits or a call is under way. No client gets so many places that another one finds
//! none (`portcullis_core::share`), and turns go round among the clients that wait, so that whoever asks much waits longer, and
//! nobody else does. Some places and turns are kept for credentials that were good until now: a flood of new ones does
//! not put those out whom everybody knows. A question that is dropped while it waits has left the queue.

use portcullis_core::client::ClientNetwork;
use portcullis_core::share;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Who asks, and about what.
#[derive(Debug)]
pub struct Requester {
    client: Option<ClientNetwork>,
    last_verdict: LastVerdict,
    sent: AtomicBool,
}

/// The last verdict on a credential, as far as it is remembered. It decides no request: only who is asked about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastVerdict {
    /// None, or none that is remembered.
    Unknown,
    /// It was good when it was last asked about, and nothing else is known since.
    Good,
}

impl Requester {
    /// A request of this client; `None` where it is the gateway's own matter.
    #[must_use]
    pub fn new(client: Option<ClientNetwork>, last_verdict: LastVerdict) -> Self {
        Self { client, last_verdict, sent: AtomicBool::new(false) }
    }

    /// Whether a call was made already: then the question is no longer only waiting.
    #[must_use]
    pub fn has_called(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn calls(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }
}

/// How many there are of everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Calls at once.
    pub(super) calls: usize,
    /// Of these, kept for credentials whose last verdict was good.
    pub(super) calls_kept: usize,
    /// Calls at once and questions that wait.
    pub(super) places: usize,
    /// Of these, kept for credentials whose last verdict was good.
    pub(super) places_kept: usize,
}

/// The turns of one provider.
pub(super) struct Turns {
    sizes: Sizes,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    next: u64,
    /// Calls under way: of all, and of new credentials.
    calls: usize,
    calls_new: usize,
    new: Line,
    good: Line,
    /// Whether the last turn went to a credential whose last verdict was good.
    good_was_last: bool,
    /// Places by client.
    held: HashMap<Option<ClientNetwork>, usize>,
}

/// Those who wait, by client and in the order in which they came.
#[derive(Default)]
struct Line {
    waiting: HashMap<Option<ClientNetwork>, BTreeMap<u64, oneshot::Sender<()>>>,
    /// The clients among them, the next one first.
    clients: VecDeque<Option<ClientNetwork>>,
    count: usize,
}

impl Line {
    fn enter(&mut self, client: Option<ClientNetwork>, number: u64, turn: oneshot::Sender<()>) {
        let waiting = self.waiting.entry(client).or_default();
        if waiting.is_empty() {
            self.clients.push_back(client);
        }
        waiting.insert(number, turn);
        self.count += 1;
    }

    /// Takes the next one: the first of the next client.
    fn next(&mut self) -> Option<oneshot::Sender<()>> {
        let client = self.clients.pop_front()?;
        let waiting = self.waiting.get_mut(&client)?;
        let (_, turn) = waiting.pop_first()?;
        self.count -= 1;
        if waiting.is_empty() {
            self.waiting.remove(&client);
        } else {
            self.clients.push_back(client);
        }
        Some(turn)
    }

    /// Takes out one that does not wait any longer. Whether it still waited.
    fn leave(&mut self, client: Option<ClientNetwork>, number: u64) -> bool {
        let Some(waiting) = self.waiting.get_mut(&client) else { return false };
        let waited = waiting.remove(&number).is_some();
        self.count -= usize::from(waited);
        if waiting.is_empty() {
            self.waiting.remove(&client);
            self.clients.retain(|other| *other != client);
        }
        waited
    }
}

/// A place: of one who waits, or who has a turn. It is free again when this is dropped.
pub(super) struct Place {
    turns: Arc<Turns>,
    client: Option<ClientNetwork>,
    last_verdict: LastVerdict,
    number: u64,
    /// Told when its turn comes; `None` where it has come at once.
    turn: Option<oneshot::Receiver<()>>,
}

impl Turns {
    pub(super) fn new(sizes: Sizes) -> Arc<Self> {
        Arc::new(Self { sizes, queue: Mutex::default() })
    }

    /// A place; `None` where there is none for this client.
    pub(super) fn enter(self: &Arc<Self>, requester: &Requester) -> Option<Place> {
        let (client, last_verdict) = (requester.client, requester.last_verdict);
        let mut queue = self.queue();
        let used = queue.calls + queue.new.count + queue.good.count;
        let kept = if last_verdict == LastVerdict::Good { 0 } else { self.sizes.places_kept };
        let free = self.sizes.places.saturating_sub(used + kept);
        let held = queue.held.entry(client).or_default();
        if !share::admits(*held, free) {
            if *held == 0 {
                queue.held.remove(&client);
            }
            return None;
        }
        *held += 1;
        let number = queue.next;
        queue.next += 1;
        let turn = if queue.has_turn_for(last_verdict, self.sizes) {
            queue.begin(last_verdict);
            None
        } else {
            let (turn, comes) = oneshot::channel();
            queue.line(last_verdict).enter(client, number, turn);
            Some(comes)
        };
        drop(queue);
        Some(Place { turns: Arc::clone(self), client, last_verdict, number, turn })
    }

    /// Calls under way, and questions that wait.
    pub(super) fn load(&self) -> (usize, usize) {
        let queue = self.queue();
        (queue.calls, queue.new.count + queue.good.count)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn line(&mut self, last_verdict: LastVerdict) -> &mut Line {
        match last_verdict {
            LastVerdict::Unknown => &mut self.new,
            LastVerdict::Good => &mut self.good,
        }
    }

    fn has_turn_for(&self, last_verdict: LastVerdict, sizes: Sizes) -> bool {
        let for_new = self.calls_new < sizes.calls.saturating_sub(sizes.calls_kept);
        self.calls < sizes.calls && (last_verdict == LastVerdict::Good || for_new)
    }

    fn begin(&mut self, last_verdict: LastVerdict) {
        self.calls += 1;
        self.calls_new += usize::from(last_verdict == LastVerdict::Unknown);
        self.good_was_last = last_verdict == LastVerdict::Good;
    }

    fn end(&mut self, last_verdict: LastVerdict) {
        self.calls -= 1;
        self.calls_new -= usize::from(last_verdict == LastVerdict::Unknown);
    }

    /// Gives free turns to those who wait: to the two lines in turn.
    fn advance(&mut self, sizes: Sizes) {
        loop {
            let new = self.new.count > 0 && self.has_turn_for(LastVerdict::Unknown, sizes);
            let good = self.good.count > 0 && self.has_turn_for(LastVerdict::Good, sizes);
            let last_verdict = match (new, good) {
                (false, false) => return,
                (true, true) if self.good_was_last => LastVerdict::Unknown,
                (_, true) => LastVerdict::Good,
                (true, false) => LastVerdict::Unknown,
            };
            let Some(turn) = self.line(last_verdict).next() else { return };
            self.begin(last_verdict);
            // Whoever does not hear of it gives the turn back when it drops its place.
            let _ = turn.send(());
        }
    }
}

impl Place {
    /// Waits for the turn.
    pub(super) async fn turn(&mut self) {
        if let Some(turn) = &mut self.turn {
            // The sender is dropped only after sending.
            let _ = turn.await;
            self.turn = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.turns.queue();
        if !queue.line(self.last_verdict).leave(self.client, self.number) {
            queue.end(self.last_verdict);
        }
        if let Some(held) = queue.held.get_mut(&self.client) {
            *held -= 1;
            if *held == 0 {
                queue.held.remove(&self.client);
            }
        }
        queue.advance(self.turns.sizes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { calls: 8, calls_kept: 2, places: 80, places_kept: 16 };

    fn client(number: u8) -> Option<ClientNetwork> {
        Some(ClientNetwork::of([192, 0, 2, number].into()))
    }

    fn enter(turns: &Arc<Turns>, number: u8, last_verdict: LastVerdict) -> Option<Place> {
        turns.enter(&Requester::new(client(number), last_verdict))
    }

    fn has_turn(place: &mut Place) -> bool {
        place.turn.as_mut().is_none_or(|turn| turn.try_recv().is_ok())
    }

    #[test]
    fn one_client_leaves_places_for_others_and_for_renewals() {
        let turns = Turns::new(SIZES);
        let flood: Vec<_> = std::iter::from_fn(|| enter(&turns, 1, LastVerdict::Unknown)).collect();
        assert_eq!(flood.len(), 56, "seven eighths of what is not kept");
        assert_eq!(turns.load(), (6, 50));
        assert!(enter(&turns, 2, LastVerdict::Unknown).is_some() && enter(&turns, 3, LastVerdict::Unknown).is_some());
        // Of the kept ones nothing is taken: a renewal of the same client has its turn at once.
        let mut known = enter(&turns, 1, LastVerdict::Good).expect("a place");
        assert!(has_turn(&mut known));
        drop((flood, known));
        assert_eq!(turns.load(), (0, 0));
        assert!(turns.queue().held.is_empty());
    }

    #[test]
    fn turns_go_round_among_clients() {
        let turns = Turns::new(SIZES);
        let mut flood: VecDeque<_> = (0..30).filter_map(|_| enter(&turns, 1, LastVerdict::Unknown)).collect();
        let mut other = enter(&turns, 2, LastVerdict::Unknown).expect("a place");
        let mut third = enter(&turns, 3, LastVerdict::Unknown).expect("a place");
        assert!(!has_turn(&mut other) && !has_turn(&mut third));
        // Three calls end: one turn for each client, though 24 were there before.
        flood.drain(..3);
        assert!(has_turn(&mut other) && has_turn(&mut third));
        assert_eq!(flood.iter_mut().filter_map(|place| has_turn(place).then_some(())).count(), 4);
    }

    #[test]
    fn both_lines_move() {
        let turns = Turns::new(SIZES);
        let mut new: Vec<_> = (0..20).filter_map(|_| enter(&turns, 1, LastVerdict::Unknown)).collect();
        let mut good: Vec<_> = (0..20).filter_map(|_| enter(&turns, 2, LastVerdict::Good)).collect();
        let count =
            |places: &mut Vec<Place>| places.iter_mut().map(|place| usize::from(has_turn(place))).sum::<usize>();
        assert_eq!((count(&mut new), count(&mut good)), (6, 2));
        // Four of the new ones end: both lines get on.
        new.drain(..4);
        assert_eq!((count(&mut new), count(&mut good)), (4, 4));
    }

    #[test]
    fn who_goes_away_has_left_the_queue() {
        let turns = Turns::new(SIZES);
        let calls: Vec<_> = (0..6).filter_map(|_| enter(&turns, 1, LastVerdict::Unknown)).collect();
        for _ in 0..1000 {
            drop(enter(&turns, 1, LastVerdict::Unknown).expect("a place"));
        }
        assert_eq!(turns.load(), (6, 0));
        assert!(turns.queue().new.clients.is_empty());
        // One that was given a turn and went away at the same moment gives it to the next.
        let (first, mut second) =
            (enter(&turns, 1, LastVerdict::Unknown), enter(&turns, 1, LastVerdict::Unknown).expect("a place"));
        drop(calls);
        drop(first);
        assert!(has_turn(&mut second));
        drop(second);
        assert_eq!(turns.load(), (0, 0));
    }
}

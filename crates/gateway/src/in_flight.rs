//! How many calls are under way, and the way to end them when the process must stop.

use std::sync::Arc;

use super::sync::watch;

/// Counts calls in flight and tells them when the drain's deadline is over.
#[derive(Debug)]
pub(crate) struct InFlight {
    count: watch::Sender<u64>,
    cut: watch::Sender<bool>,
}

/// One call in flight; counted until it is dropped, which is after its settlement.
#[derive(Debug)]
pub(crate) struct Flight {
    all: Arc<InFlight>,
}

impl InFlight {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { count: watch::channel(0).0, cut: watch::channel(false).0 })
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Flight {
        self.count.send_modify(|count| *count += 1);
        Flight { all: Arc::clone(self) }
    }

    pub(crate) fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Waits until no call is in flight.
    pub(crate) async fn idle(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as `self`, so the wait ends only by reaching zero.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// Tells every call to end now and settle what it has.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Resolves when calls must end.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.cut.subscribe().wait_for(|cut| *cut).await;
    }

    /// A receiver that turns true when calls must end.
    pub(crate) fn cutting(&self) -> watch::Receiver<bool> {
        self.cut.subscribe()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.count.send_modify(|count| *count -= 1);
    }
}

//! The queue between callers and the writer.
//!
//! Waking a sleeping thread costs more than most of what it is asked to do, and a thread that is woken for each request never finds
//! two of them. So a runtime's worker doesn't wake the writer for what it asks: it does so before it sleeps itself
//! ([`before_park`]), with everything that its tasks have asked for by then. A worker that has nothing else to do sleeps at once.
//! Threads that don't promise that wake the writer themselves.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many requests don't wait for their worker to sleep.
const PUT_OFF_MAX: usize = 16;
/// … and a request that is so old doesn't either, once another one comes.
const PUT_OFF_FOR: Duration = Duration::from_micros(100);

thread_local! {
    /// Whether this thread calls [`before_park`] before it sleeps.
    static PARKS: Cell<bool> = const { Cell::new(false) };
    /// The queue whose reader this thread has to wake before it sleeps.
    static PUT_OFF: RefCell<Option<Arc<dyn Wake>>> = const { RefCell::new(None) };
}

/// Wakes the writer for what this thread's tasks asked for: call it before the thread sleeps, as
/// `tokio::runtime::Builder::on_thread_park` does for a runtime's workers. Without it each request wakes the writer.
pub fn before_park() {
    PARKS.set(true);
    if let Some(queue) = PUT_OFF.take() {
        queue.wake();
    }
}

trait Wake {
    fn wake(&self);
}

/// Makes an empty queue.
pub(crate) fn queue<T: 'static>() -> (Sender<T>, Receiver<T>) {
    let queue = Arc::new(Queue { state: Mutex::new(State::default()), filled: Condvar::new() });
    (Sender(Arc::clone(&queue)), Receiver(queue))
}

struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

struct State<T> {
    waiting: Vec<T>,
    /// The reader sleeps and nobody has woken it yet.
    asleep: bool,
    /// When the first request came for which nobody has woken it.
    put_off: Option<Instant>,
    no_sender: bool,
    no_receiver: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), asleep: false, put_off: None, no_sender: false, no_receiver: false }
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_locked(&self, mut state: MutexGuard<'_, State<T>>) {
        state.put_off = None;
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
            self.filled.notify_one();
        }
    }
}

impl<T> Wake for Queue<T> {
    fn wake(&self) {
        self.wake_locked(self.lock());
    }
}

/// What callers have. The queue ends when it is dropped.
pub(crate) struct Sender<T: 'static>(Arc<Queue<T>>);

impl<T> core::fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Nobody reads the queue any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoReader;

impl<T> Sender<T> {
    /// Asks; the reader is woken now, or before this thread sleeps.
    #[expect(clippy::disallowed_methods, reason = "how long a wake-up was put off is no fact of the journal")]
    pub(crate) fn send(&self, request: T) -> Result<(), NoReader> {
        let mut state = self.0.lock();
        if state.no_receiver {
            return Err(NoReader);
        }
        state.waiting.push(request);
        if state.asleep && PARKS.get() && state.waiting.len() < PUT_OFF_MAX && state.put_off.is_none_or(|at| at.elapsed() < PUT_OFF_FOR) {
            state.put_off.get_or_insert_with(Instant::now);
            drop(state);
            self.put_off();
        } else {
            self.0.wake_locked(state);
        }
        Ok(())
    }

    /// Remembers to wake the reader before this thread sleeps. Who asks two queues in turn wakes the reader of the one before.
    fn put_off(&self) {
        let other = PUT_OFF.with_borrow_mut(|put_off| {
            let is_known = put_off.as_ref().is_some_and(|known| std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&self.0)));
            if is_known { None } else { put_off.replace(Arc::<Queue<T>>::clone(&self.0)) }
        });
        if let Some(other) = other {
            other.wake();
        }
    }

    /// Asks, and wakes the reader now: for whoever waits without giving its thread back.
    pub(crate) fn send_now(&self, request: T) -> Result<(), NoReader> {
        let mut state = self.0.lock();
        if state.no_receiver {
            return Err(NoReader);
        }
        state.waiting.push(request);
        self.0.wake_locked(state);
        Ok(())
    }

    /// Asks for what nobody waits for: it is read with the next request, or when the reader looks up by itself.
    pub(crate) fn leave(&self, request: T) {
        let mut state = self.0.lock();
        if !state.no_receiver {
            state.waiting.push(request);
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.no_sender = true;
        self.0.wake_locked(state);
    }
}

/// What the writer has. Requests that it leaves behind are dropped with it.
pub(crate) struct Receiver<T>(Arc<Queue<T>>);

/// Nobody can ask any more, and everything that was asked is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSender;

impl<T> Receiver<T> {
    /// What waits, oldest first: at most `max`.
    pub(crate) fn take(&self, max: usize) -> Vec<T> {
        taken(&mut self.0.lock(), max)
    }

    /// The same, after a sleep if nothing waits: until something does, or for `patience`.
    pub(crate) fn wait(&self, patience: Duration, max: usize) -> Result<Vec<T>, NoSender> {
        let mut state = self.0.lock();
        if state.waiting.is_empty() && !state.no_sender {
            state.asleep = true;
            let idle = |state: &mut State<T>| state.asleep;
            state = self.0.filled.wait_timeout_while(state, patience, idle).unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = false;
        }
        if state.waiting.is_empty() && state.no_sender {
            return Err(NoSender);
        }
        Ok(taken(&mut state, max))
    }
}

fn taken<T>(state: &mut State<T>, max: usize) -> Vec<T> {
    state.put_off = None;
    if state.waiting.len() <= max {
        // The next requests find as much room as these did.
        let room = Vec::with_capacity(state.waiting.len());
        return std::mem::replace(&mut state.waiting, room);
    }
    state.waiting.drain(..max).collect()
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.lock();
            state.no_receiver = true;
            std::mem::take(&mut state.waiting)
        };
        // Dropping a request may drop a sender, which locks.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_request_wakes_the_reader() {
        let (sender, receiver) = queue();
        let reader = thread::spawn(move || receiver.wait(LONG, 10));
        sender.send(1).unwrap();
        assert_eq!(reader.join().unwrap(), Ok(vec![1]));
    }

    #[test]
    fn a_worker_wakes_the_reader_before_it_sleeps() {
        let (sender, receiver) = queue();
        let reader = thread::spawn(move || {
            let mut read = Vec::new();
            while let Ok(some) = receiver.wait(LONG, 10) {
                read.extend(some);
            }
            read
        });
        let sender = thread::spawn(move || {
            before_park();
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            before_park();
            sender
        })
        .join()
        .unwrap();
        drop(sender);
        assert_eq!(reader.join().unwrap(), vec![1, 2]);
    }

    #[test]
    fn a_worker_that_asks_two_queues_wakes_both_readers() {
        let queues = [queue(), queue()];
        let (senders, readers): (Vec<_>, Vec<_>) =
            queues.into_iter().map(|(sender, receiver)| (sender, thread::spawn(move || receiver.wait(LONG, 10)))).unzip();
        before_park();
        senders.iter().for_each(|sender| sender.send(1).unwrap());
        before_park();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), Ok(vec![1]));
        }
    }

    #[test]
    fn a_worker_wakes_the_reader_for_many_requests_though_it_never_sleeps() {
        let (sender, receiver) = queue();
        let reader = thread::spawn(move || {
            let mut read = 0;
            while read < PUT_OFF_MAX {
                read += receiver.wait(LONG, 100).unwrap().len();
            }
        });
        before_park();
        for request in 0..2 * PUT_OFF_MAX {
            let _ = sender.send(request);
        }
        reader.join().unwrap();
    }

    #[test]
    fn what_was_asked_before_the_last_sender_left_is_read() {
        let (sender, receiver) = queue();
        sender.send(1).unwrap();
        sender.leave(2);
        sender.send(3).unwrap();
        drop(sender);
        assert_eq!(receiver.wait(LONG, 2), Ok(vec![1, 2]));
        assert_eq!(receiver.wait(LONG, 2), Ok(vec![3]));
        assert_eq!(receiver.wait(LONG, 2), Err(NoSender));
    }

    #[test]
    fn nobody_can_ask_a_reader_that_is_gone() {
        let (sender, receiver) = queue();
        let (inner, dropped) = queue::<()>();
        sender.send(inner).unwrap();
        drop(receiver);
        assert_eq!(dropped.wait(LONG, 1), Err(NoSender));
        assert!(sender.send(queue().0).is_err());
    }
}

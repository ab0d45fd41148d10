//! The planted bug: a lock and a channel that let others in between reading and writing back.

use std::ops::{Deref, DerefMut};

use shuttle::sync as real;

/// Hands out a copy and writes it back when the guard goes.
#[derive(Debug, Default)]
pub struct Mutex<T: Clone>(real::Mutex<T>);

pub struct MutexGuard<'a, T: Clone> {
    lock: &'a real::Mutex<T>,
    copy: T,
}

impl<T: Clone> Mutex<T> {
    pub fn lock(&self) -> real::LockResult<MutexGuard<'_, T>> {
        let copy = self.0.lock().expect("no panic inside").clone();
        Ok(MutexGuard { lock: &self.0, copy })
    }
}

impl<T: Clone> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.copy
    }
}

impl<T: Clone> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.copy
    }
}

impl<T: Clone> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            *self.lock.lock().expect("no panic inside") = self.copy.clone();
        }
    }
}

pub mod watch {
    use shuttle_tokio::sync::watch as real;
    pub use shuttle_tokio::sync::watch::Receiver;

    #[derive(Debug)]
    pub struct Sender<T>(real::Sender<T>);

    pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = real::channel(value);
        (Sender(sender), receiver)
    }

    impl<T: Clone> Sender<T> {
        pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
            let mut copy = self.0.borrow().clone();
            shuttle::thread::yield_now();
            change(&mut copy);
            self.0.send_replace(copy);
        }

        /// Sends to those who listen already, and to nobody who begins to.
        pub fn send_replace(&self, value: T) -> T {
            let before = self.0.borrow().clone();
            let _ = self.0.send(value);
            before
        }

        pub fn borrow(&self) -> shuttle_tokio::sync::watch::Ref<'_, T> {
            self.0.borrow()
        }

        pub fn subscribe(&self) -> Receiver<T> {
            self.0.subscribe()
        }
    }
}

//! Telling many that something has happened, in the order in which they began to wait. (The runtime's own watch channels wake in a
//! random order, which would make two histories of one seed.)

use std::sync::Mutex;

use tokio::sync::Notify;

/// A value that others wait for.
pub struct Gate<T> {
    value: Mutex<Option<T>>,
    told: Notify,
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self { value: Mutex::new(None), told: Notify::new() }
    }
}

impl<T: Clone> Gate<T> {
    pub fn get(&self) -> Option<T> {
        self.value.lock().unwrap().clone()
    }

    pub fn set(&self, value: T) {
        *self.value.lock().unwrap() = Some(value);
        self.told.notify_waiters();
    }

    /// The first value that will do.
    pub async fn wait_for(&self, will_do: impl Fn(&T) -> bool) -> T {
        loop {
            let told = self.told.notified();
            if let Some(value) = self.get().filter(&will_do) {
                return value;
            }
            told.await;
        }
    }
}

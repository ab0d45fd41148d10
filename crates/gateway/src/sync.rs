//! Locks and channels of what calls share in memory. `tests/shuttle` compiles the same files with ones that try every order.

pub(crate) use std::sync::{Mutex, MutexGuard};

pub(crate) use tokio::sync::watch;

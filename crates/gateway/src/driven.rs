//! Who drives a call: the connection that waits for its answer, and a task of the call's own once nobody waits any more.
//!
//! Most calls end with their answer, so they need no task; a stream that has begun, and a call whose client left, go on to
//! their settlement in one.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::Poll;

use futures_util::FutureExt;
use http::Response;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::body::Body;

/// A call that goes on when this is dropped before its end.
pub(crate) struct Driven(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Driven {
    /// A call that nobody drives yet. A panic in it ends it and nothing else.
    pub(crate) fn new(call: impl Future<Output = ()> + Send + 'static) -> Self {
        let call = AssertUnwindSafe(call).catch_unwind().map(|ended| {
            if ended.is_err() {
                tracing::error!("a call panicked");
            }
        });
        Self(Some(Box::pin(call)))
    }

    /// Drives the call until it is answered; `None` when it ended without an answer.
    pub(crate) async fn until(mut self, mut answer: oneshot::Receiver<Response<Body>>) -> Option<Response<Body>> {
        poll_fn(|context| {
            if self.0.as_mut().is_some_and(|call| call.as_mut().poll(context).is_ready()) {
                self.0 = None;
            }
            match Pin::new(&mut answer).poll(context) {
                Poll::Ready(answer) => Poll::Ready(answer.ok()),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        // Without a runtime the process ends, and the next one finds the hold.
        if let (Some(call), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            drop(runtime.spawn(call));
        }
    }
}

//! Provider languages: bytes in → what was asked, what was used, chunks out.
//!
//! One request is read once into a [`Request`], and what is forwarded is made from the same bytes by [`Request::shape`],
//! so that nothing is forwarded that wasn't checked. This crate opens no socket and no file and knows no budget.

mod document;
mod json;
pub mod price_book;
mod reading;
mod request;
mod route;
mod stream;

pub use document::{Denial, denial_body};
pub use reading::{Reading, UsageReading, read_response};
pub use request::{BadRequest, Request, Shape, parse_request};
pub use route::{Dialect, Operation, Route, RouteError, route};
pub use stream::{StreamError, StreamReader};

//! Provider languages: bytes in → what was asked, what was used, chunks out.
//!
//! One request is read once into a [`Request`], and what is forwarded is made from the same bytes by [`Request::shape`],
//! so that nothing is forwarded that wasn't checked. This crate opens no socket and no file and knows no budget.

mod answer;
mod anthropic;
mod attributes;
mod audio;
mod bad_request;
pub mod catalogue;
mod count;
mod counting;
mod document;
mod fields;
mod gemini;
mod input;
mod json;
mod multipart;
mod normal;
mod openai;
mod parse;
mod pixels;
pub mod price_book;
pub mod price_sources;
mod reading;
mod rendering;
mod request;
pub mod resources;
mod route;
mod shape;
mod splices;
mod sse;
mod stream;
mod tokens;
mod vocabulary;
mod work;

pub use answer::{read_response, read_response_as};
pub use attributes::{HeaderAttributes, attributes_from_headers};
pub use bad_request::BadRequest;
pub use count::{CountRequest, read_count};
pub use counting::Counting;
pub use document::{CodexDenial, Denial, codex_denial, denial_body, stream_error_event, trailer_comment};
pub use parse::{check_json, parse_request, parse_request_with};
pub use reading::{Reading, UsageReading};
pub use request::{Hints, Request};
pub use route::{Dialect, Operation, Route, RouteError, RouteHints, Row, TABLE, UNSERVED, Unserved, route, route_with, unserved};
pub use shape::Shape;
pub use sse::StreamError;
pub use stream::StreamReader;
pub use vocabulary::Vocabulary;
pub use work::{ImageTool, Implied};

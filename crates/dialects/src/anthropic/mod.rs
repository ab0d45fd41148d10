//! Anthropic's language: messages and their token count.

mod answer;
mod content;
mod messages;
mod stream;
mod tools;
mod usage;

pub(crate) use answer::read_message;
pub(crate) use messages::{count, messages, messages_input};
pub(crate) use stream::message_event;
pub(crate) use usage::Counts;

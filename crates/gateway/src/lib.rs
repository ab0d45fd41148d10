//! The proxy: one file per stage of a dollar's path, in order, in one visible stack.
//!
//! `authenticate → identify → estimate → admit → shape → forward → meter → settle → response`
//!
//! [`Gateway::handle`] takes one HTTP request through all of them. There is no second way in.

mod settings;

pub use settings::{
    Authentication, FallbackSettings, LimitSettings, ProviderSettings, Secret, Settings, TimeoutSettings, UnpricedPolicy, UseKey,
};

//! The proxy: one file per stage of a dollar's path, in order, in one visible stack.
//!
//! `authenticate → identify → estimate → admit → shape → forward → meter → settle → response`
//!
//! [`Gateway::handle`] takes one HTTP request through all of them. There is no second way in.

mod admit;
mod authenticate;
mod body;
mod busy;
mod call;
mod choose;
mod client;
mod count;
mod denied;
mod driven;
mod estimate;
mod forward;
mod gateway;
mod history;
mod identify;
mod in_flight;
mod incoming;
mod limiter;
pub mod listener;
mod meter;
mod metrics;
mod names;
mod network;
mod pipeline;
mod planning;
mod refusal;
mod reported;
mod response;
mod settings;
mod settle;
mod shape;
mod stored;
mod sync;
mod upstream;

pub use body::{Aborted, Body, BoxError};
pub use gateway::Gateway;
pub use identify::{FACTS, is_fact, read_tags};
pub use incoming::ambiguity;
pub use metrics::{BUCKETS_MICROS, CallLabels, HistogramSnapshot, MetricsSnapshot};
pub use names::operation as operation_name;
pub use network::{Connecting, Network, Stream};
pub use planning::{Alternative, Estimate, EstimateAsk, EstimateError};
pub use settings::{
    Authentication, CostFrom, FallbackSettings, LimitSettings, ProviderSettings, Secret, Settings, TimeoutSettings, UnpricedPolicy, UseKey,
    ZeroUsage,
};

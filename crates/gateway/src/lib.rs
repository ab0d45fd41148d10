//! The proxy: one file per stage of a dollar's path, in order, in one visible stack.
//!
//! `authenticate → identify → estimate → admit → shape → forward → meter → settle → response`
//!
//! [`Gateway::handle`] takes one HTTP request through all of them. There is no second way in.

mod body;
mod estimate;
mod gateway;
mod in_flight;
pub mod listener;
mod metrics;
mod settings;

pub use body::{Body, BoxError};
pub use estimate::{Alternative, Estimate, EstimateAsk, EstimateError};
pub use gateway::Gateway;
pub use metrics::{BUCKETS_MICROS, CallLabels, HistogramSnapshot, MetricsSnapshot};
pub use settings::{
    Authentication, FallbackSettings, LimitSettings, ProviderSettings, Secret, Settings, TimeoutSettings, UnpricedPolicy, UseKey,
};

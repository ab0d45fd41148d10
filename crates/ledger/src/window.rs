//! Windows in named time zones.

//! The ledger: who may spend how much, decided without a clock, a disk or a socket.
//!
//! [`Ledger::decide`] looks and may refuse; [`Ledger::apply`] changes and cannot fail.
//! Replaying the journal is `apply` in a loop, so a restart ends in the same state.
//!
//! The invariant, for every account with a limit and after every event:
//! an admission is granted only if `spent + held + overage + granted ≤ limit` on **every** account that it touches.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod admit;
mod budget;
mod command;
mod event;
mod hold;
mod ledger;
mod lines;
mod queue;
mod read;
mod refusal;
mod run;
mod runs;
mod settle;
mod snapshot;
mod spec;
mod state;
mod view;
mod window;

pub use command::{Command, HoldAsk, No};
pub use event::{Account, Event, Held, Posting, PostingKind};
pub use hold::{TRUE_UP_DAYS_MAX, TRUE_UP_HOLDS_MAX};
pub use ledger::Ledger;
pub use queue::{Queue, WaiterId};
pub use refusal::{Refusal, RefusalCode};
pub use run::{RUN_DEPTH_MAX, RUN_GRANT_SHARE_THOUSANDTHS};
pub use spec::{Attributes, BudgetSpec, HoldId, Measure, OnExceed, RunId, RunSpec, Window};
pub use state::{AccountState, BudgetState, ClosedState, HoldState, RunState, State};
pub use view::{AccountView, Grant, Headroom, HoldView, RunView};
pub use window::Period;

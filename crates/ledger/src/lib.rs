//! The ledger: who may spend how much, decided without a clock, a disk or a socket.
//!
//! [`Ledger::decide`] looks and may refuse; [`Ledger::apply`] changes and cannot fail.
//! Replaying the journal is `apply` in a loop, so a restart ends in the same state.
//!
//! The invariant, for every account with a limit that blocks, and after every event: an admission is granted only if
//! `spent + held + overage + granted ≤ limit` on **every** account that it touches. A hold of nothing (a free model, or a
//! covered call where billed cost is measured) adds nothing and is never refused.
//!
//! - An account is a budget for one combination of `per` values and one period, or a run. Its name holds its period, so no
//!   job resets anything; a hold settles on the accounts that admitted it, whenever that is.
//! - Runs count billed cost, on themselves and every ancestor; one grant takes at most
//!   [`RUN_GRANT_SHARE_THOUSANDTHS`] of what each has left.
//! - Time never goes back behind the latest event; a jump ahead is taken as it is.
//! - What memory keeps: accounts of this period and the one before, older ones while a hold or a correction may still post
//!   there, every run, every budget's latest definition, and the latest assumed or estimated settlements
//!   ([`TRUE_UP_DAYS_MAX`], [`TRUE_UP_HOLDS_MAX`]). The journal has the rest.
//! - [`Queue`] says who goes next among holds that wait for others to settle.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod admit;
mod budget;
mod command;
mod event;
mod hold;
mod ledger;
mod lines;
mod parts;
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

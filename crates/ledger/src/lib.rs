//! The ledger: who may spend how much, decided without a clock, a disk or a socket.
//!
//! [`Ledger::decide`] looks and may refuse; [`Ledger::apply`] changes and cannot fail.
//! Replaying the journal is `apply` in a loop, so a restart ends in the same state.
//!
//! The invariant, for every account with a limit and after every event:
//! an admission is granted only if `spent + held + overage + granted ≤ limit` on **every** account that it touches.

mod event;
mod ledger;
mod queue;
mod refusal;
mod spec;
mod state;
mod view;
mod window;

pub use event::{Account, Event, Held, Posting, PostingKind};
pub use ledger::{Command, HoldAsk, Ledger, No};
pub use queue::Queue;
pub use refusal::{Refusal, RefusalCode};
pub use spec::{Attributes, BudgetSpec, HoldId, Measure, OnExceed, RunId, RunSpec, Window};
pub use state::{AccountState, BudgetState, ClosedState, HoldState, RunState, State};
pub use view::{AccountView, Grant, HoldView, RunView};

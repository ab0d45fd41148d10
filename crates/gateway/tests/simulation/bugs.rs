//! Bugs that are planted on purpose, each in a seam of the simulation and none in the product, so that it is known which check
//! catches which bug. Where no seam reaches the mistake, the witness reads the journal as the bug would have written it.

use std::sync::Arc;

use gateway::Network;
use serde_json::Value;
use store::{AttemptEnd, Clock, Outcome, Resolution, Target};
use tokio::io::AsyncWriteExt;

use crate::net::Wires;
use crate::plan::Play;
use crate::process::Process;
use crate::sim::Sim;
use crate::witness::Standing;

/// A mistake that a gateway could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The request goes out before its hold is written.
    SendsFirst,
    /// The request goes out once more on the same hold.
    SendsTwice,
    /// A client that leaves gets its money back, whatever the provider bills.
    RefundsWhoLeaves,
    /// A start gives back what the process before had sent.
    RefundsAfterCrash,
    /// A commit is answered though its sync never reached the disk.
    AnswersUnsynced,
    /// A hold misses one of the budgets that it belongs on (in the journal as read).
    ForgetsBudget,
    /// A settlement is written twice (in the journal as read).
    SettlesTwice,
    /// A settlement has half of its cost (in the journal as read).
    SettlesHalf,
    /// A quarter more than each limit is granted (by the limits in the journal as read).
    GrantsTooMuch,
    /// A refusal is remembered, and given again when there is room.
    RefusesFromMemory,
    /// A repeat with the same idempotency key is taken for a new call.
    ForgetsRepeats,
    /// Waits are measured by the wall clock.
    WaitsByTheWall,
}

use Bug::*;

pub const ALL: [Bug; 12] = [
    SendsFirst,
    SendsTwice,
    RefundsWhoLeaves,
    RefundsAfterCrash,
    AnswersUnsynced,
    ForgetsBudget,
    SettlesTwice,
    SettlesHalf,
    GrantsTooMuch,
    RefusesFromMemory,
    ForgetsRepeats,
    WaitsByTheWall,
];

impl Bug {
    /// The mistake, for a reader of the proof.
    pub fn words(self) -> &'static str {
        match self {
            SendsFirst => "a request is sent before its hold",
            SendsTwice => "a request is sent twice on one hold",
            RefundsWhoLeaves => "a client that leaves gets its money back",
            RefundsAfterCrash => "a restart gives back what was sent",
            AnswersUnsynced => "a commit is answered before its sync",
            ForgetsBudget => "a hold misses a budget",
            SettlesTwice => "a settlement is written twice",
            SettlesHalf => "a settlement is half of the cost",
            GrantsTooMuch => "more than the limit is granted",
            RefusesFromMemory => "a refusal is given again though there is room",
            ForgetsRepeats => "a repeat is taken for a new call",
            WaitsByTheWall => "waits are measured by the wall clock",
        }
    }

    /// Words of the check that must catch it: another check's complaint doesn't count.
    pub fn caught_by(self) -> &'static str {
        match self {
            SendsFirst | SendsTwice => "SENT WITHOUT A HOLD",
            RefundsWhoLeaves | RefundsAfterCrash => "FREE WORK",
            AnswersUnsynced => "IS LOST",
            ForgetsBudget => "and belongs on",
            SettlesTwice => "a hold ends twice",
            SettlesHalf => ", the bill is ",
            GrantsTooMuch => "OVERSPENT",
            RefusesFromMemory => "FALSE REFUSAL",
            ForgetsRepeats => "CHARGED TWICE",
            WaitsByTheWall => "BEFORE ITS WAIT",
        }
    }

    /// What a history must play for the bug to matter at all.
    pub fn needs(self) -> Option<Play> {
        match self {
            RefundsWhoLeaves => Some(Play::Leaving),
            RefundsAfterCrash => Some(Play::Crashes),
            AnswersUnsynced => Some(Play::PowerCuts),
            ForgetsRepeats => Some(Play::Repeats),
            WaitsByTheWall => Some(Play::ClockJumps),
            _ => None,
        }
    }

    /// A journal line as this bug would have written it, and how often.
    pub fn misread(self, event: &mut Value) -> usize {
        let kind = event["event"].as_str().unwrap_or_default();
        match (self, kind) {
            (ForgetsBudget, "held") => {
                event["accounts"].as_array_mut().unwrap().pop();
            }
            (SettlesTwice, "settled") => return 2,
            (SettlesHalf, "settled") => {
                halve(&mut event["cost"]);
                event["postings"].as_array_mut().into_iter().flatten().for_each(|posting| halve(&mut posting["amount"]));
            }
            (GrantsTooMuch, "budget_put") => {
                if let Some(limit) = event["spec"]["limit"].as_i64() {
                    event["spec"]["limit"] = (limit / 5 * 4).into();
                }
            }
            _ => {}
        }
        1
    }
}

fn halve(amount: &mut Value) {
    *amount = (amount.as_i64().unwrap() / 2).into();
}

/// Sends a request of a call's past the gateway's own order of things.
pub async fn send(sim: &Arc<Sim>, process: &Arc<Process>, call: u64) {
    let wires = Wires { sim: Arc::downgrade(sim), process: Arc::downgrade(process) };
    let Ok(mut wire) = wires.connect("http://one".parse().unwrap()).await else { return };
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: one\r\nx-client-request-id: {call}\r\ncontent-length: 0\r\n\r\n");
    let _ = wire.write_all(head.as_bytes()).await;
}

/// Gives back what is held for a call that was sent.
pub async fn refund(sim: &Sim, process: &Process, call: u64) {
    let holds: Vec<String> = {
        let witness = sim.witness.lock().unwrap();
        witness.of_call(call).filter(|hold| hold.standing == Standing::Held).map(|hold| hold.id.clone()).collect()
    };
    for hold in holds {
        let end = AttemptEnd {
            hold: store::parse_hold(&hold).unwrap(),
            at: sim.time.now(),
            outcome: Outcome::Voided,
            status: "client_left".to_owned(),
            http_status: None,
            lines: Vec::new(),
            priced: true,
            reasoning_tokens: 0,
            finish_reason: None,
            model_served: None,
            response_id: None,
            provider_request_id: None,
            tools_called: Vec::new(),
            provider_cost_usd: None,
            first_byte_ms: None,
            total_ms: 0,
            flags: Vec::new(),
        };
        let _ = process.books().finish(end).await;
    }
}

/// Gives back what a start found unresolved.
pub async fn refund_all(sim: Arc<Sim>, process: Arc<Process>) {
    let open: Vec<String> = {
        let witness = sim.witness.lock().unwrap();
        witness.holds.values().filter(|hold| hold.standing == Standing::Unresolved).map(|hold| hold.id.clone()).collect()
    };
    for hold in open {
        let target = Target::Hold(store::parse_hold(&hold).unwrap());
        let _ = process.books().resolve(target, Resolution::Void, "planted", "planted").await;
    }
}

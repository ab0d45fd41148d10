//! The same words as compact bytes: what is written for every call. Each type of the ledger and of the records has a mirror
//! here that tells the bytes' order, which is fixed: what changes later gets another version number.

use std::sync::Arc;

use jiff::Timestamp;
use ledger::{
    Account, AccountState, Attributes, BudgetSpec, BudgetState, ClosedState, Event, Held, HoldId, HoldState, Measure, OnExceed, Posting,
    PostingKind, RunId, RunSpec, RunState, State, Window,
};
use money::Nanos;
use serde::de::Error as _;
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CodecError;
use crate::{AttemptEnd, AttemptStart, CallId, Outcome, StoredLine};

/// Begins a document.
const VERSION: u8 = 1;

/// A value whose bytes mirror `M` tells the order of.
macro_rules! numbers {
    ($($module:ident: $type:ty = $wide:ty, $to:expr, $from:expr;)*) => {$(
        mod $module {
            use super::*;

            pub(super) fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                let to: fn(&$type) -> $wide = $to;
                to(value).serialize(serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let from: fn($wide) -> Option<$type> = $from;
                from(<$wide>::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("a number is out of range"))
            }
        }
    )*};
}

numbers! {
    hold: HoldId = u128, |id| id.0, |id| Some(HoldId(id));
    call: CallId = u128, |id| id.0, |id| Some(CallId(id));
    run: RunId = u128, |id| id.0, |id| Some(RunId(id));
    run_option: Option<RunId> = Option<u128>, |id| id.map(|id| id.0), |id| Some(id.map(RunId));
    amount: Nanos = i64, |amount| amount.get(), |amount| Some(Nanos::new(amount));
    amount_option: Option<Nanos> = Option<i64>, |amount| amount.map(Nanos::get), |amount| Some(amount.map(Nanos::new));
    time: Timestamp = (i64, i32), |at| (at.as_second(), at.subsec_nanosecond()), |(second, nano)| Timestamp::new(second, nano).ok();
    time_option: Option<Timestamp> = Option<(i64, i32)>,
        |at| at.map(|at| (at.as_second(), at.subsec_nanosecond())),
        |at| at.map_or(Some(None), |(second, nano)| Timestamp::new(second, nano).ok().map(Some));
}

/// A list of values of another crate, each written by its mirror.
macro_rules! lists {
    ($($module:ident: $type:ty = $mirror:literal;)*) => {$(
        mod $module {
            use super::*;

            #[derive(Serialize)]
            struct One<'a>(#[serde(with = $mirror)] &'a $type);

            #[derive(Deserialize)]
            struct Own(#[serde(with = $mirror)] $type);

            pub(super) fn serialize<S: Serializer>(values: &[$type], serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&One(value))?;
                }
                list.end()
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$type>, D::Error> {
                Ok(Vec::<Own>::deserialize(deserializer)?.into_iter().map(|own| own.0).collect())
            }
        }
    )*};
}

lists! {
    accounts: Account = "AccountBytes";
    postings: Posting = "PostingBytes";
    shares: (Account, Nanos) = "share";
    budget_states: BudgetState = "BudgetStateBytes";
    run_states: RunState = "RunStateBytes";
    account_states: AccountState = "AccountStateBytes";
    hold_states: HoldState = "HoldStateBytes";
    closed_states: ClosedState = "ClosedStateBytes";
}

mod share {
    use super::*;

    #[derive(Serialize)]
    struct One<'a>(#[serde(with = "AccountBytes")] &'a Account, i64);

    #[derive(Deserialize)]
    struct Own(#[serde(with = "AccountBytes")] Account, i64);

    pub(super) fn serialize<S: Serializer>(share: &(Account, Nanos), serializer: S) -> Result<S::Ok, S::Error> {
        One(&share.0, share.1.get()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Account, Nanos), D::Error> {
        Own::deserialize(deserializer).map(|Own(account, amount)| (account, Nanos::new(amount)))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Account")]
enum AccountBytes {
    Budget {
        budget: String,
        per: Vec<String>,
        #[serde(with = "time_option")]
        period_start: Option<Timestamp>,
        #[serde(with = "time_option")]
        period_end: Option<Timestamp>,
    },
    Run(#[serde(with = "run")] RunId),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PostingKind")]
enum KindBytes {
    Spent,
    Overage,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Posting")]
struct PostingBytes {
    #[serde(with = "AccountBytes")]
    account: Account,
    #[serde(with = "KindBytes")]
    kind: PostingKind,
    #[serde(with = "amount")]
    amount: Nanos,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Held")]
struct HeldBytes {
    #[serde(with = "hold")]
    id: HoldId,
    #[serde(with = "time")]
    at: Timestamp,
    #[serde(with = "amount")]
    granted: Nanos,
    #[serde(with = "shares")]
    accounts: Vec<(Account, Nanos)>,
    #[serde(with = "time")]
    assume_at: Timestamp,
    covered: bool,
    #[serde(with = "accounts")]
    shadowed: Vec<Account>,
}

/// An event of a hold, to be written.
#[derive(Serialize)]
pub(super) enum HoldEvent<'a> {
    Held(#[serde(with = "HeldBytes")] &'a Held),
    Settled(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId, Cost, #[serde(with = "postings")] &'a [Posting]),
    Voided(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId),
    Unresolved(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId),
    Assumed(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId, #[serde(with = "postings")] &'a [Posting]),
    TruedUp(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId, Cost, #[serde(with = "postings")] &'a [Posting]),
}

/// The same as it is read.
#[derive(Deserialize)]
pub(super) enum HoldEventRead {
    Held(#[serde(with = "HeldBytes")] Held),
    Settled(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId, Cost, #[serde(with = "postings")] Vec<Posting>),
    Voided(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId),
    Unresolved(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId),
    Assumed(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId, #[serde(with = "postings")] Vec<Posting>),
    TruedUp(#[serde(with = "time")] Timestamp, #[serde(with = "hold")] HoldId, Cost, #[serde(with = "postings")] Vec<Posting>),
}

/// What it cost, and whether that is an estimate.
#[derive(Serialize, Deserialize)]
pub(super) struct Cost {
    #[serde(with = "amount")]
    amount: Nanos,
    estimated: bool,
}

impl<'a> HoldEvent<'a> {
    /// `None` for an event that isn't about a hold.
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        Some(match event {
            Event::Held(held) => Self::Held(held),
            Event::Settled { at, hold, cost, estimated, postings } => {
                Self::Settled(*at, *hold, Cost { amount: *cost, estimated: *estimated }, postings)
            }
            Event::Voided { at, hold } => Self::Voided(*at, *hold),
            Event::Unresolved { at, hold } => Self::Unresolved(*at, *hold),
            Event::Assumed { at, hold, postings } => Self::Assumed(*at, *hold, postings),
            Event::TruedUp { at, hold, cost, postings } => Self::TruedUp(*at, *hold, Cost { amount: *cost, estimated: false }, postings),
            _ => return None,
        })
    }
}

impl From<HoldEventRead> for Event {
    fn from(read: HoldEventRead) -> Self {
        match read {
            HoldEventRead::Held(held) => Self::Held(held),
            HoldEventRead::Settled(at, hold, Cost { amount: cost, estimated }, postings) => {
                Self::Settled { at, hold, cost, estimated, postings }
            }
            HoldEventRead::Voided(at, hold) => Self::Voided { at, hold },
            HoldEventRead::Unresolved(at, hold) => Self::Unresolved { at, hold },
            HoldEventRead::Assumed(at, hold, postings) => Self::Assumed { at, hold, postings },
            HoldEventRead::TruedUp(at, hold, Cost { amount: cost, .. }, postings) => Self::TruedUp { at, hold, cost, postings },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Window")]
enum WindowBytes {
    Total,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OnExceed")]
enum ExceedBytes {
    Block,
    Shadow,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Measure")]
enum MeasureBytes {
    Billed,
    List,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BudgetSpec")]
struct SpecBytes {
    name: String,
    #[serde(with = "amount_option")]
    limit: Option<Nanos>,
    #[serde(with = "WindowBytes")]
    window: Window,
    time_zone: String,
    week_starts_monday: bool,
    matches: Attributes,
    per: Vec<String>,
    #[serde(with = "ExceedBytes")]
    on_exceed: OnExceed,
    #[serde(with = "MeasureBytes")]
    measure: Measure,
    grant_share_thousandths: u16,
    paused: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RunSpec")]
struct RunBytes {
    #[serde(with = "run")]
    id: RunId,
    #[serde(with = "run_option")]
    parent: Option<RunId>,
    #[serde(with = "amount_option")]
    limit: Option<Nanos>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BudgetState")]
struct BudgetStateBytes {
    #[serde(with = "SpecBytes")]
    spec: BudgetSpec,
    archived: bool,
    #[serde(with = "time_option")]
    split_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RunState")]
struct RunStateBytes {
    #[serde(with = "RunBytes")]
    spec: RunSpec,
    #[serde(with = "time")]
    started_at: Timestamp,
    #[serde(with = "time_option")]
    ended_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccountState")]
struct AccountStateBytes {
    #[serde(with = "AccountBytes")]
    account: Account,
    spent: i128,
    overage: i128,
    #[serde(with = "time_option")]
    retire_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HoldState")]
struct HoldStateBytes {
    #[serde(with = "HeldBytes")]
    held: Held,
    counts: Vec<bool>,
    unresolved: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ClosedState")]
struct ClosedStateBytes {
    #[serde(with = "hold")]
    id: HoldId,
    #[serde(with = "time")]
    closed_at: Timestamp,
    #[serde(with = "amount")]
    cost: Nanos,
    #[serde(with = "shares")]
    accounts: Vec<(Account, Nanos)>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "State")]
struct StateBytes {
    #[serde(with = "time_option")]
    time: Option<Timestamp>,
    #[serde(with = "budget_states")]
    budgets: Vec<BudgetState>,
    #[serde(with = "run_states")]
    runs: Vec<RunState>,
    #[serde(with = "account_states")]
    accounts: Vec<AccountState>,
    #[serde(with = "hold_states")]
    holds: Vec<HoldState>,
    #[serde(with = "closed_states")]
    closed: Vec<ClosedState>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AttemptStart")]
struct StartBytes {
    #[serde(with = "call")]
    call: CallId,
    attempt: u32,
    #[serde(with = "hold")]
    hold: HoldId,
    #[serde(with = "time")]
    at: Timestamp,
    dialect: String,
    operation: String,
    provider: String,
    seller: String,
    model_asked: String,
    model_sent: String,
    attributes: Arc<Attributes>,
    #[serde(with = "run_option")]
    run: Option<RunId>,
    stream: bool,
    ceiling_asked: Option<u64>,
    ceiling_granted: Option<u64>,
    input_tokens_max: u64,
    input_bytes_max: u64,
    covered: bool,
    tools_offered: Vec<String>,
    block_hashes: Vec<u64>,
    price_book: String,
    config: String,
    idempotency_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome")]
enum OutcomeBytes {
    Settled {
        #[serde(with = "amount")]
        cost: Nanos,
        estimated: bool,
    },
    Voided,
    Unresolved,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AttemptEnd")]
struct EndBytes {
    #[serde(with = "hold")]
    hold: HoldId,
    #[serde(with = "time")]
    at: Timestamp,
    #[serde(with = "OutcomeBytes")]
    outcome: Outcome,
    status: String,
    http_status: Option<u16>,
    lines: Vec<StoredLine>,
    priced: bool,
    reasoning_tokens: u64,
    finish_reason: Option<String>,
    model_served: Option<String>,
    response_id: Option<String>,
    provider_request_id: Option<String>,
    tools_called: Vec<String>,
    provider_cost_usd: Option<String>,
    first_byte_ms: Option<u64>,
    total_ms: u64,
    flags: Vec<String>,
}

/// An attempt's start as a document.
pub(crate) fn start_to_bytes(start: &AttemptStart) -> Result<Vec<u8>, CodecError> {
    #[derive(Serialize)]
    struct One<'a>(#[serde(with = "StartBytes")] &'a AttemptStart);
    document(&One(start), 512)
}

/// An attempt's end as a document.
pub(crate) fn end_to_bytes(end: &AttemptEnd) -> Result<Vec<u8>, CodecError> {
    #[derive(Serialize)]
    struct One<'a>(#[serde(with = "EndBytes")] &'a AttemptEnd);
    document(&One(end), 256)
}

/// The ledger's whole state, for a snapshot.
pub(crate) fn state_to_bytes(state: &State) -> Result<Vec<u8>, CodecError> {
    #[derive(Serialize)]
    struct One<'a>(#[serde(with = "StateBytes")] &'a State);
    document(&One(state), 4096)
}

/// The state of a snapshot.
pub(crate) fn state_from_bytes(bytes: &[u8]) -> Result<State, CodecError> {
    #[derive(Deserialize)]
    struct Own(#[serde(with = "StateBytes")] State);
    contents::<Own>(bytes).map(|own| own.0)
}

fn document<T: Serialize>(value: &T, room: usize) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(room);
    bytes.push(VERSION);
    append(value, &mut bytes)?;
    Ok(bytes)
}

/// Writes a value behind what is there. The library's own way to do so writes text byte by byte.
pub(super) fn append<T: Serialize>(value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    Ok(postcard::serialize_with_flavor(value, Behind(bytes))?)
}

struct Behind<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The start of a document.
pub(crate) fn start_from_bytes(bytes: &[u8]) -> Result<AttemptStart, CodecError> {
    #[derive(Deserialize)]
    struct Own(#[serde(with = "StartBytes")] AttemptStart);
    contents::<Own>(bytes).map(|own| own.0)
}

/// The end of a document.
pub(crate) fn end_from_bytes(bytes: &[u8]) -> Result<AttemptEnd, CodecError> {
    #[derive(Deserialize)]
    struct Own(#[serde(with = "EndBytes")] AttemptEnd);
    contents::<Own>(bytes).map(|own| own.0)
}

fn contents<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(postcard::from_bytes(rest)?),
        version => Err(CodecError::version(version.map(|(version, _)| *version))),
    }
}

//! The provider's record: every request that it received, what was used, and the bill.
//!
//! A line is written before any byte of the answer goes out (`status: received`) and once more when the request has ended.

use super::ask::Ask;
use super::plan::Answer;
use crate::biller::{Biller, Line, Usage};
use crate::lock;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken; an answer is due or on its way.
    Received,
    /// Answered in full.
    Completed,
    /// The client went away before the end.
    Cut,
    /// The provider broke off by itself (a fault).
    Broken,
    /// Refused with an error status; nothing was used.
    Refused,
}

/// One request as the provider saw it.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Counts requests from 1.
    pub seq: u64,
    /// Milliseconds since 1970 when it was received.
    pub time_ms: u64,
    /// The id that the answer carries (`x-request-id` or `request-id`).
    pub request_id: String,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query, without a key in it.
    pub query: String,
    /// `openai`, `anthropic` or `gemini`; empty when the path is unknown.
    pub dialect: String,
    /// What was asked: `chat`, `responses`, `messages`, `generate`, `embeddings`, `count_tokens`, `models`, `probe`, `unknown`.
    pub operation: String,
    /// The model asked for.
    pub model: String,
    /// How the credential came: `bearer`, `x-api-key`, `x-goog-api-key`, `query`; empty for none.
    pub auth: String,
    /// The last four characters of the credential.
    pub key_last4: String,
    /// Names of all headers received, in order.
    pub header_names: Vec<String>,
    /// Values of headers that identify a call, a session or a client.
    pub headers: BTreeMap<String, String>,
    /// Size of the body.
    pub body_bytes: u64,
    /// A hash of the body, to find repeats.
    pub body_hash: String,
    /// Streamed answer.
    pub streamed: bool,
    /// The output ceiling received.
    pub ceiling: Option<u64>,
    /// Answers wanted.
    pub choices: u64,
    /// Names of the offered tools.
    pub tools: Vec<String>,
    /// Tools called in the answer.
    pub tool_calls: Vec<String>,
    /// Turn of the script.
    pub turn: usize,
    /// How far it has come.
    pub status: Status,
    /// HTTP status of the answer; 0 while there is none.
    pub http_status: u16,
    /// The fault that was played.
    pub fault: Option<String>,
    /// What the answer uses when it comes to its end.
    pub planned: Usage,
    /// What was used, as billed.
    pub usage: Usage,
    /// Nano-dollars owed; `None` when the model has no card.
    pub bill_nanos: Option<i128>,
    /// The lines of the bill.
    pub bill_lines: Vec<Line>,
    /// What differs from the script, in words.
    pub notes: Vec<String>,
}

impl Record {
    /// A record of a request that has just come in.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            seq: 0,
            time_ms: now_ms(),
            request_id: String::new(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            dialect: String::new(),
            operation: "unknown".to_owned(),
            model: String::new(),
            auth: String::new(),
            key_last4: String::new(),
            header_names: Vec::new(),
            headers: BTreeMap::new(),
            body_bytes: 0,
            body_hash: String::new(),
            streamed: false,
            ceiling: None,
            choices: 1,
            tools: Vec::new(),
            tool_calls: Vec::new(),
            turn: 0,
            status: Status::Received,
            http_status: 0,
            fault: None,
            planned: Usage::default(),
            usage: Usage::default(),
            bill_nanos: Some(0),
            bill_lines: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes over what the request asks.
    pub fn asked(&mut self, ask: &Ask) {
        self.dialect = ask.dialect.name().to_owned();
        self.model.clone_from(&ask.model);
        self.streamed = ask.is_streamed;
        self.ceiling = ask.ceiling;
        self.choices = ask.choices;
        self.tools = ask.tools.iter().map(|tool| tool.name.clone()).collect();
    }

    /// Takes over what will be answered.
    pub fn planned(&mut self, answer: &Answer) {
        self.planned = answer.usage.clone();
        self.fault = answer.fault.map(crate::faults::Fault::name);
        self.notes.extend(answer.notes.iter().cloned());
        self.tool_calls = answer.choices.iter().flat_map(|choice| &choice.tools).map(|call| call.name.clone()).collect();
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[derive(Default)]
struct Pages {
    last_seq: u64,
    records: Vec<Record>,
    file: Option<File>,
}

impl Pages {
    fn write(&mut self, at: usize) {
        let (Some(file), Some(record)) = (&mut self.file, self.records.get(at)) else { return };
        if let Ok(mut line) = serde_json::to_vec(record) {
            line.push(b'\n');
            // A record that can't reach the file is still in memory, which is what `/sim/bill` answers from.
            let _ = file.write_all(&line);
        }
    }
}

/// All records of one provider.
#[derive(Clone)]
pub struct Books {
    pages: Arc<Mutex<Pages>>,
    biller: Arc<Biller>,
}

impl Books {
    /// Empty books; `file` gets a JSON line per record and state, appended.
    pub fn open(biller: Biller, file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        let pages = Pages { file, ..Pages::default() };
        Ok(Self { pages: Arc::new(Mutex::new(pages)), biller: Arc::new(biller) })
    }

    /// The cards that bill.
    pub fn biller(&self) -> &Biller {
        &self.biller
    }

    /// Writes a request down, gives it its number, and hands out the means to end it.
    pub fn receive(&self, mut record: Record) -> Open {
        let mut pages = lock(&self.pages);
        pages.last_seq += 1;
        record.seq = pages.last_seq;
        record.request_id = format!("req_sim_{:08}", record.seq);
        let open = Open { books: self.clone(), at: record.seq, request_id: record.request_id.clone(), generated: 0, is_ended: false };
        pages.records.push(record);
        let at = pages.records.len() - 1;
        pages.write(at);
        open
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut Record, &Biller), is_written: bool) {
        let mut pages = lock(&self.pages);
        let Ok(at) = pages.records.binary_search_by_key(&seq, |record| record.seq) else { return };
        change(&mut pages.records[at], &self.biller);
        if is_written {
            pages.write(at);
        }
    }

    /// All records after `since`, in order.
    pub fn since(&self, since: u64) -> Vec<Record> {
        lock(&self.pages).records.iter().filter(|record| record.seq > since).cloned().collect()
    }

    /// Records and totals as one JSON document.
    pub fn bill(&self, since: u64) -> Value {
        let records = self.since(since);
        json!({ "totals": totals(&records), "requests": records })
    }

    /// Forgets all records; numbering goes on, so that ids stay unique.
    pub fn reset(&self) {
        let mut pages = lock(&self.pages);
        let open: Vec<Record> = pages.records.drain(..).filter(|record| record.status == Status::Received).collect();
        // Requests on their way keep their record: they will still be billed.
        pages.records = open;
    }
}

fn totals(records: &[Record]) -> Value {
    let count = |status: Status| records.iter().filter(|record| record.status == status).count();
    let sum = |class: fn(&Usage) -> u64| records.iter().map(|record| class(&record.usage)).sum::<u64>();
    let generations = records.iter().filter(|record| !record.planned.is_nothing()).count();
    json!({
        "requests": records.len(),
        "generations": generations,
        "received": count(Status::Received),
        "completed": count(Status::Completed),
        "cut": count(Status::Cut),
        "broken": count(Status::Broken),
        "refused": count(Status::Refused),
        "bill_nanos": records.iter().filter_map(|record| record.bill_nanos).sum::<i128>(),
        "unpriced": records.iter().filter(|record| record.bill_nanos.is_none()).count(),
        "input": sum(|usage| usage.input),
        "cache_read": sum(|usage| usage.cache_read),
        "cache_write_5m": sum(|usage| usage.cache_write_5m),
        "cache_write_1h": sum(|usage| usage.cache_write_1h),
        "output": sum(|usage| usage.output),
        "reasoning": sum(|usage| usage.reasoning),
    })
}

/// A request that has not ended. Dropped without [`Open::end`], it ends as cut by the client.
pub struct Open {
    books: Books,
    at: u64,
    /// The id that goes out with the answer.
    pub request_id: String,
    /// Output tokens made so far.
    pub generated: u64,
    is_ended: bool,
}

impl Open {
    /// The number of the request.
    pub fn seq(&self) -> u64 {
        self.at
    }

    /// Adds to the record what is known now; the line in the file follows at the end.
    pub fn note(&self, change: impl FnOnce(&mut Record)) {
        self.books.change(self.at, |record, _| change(record), true);
    }

    /// Ends the request. Everything planned is billed when it completed; otherwise the input and what was made so far.
    pub fn end(mut self, status: Status) {
        self.finish(status);
    }

    fn finish(&mut self, status: Status) {
        self.is_ended = true;
        let generated = self.generated;
        let finish = |record: &mut Record, biller: &Biller| {
            record.status = status;
            record.usage = match status {
                Status::Refused | Status::Received => Usage::default(),
                Status::Completed => record.planned.clone(),
                Status::Cut | Status::Broken => part(&record.planned, generated),
            };
            let bill = biller.bill(&record.model, &record.usage);
            let is_free = record.usage.is_nothing();
            record.bill_nanos = if is_free { Some(0) } else { bill.nanos };
            record.bill_lines = bill.lines;
        };
        self.books.change(self.at, finish, true);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.is_ended {
            self.finish(Status::Cut);
        }
    }
}

fn part(planned: &Usage, generated: u64) -> Usage {
    let output = generated.min(planned.output);
    Usage { output, reasoning: planned.reasoning.min(output), ..planned.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(books: &Books) -> Open {
        let mut record = Record::new("POST", "/v1/messages");
        record.model = "claude-sonnet-5".to_owned();
        record.planned = Usage { input: 1000, output: 100, ..Usage::default() };
        books.receive(record)
    }

    #[test]
    fn a_request_is_billed_for_what_was_made() {
        let rows = [
            (Some(Status::Completed), 0, 3_000_000),
            (Some(Status::Broken), 40, 2_400_000),
            (Some(Status::Refused), 0, 0),
            (None, 10, 2_100_000),
        ];
        for (status, generated, nanos) in rows {
            let books = Books::open(Biller::standard(), None).unwrap();
            let mut request = open(&books);
            assert_eq!(books.since(0)[0].status, Status::Received);
            request.generated = generated;
            match status {
                Some(status) => request.end(status),
                None => drop(request),
            }
            let record = &books.since(0)[0];
            assert_eq!((record.bill_nanos, record.status), (Some(nanos), status.unwrap_or(Status::Cut)));
        }
    }

    #[test]
    fn reset_keeps_what_is_on_its_way_and_never_repeats_a_number() {
        let books = Books::open(Biller::standard(), None).unwrap();
        open(&books).end(Status::Completed);
        let going = open(&books);
        books.reset();
        assert_eq!(books.since(0).len(), 1);
        going.end(Status::Completed);
        assert_eq!(open(&books).seq(), 3);
    }
}

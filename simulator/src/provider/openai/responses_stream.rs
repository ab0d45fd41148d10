//! The events of a streamed response, in the order that the official SDKs and Codex expect.

use super::super::plan::{Answer, Choice, Ending, tool_tokens};
use super::super::reply::{Event, Kind, attach, groups};
use super::chat::halves;
use super::responses::{items, shell, text_part, whole};
use super::responses_usage;
use crate::biller::Usage;
use crate::faults::{Fault, Lie};
use serde_json::{Value, json};

/// Numbers the events and knows how far the model has come.
struct Stream<'a> {
    answer: &'a Answer,
    id: &'a str,
    created: u64,
    events: Vec<Event>,
    made: u64,
}

impl Stream<'_> {
    fn push(&mut self, kind: Kind, name: &'static str, mut data: Value) {
        data["sequence_number"] = json!(self.events.len());
        if self.answer.fault == Some(Fault::Lie(Lie::EveryChunk)) && kind == Kind::Content {
            let usage = Usage { output: self.made, ..self.answer.usage.clone() };
            attach(&mut data, "usage", Some(responses_usage(&usage)));
        }
        self.events.push(Event::typed(kind, name, data, self.made));
    }

    fn state(&mut self, name: &'static str) {
        let response = shell(self.answer, self.id, self.created, "in_progress");
        self.push(Kind::Other, name, json!({ "response": response }));
    }

    fn item(&mut self, at: usize, item: &Value, choice: &Choice) {
        let mut opening = item.clone();
        opening["status"] = json!("in_progress");
        match item["type"].as_str().unwrap_or_default() {
            "message" => {
                opening["content"] = json!([]);
                self.push(Kind::Other, "response.output_item.added", json!({ "output_index": at, "item": opening }));
                self.message(at, &item["id"], choice);
            }
            "function_call" => self.call(at, item, opening, "arguments"),
            "custom_tool_call" => self.call(at, item, opening, "input"),
            "reasoning" => {
                if let Some(fields) = opening.as_object_mut() {
                    fields.shift_remove("status");
                }
                self.push(Kind::Other, "response.output_item.added", json!({ "output_index": at, "item": opening }));
                self.made += choice.reasoning;
            }
            "web_search_call" => {
                self.push(Kind::Other, "response.output_item.added", json!({ "output_index": at, "item": opening }));
                for name in
                    ["response.web_search_call.in_progress", "response.web_search_call.searching", "response.web_search_call.completed"]
                {
                    self.push(Kind::Other, name, json!({ "output_index": at, "item_id": item["id"] }));
                }
            }
            _ => self.push(Kind::Other, "response.output_item.added", json!({ "output_index": at, "item": opening })),
        }
        self.push(Kind::Other, "response.output_item.done", json!({ "output_index": at, "item": item }));
    }

    fn message(&mut self, at: usize, item_id: &Value, choice: &Choice) {
        let place = |mut more: Value| {
            more["item_id"] = item_id.clone();
            more["output_index"] = json!(at);
            more["content_index"] = json!(0);
            more
        };
        let (delta, done, field) = match choice.ending {
            Ending::Refusal => ("response.refusal.delta", "response.refusal.done", "refusal"),
            _ => ("response.output_text.delta", "response.output_text.done", "text"),
        };
        self.push(Kind::Other, "response.content_part.added", place(json!({ "part": text_part(choice, "") })));
        let before = self.made;
        for (text, tokens) in groups(&choice.pieces, self.answer.chunks) {
            self.made = before + tokens;
            self.push(Kind::Content, delta, place(json!({ "delta": text, "logprobs": [] })));
        }
        self.push(Kind::Other, done, place(json!({ field: choice.text(), "logprobs": [] })));
        self.push(Kind::Other, "response.content_part.done", place(json!({ "part": text_part(choice, &choice.text()) })));
    }

    fn call(&mut self, at: usize, item: &Value, mut opening: Value, field: &'static str) {
        opening[field] = json!("");
        let (delta, done) = match field {
            "input" => ("response.custom_tool_call_input.delta", "response.custom_tool_call_input.done"),
            _ => ("response.function_call_arguments.delta", "response.function_call_arguments.done"),
        };
        self.push(Kind::Other, "response.output_item.added", json!({ "output_index": at, "item": opening }));
        let text = item[field].as_str().unwrap_or_default();
        for part in halves(text) {
            self.push(Kind::Content, delta, json!({ "output_index": at, "item_id": item["id"], "delta": part }));
        }
        self.push(Kind::Other, done, json!({ "output_index": at, "item_id": item["id"], "name": item["name"], field: text }));
    }
}

/// The whole stream.
pub fn events(answer: &Answer, id: &str, created: u64) -> Vec<Event> {
    let Some(choice) = answer.choices.first() else { return Vec::new() };
    let mut stream = Stream { answer, id, created, events: Vec::new(), made: 0 };
    stream.state("response.created");
    stream.state("response.in_progress");
    let mut calls = choice.tools.iter();
    for (at, item) in items(answer, choice, id).iter().enumerate() {
        if item.get("call_id").is_some() {
            stream.made += calls.next().map_or(0, tool_tokens);
        }
        stream.item(at, item, choice);
    }
    let name = if matches!(choice.ending, Ending::Length | Ending::Filter) { "response.incomplete" } else { "response.completed" };
    stream.push(Kind::Usage, name, json!({ "response": whole(answer, id, created) }));
    stream.events
}

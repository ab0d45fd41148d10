//! What a prompt asks the fake model to do: `[[sim output=500 tool=Bash:{"command":"ls"}]]`.
//!
//! The directive language is documented in this crate's README. [`find`] looks for the last directive of a text,
//! [`Turn::parse`] reads the words of one turn. A word that can't be read becomes a note on the record, never an error:
//! the request itself is answered.

mod parse;

use crate::faults::Fault;
use crate::tokens;

pub use parse::{Found, find};

/// A tool call that the script asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolAsk {
    /// The name as written; the closest offered tool is taken when it isn't offered.
    pub name: String,
    /// A JSON object (or a bare text for a freeform tool).
    pub arguments: String,
}

/// What one assistant turn does. What is `None` is drawn or taken from the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// Visible output tokens.
    pub output: Option<u64>,
    /// Hidden reasoning or thinking tokens.
    pub reasoning: Option<u64>,
    /// The text to say in place of made-up words.
    pub text: Option<String>,
    /// Pieces that a stream is cut into.
    pub chunks: Option<u64>,
    /// Pause before the first byte of the answer, in milliseconds.
    pub first_ms: Option<u64>,
    /// Pause before each further chunk, in milliseconds.
    pub delay_ms: Option<u64>,
    /// Tools to call, in order.
    pub tools: Vec<ToolAsk>,
    /// Searches that the provider makes itself when a search tool is offered.
    pub web_searches: u64,
    /// The tier that serves, when not the one asked for.
    pub tier: Option<String>,
    /// The model name in the answer, when not the one asked for.
    pub model: Option<String>,
    /// What the provider says that it costs, in dollars (chat and completions).
    pub cost: Option<String>,
    /// How the answer ends, when not by itself: `refusal` or `filter`.
    pub finish: Option<String>,
    /// Written in three-byte characters.
    pub script: tokens::Script,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// The fault happens only on the first so many requests that reach this turn.
    pub fault_times: Option<u64>,
    /// Past the last turn, call the tools again: an agent that never ends.
    pub is_looping: bool,
    /// Words that could not be read.
    pub notes: Vec<String>,
}

/// A whole script: one entry per assistant turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    turns: Vec<Turn>,
}

impl Script {
    /// Reads the inside of a directive (what stands between `[[sim` and `]]`).
    pub fn parse(inside: &str) -> Self {
        let inside = inside.trim();
        let turns = match inside.strip_prefix("turns:") {
            Some(list) => parse::split_turns(list).into_iter().map(Turn::parse).collect(),
            None => vec![Turn::parse(inside)],
        };
        Self { turns }
    }

    /// What the assistant does when it has spoken `index` times since the directive. Past the end it is the last turn again,
    /// without its tools unless it says `loop`, so that an agent comes to an end.
    pub fn turn(&self, index: usize) -> Turn {
        if let Some(turn) = self.turns.get(index) {
            return turn.clone();
        }
        let mut last = self.turns.last().cloned().unwrap_or_default();
        if !last.is_looping {
            last.tools.clear();
        }
        last
    }

    /// How many turns were written.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether no turn was written.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

impl Turn {
    /// Reads `key=value` words separated by spaces. Values may be `"quoted"` (JSON) and tool arguments are JSON objects.
    pub fn parse(text: &str) -> Self {
        let mut turn = Self::default();
        for (key, value) in parse::words(text) {
            if let Err(note) = turn.set(&key, value) {
                turn.notes.push(note);
            }
        }
        turn
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        let number = || value.parse::<u64>().map_err(|_| format!("{key} needs a number, got {value:?}"));
        match key {
            "output" => self.output = Some(number()?),
            "reasoning" | "thinking" => self.reasoning = Some(number()?),
            "chunks" => self.chunks = Some(number()?.max(1)),
            "first_ms" => self.first_ms = Some(number()?),
            "delay_ms" => self.delay_ms = Some(number()?),
            "web_search" => self.web_searches = number()?,
            "fault_times" => self.fault_times = Some(number()?),
            "text" => self.text = Some(value),
            "tier" => self.tier = Some(value),
            "model" => self.model = Some(value),
            "cost" => self.cost = Some(value),
            "finish" => self.finish = Some(value),
            "wide" => self.script = tokens::Script::Wide,
            "loop" => self.is_looping = true,
            "fault" => self.fault = Some(value.parse().map_err(|()| format!("no fault is called {value:?}"))?),
            "tool" => {
                let (name, arguments) = value.split_once(':').unwrap_or((&value, "{}"));
                self.tools.push(ToolAsk { name: name.to_owned(), arguments: arguments.to_owned() });
            }
            _ => return Err(format!("unknown word {key:?}")),
        }
        Ok(())
    }

    /// Takes from `other` whatever this turn leaves open: how a rule of the control API meets a directive.
    pub fn or(mut self, other: &Self) -> Self {
        self.output = self.output.or(other.output);
        self.reasoning = self.reasoning.or(other.reasoning);
        self.text = self.text.or_else(|| other.text.clone());
        self.chunks = self.chunks.or(other.chunks);
        self.first_ms = self.first_ms.or(other.first_ms);
        self.delay_ms = self.delay_ms.or(other.delay_ms);
        self.tier = self.tier.or_else(|| other.tier.clone());
        self.model = self.model.or_else(|| other.model.clone());
        self.cost = self.cost.or_else(|| other.cost.clone());
        self.finish = self.finish.or_else(|| other.finish.clone());
        self.fault_times = self.fault_times.or(other.fault_times);
        self.fault = self.fault.or(other.fault);
        self.web_searches = self.web_searches.max(other.web_searches);
        if self.tools.is_empty() {
            self.tools.clone_from(&other.tools);
        }
        if self.script == tokens::Script::default() {
            self.script = other.script;
        }
        self.notes.extend(other.notes.iter().cloned());
        self
    }
}

#[cfg(test)]
mod tests;

//! The answer that the fake model will give, decided whole before the first byte goes out.

use super::ask::{Ask, Dialect, ToolKind};
use super::tools::{self, ToolCall};
use crate::biller::Usage;
use crate::faults::Fault;
use crate::rng::Rng;
use crate::script::Turn;
use crate::tokens;

/// The most that a model writes when the client names no ceiling.
pub const MODEL_CEILING: u64 = 128_000;
/// Input tokens that one search by the provider adds to the prompt.
pub const TOKENS_PER_SEARCH: u64 = 500;

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was said in full.
    Stop,
    /// The ceiling cut it.
    Length,
    /// It waits for tools.
    Tools,
    /// The model refused.
    Refusal,
    /// A filter stopped it.
    Filter,
}

/// One of n answers.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Visible text, one piece per token.
    pub pieces: Vec<String>,
    /// Hidden reasoning, in tokens.
    pub reasoning: u64,
    /// Calls, in order.
    pub tools: Vec<ToolCall>,
    /// How it ends.
    pub ending: Ending,
}

impl Choice {
    /// Tokens of the text.
    pub fn text_tokens(&self) -> u64 {
        self.pieces.len() as u64
    }

    /// All output tokens: reasoning, text and tool calls.
    pub fn tokens(&self) -> u64 {
        self.reasoning + self.text_tokens() + self.tools.iter().map(tool_tokens).sum::<u64>()
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// The tokens that a tool call is billed as.
pub fn tool_tokens(call: &ToolCall) -> u64 {
    tokens::count(&call.name) + tokens::count(&call.arguments)
}

/// The whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// One entry per choice; at least one.
    pub choices: Vec<Choice>,
    /// What is really used, and billed.
    pub usage: Usage,
    /// The model named in the answer.
    pub model: String,
    /// What the provider says that it costs, in dollars; it bills what its card says.
    pub said_cost: Option<serde_json::Number>,
    /// Pieces that a stream is cut into.
    pub chunks: u64,
    /// Pause before the first byte and before each chunk, in milliseconds.
    pub pause: Pause,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// What to say in the record.
    pub notes: Vec<String>,
}

/// The pace of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    /// Before the first byte.
    pub first_ms: u64,
    /// Before each further chunk.
    pub each_ms: u64,
}

impl Answer {
    /// Total pause until the answer is complete.
    pub fn total_ms(&self) -> u64 {
        self.pause.first_ms + self.pause.each_ms * self.chunks
    }
}

/// Decides the answer. `usage` comes with the input side filled in.
pub fn answer(ask: &Ask, turn: &Turn, mut usage: Usage, rng: &mut Rng) -> Answer {
    let mut notes = turn.notes.clone();
    let choices: Vec<Choice> = (0..ask.choices.max(1)).map(|_| choice(ask, turn, rng, &mut notes)).collect();
    usage.reasoning = choices.iter().map(|choice| choice.reasoning).sum();
    usage.output = choices.iter().map(Choice::tokens).sum();
    usage.tier = turn.tier.clone().unwrap_or_else(|| served_tier(&ask.tier).to_owned());
    usage.fast = ask.fast;
    usage.geo.clone_from(&ask.geo);
    if ask.tools.iter().any(|tool| tool.kind == ToolKind::WebSearch) {
        usage.web_searches = turn.web_searches.min(ask.searches_max.unwrap_or(u64::MAX));
        usage.input += usage.web_searches * TOKENS_PER_SEARCH;
    } else if turn.web_searches > 0 {
        notes.push("no search tool is offered, nothing was searched".to_owned());
    }
    let text_tokens = choices.first().map_or(0, Choice::text_tokens);
    Answer {
        chunks: turn.chunks.unwrap_or_else(|| (text_tokens / 8).clamp(1, 400)),
        pause: Pause { first_ms: turn.first_ms.unwrap_or(0), each_ms: turn.delay_ms.unwrap_or(0) },
        said_cost: turn.cost.as_deref().and_then(|cost| cost.parse().ok()),
        model: turn.model.clone().unwrap_or_else(|| ask.model.clone()),
        fault: turn.fault,
        choices,
        usage,
        notes,
    }
}

/// The tier that serves a request for `asked`, unless the script says otherwise.
fn served_tier(asked: &str) -> &str {
    match asked {
        "priority" | "flex" | "batch" => asked,
        _ => "default",
    }
}

fn choice(ask: &Ask, turn: &Turn, rng: &mut Rng, notes: &mut Vec<String>) -> Choice {
    let ceiling = match turn.fault {
        Some(Fault::IgnoresCeiling) => u64::MAX,
        _ => ask.ceiling.unwrap_or(MODEL_CEILING),
    };
    let mut left = ceiling;
    let reasoning = reasoning(ask, turn, notes).min(left);
    left -= reasoning;
    let wanted = text_pieces(ask, turn, rng);
    let mut is_cut = wanted.len() as u64 > left || (reasoning > 0 && left == 0);
    let pieces: Vec<String> = wanted.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)).collect();
    left -= pieces.len() as u64;
    let calls = if is_cut { Vec::new() } else { tool_calls(ask, turn, left, &mut is_cut, notes) };
    let ending = match turn.finish.as_deref() {
        Some("refusal") => Ending::Refusal,
        Some("filter") => Ending::Filter,
        _ if is_cut => Ending::Length,
        _ if !calls.is_empty() => Ending::Tools,
        _ => Ending::Stop,
    };
    Choice { pieces, reasoning, tools: calls, ending }
}

fn reasoning(ask: &Ask, turn: &Turn, notes: &mut Vec<String>) -> u64 {
    let wanted = turn.reasoning.unwrap_or(0);
    if wanted > 0 && !ask.thinks && ask.dialect == Dialect::Anthropic {
        notes.push("thinking is off in the request, none was done".to_owned());
        return 0;
    }
    wanted
}

fn text_pieces(ask: &Ask, turn: &Turn, rng: &mut Rng) -> Vec<String> {
    let mut pieces = Vec::new();
    let say = match (&turn.text, &ask.schema) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(schema)) => Some(tools::sample(schema, 0).to_string()),
        (None, None) => None,
    };
    if let Some(text) = &say {
        tokens::for_each_token(text, |token| pieces.push(token.to_owned()));
    }
    let is_json = turn.text.is_none() && ask.schema.is_some();
    let drawn = || {
        if say.is_some() { 0 } else { drawn_length(turn, ask, rng.clone()) }
    };
    let wanted = if is_json { 0 } else { turn.output.unwrap_or_else(drawn) };
    let missing = wanted.saturating_sub(pieces.len() as u64);
    if missing > 0 {
        // Filler after a given text starts with a sentence end, so that neither side changes the other's tokens.
        let filler = tokens::pieces(missing, turn.script, rng);
        let joint = if pieces.is_empty() { None } else { Some(".") };
        pieces.extend(joint.into_iter().chain(filler.into_iter().skip(usize::from(joint.is_some()))).map(str::to_owned));
    }
    pieces
}

/// Lengths as chat traffic has them: mostly some dozens to some hundreds of tokens, rarely more.
fn drawn_length(turn: &Turn, ask: &Ask, mut rng: Rng) -> u64 {
    if !turn.tools.is_empty() {
        return rng.between(8, 30);
    }
    let scale = rng.between(4, 9);
    rng.between(1 << scale, 2 << scale).min(ask.ceiling.unwrap_or(MODEL_CEILING))
}

fn tool_calls(ask: &Ask, turn: &Turn, mut left: u64, is_cut: &mut bool, notes: &mut Vec<String>) -> Vec<ToolCall> {
    let mut calls = Vec::new();
    let callable: Vec<_> = ask.tools.iter().filter(|tool| tool.kind != ToolKind::WebSearch).cloned().collect();
    for wanted in &turn.tools {
        let (call, note) = tools::choose(wanted, &callable);
        notes.extend(note);
        let Some(call) = call else { continue };
        let cost = tool_tokens(&call);
        if cost > left {
            *is_cut = true;
            break;
        }
        left -= cost;
        calls.push(call);
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(ceiling: Option<u64>, choices: u64, words: &str) -> Answer {
        let mut ask = Ask::new(Dialect::OpenAi, "gpt-5.5");
        ask.ceiling = ceiling;
        ask.choices = choices;
        ask.tools.push(super::super::ask::Tool { name: "Bash".to_owned(), kind: ToolKind::Function, schema: json!({}), namespace: None });
        answer(&ask, &Turn::parse(words), Usage::default(), &mut Rng::new(1))
    }

    #[test]
    fn output_is_what_the_script_says_and_never_above_the_ceiling() {
        let rows = [
            (None, 1, "output=500", 500, 0, Ending::Stop),
            (Some(100), 1, "output=500", 100, 0, Ending::Length),
            (Some(100), 1, "output=500 reasoning=60", 100, 60, Ending::Length),
            (Some(100), 1, "output=5 reasoning=200", 100, 100, Ending::Length),
            (Some(100), 4, "output=10 reasoning=5", 60, 20, Ending::Stop),
            (Some(100), 1, "output=500 fault=ignores_ceiling", 500, 0, Ending::Stop),
            (Some(100), 1, "text=done", 1, 0, Ending::Stop),
            (Some(100), 1, "text=done output=40", 40, 0, Ending::Stop),
            (Some(100), 1, r#"output=10 tool=Bash:{"a":"b"}"#, 10 + 1 + 9, 0, Ending::Tools),
            (Some(12), 1, r#"output=10 tool=Bash:{"a":"b"}"#, 10, 0, Ending::Length),
            (Some(100), 1, "output=3 finish=refusal", 3, 0, Ending::Refusal),
        ];
        for (ceiling, choices, words, output, reasoning, ending) in rows {
            let plan = plan(ceiling, choices, words);
            assert_eq!((plan.usage.output, plan.usage.reasoning, plan.choices[0].ending), (output, reasoning, ending), "{words}");
            let text = plan.choices[0].text();
            assert_eq!(tokens::count(&text), plan.choices[0].text_tokens(), "{text:?}");
        }
    }

    #[test]
    fn without_a_directive_the_length_is_drawn_within_the_ceiling() {
        for seed in 0..50 {
            let mut ask = Ask::new(Dialect::OpenAi, "m");
            ask.ceiling = Some(60);
            let plan = answer(&ask, &Turn::default(), Usage::default(), &mut Rng::new(seed));
            assert!((1..=60).contains(&plan.usage.output), "seed {seed}");
        }
    }
}

//! What a request asks for, in words that all three dialects share.

use crate::script::{self, Script, Turn};
use crate::tokens;
use serde_json::Value;

/// The language of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI and all that copy it.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google's Gemini.
    Gemini,
}

impl Dialect {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// Who said a piece of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The person, or the instructions.
    User,
    /// The model, its tool calls included.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// How long a marked prefix stays in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// Five minutes.
    Minutes5,
    /// One hour.
    Hour,
}

/// A piece of the prompt, in the order in which the model reads it.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The text that counts.
    pub text: String,
    /// Tokens beyond those of the text: template, or an image.
    pub extra: u64,
    /// A cache breakpoint stands after this piece.
    pub mark: Option<Term>,
}

impl Segment {
    /// All tokens of the piece.
    pub fn tokens(&self) -> u64 {
        tokens::count(&self.text) + self.extra
    }
}

/// What kind of call a tool takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolKind {
    /// JSON arguments by a schema.
    Function,
    /// One free text (OpenAI's custom tools).
    Freeform,
    /// OpenAI's built-in local shell.
    LocalShell,
    /// A search that the provider makes itself.
    WebSearch,
}

/// A tool that the client offers.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// How it is called.
    pub kind: ToolKind,
    /// The JSON schema of its arguments.
    pub schema: Value,
    /// The namespace it was offered in, for clients that group tools.
    pub namespace: Option<String>,
}

/// One request, read.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The language of the request.
    pub dialect: Dialect,
    /// The model asked for, as written.
    pub model: String,
    /// Answer as a stream.
    pub is_streamed: bool,
    /// The client asked for the usage chunk of a chat stream.
    pub wants_usage: bool,
    /// The client sent `stream_options` at all.
    pub has_stream_options: bool,
    /// The prompt in reading order.
    pub prompt: Vec<Segment>,
    /// Who said what, for directives.
    pub said: Vec<(Speaker, String)>,
    /// The tools on offer.
    pub tools: Vec<Tool>,
    /// The ceiling of output tokens, for each choice.
    pub ceiling: Option<u64>,
    /// Answers wanted.
    pub choices: u64,
    /// Thinking was asked for (Anthropic).
    pub thinks: bool,
    /// Thinking is shown in the answer.
    pub shows_thinking: bool,
    /// The answer must be JSON of this schema; `{}` is any object.
    pub schema: Option<Value>,
    /// The tier asked for; empty when none.
    pub tier: String,
    /// Fast mode was asked for.
    pub fast: bool,
    /// The residency asked for; empty when none.
    pub geo: String,
    /// The most searches that the provider may make itself.
    pub searches_max: Option<u64>,
}

impl Ask {
    /// An empty request of a dialect.
    pub fn new(dialect: Dialect, model: &str) -> Self {
        Self {
            dialect,
            model: model.to_owned(),
            is_streamed: false,
            wants_usage: false,
            has_stream_options: false,
            prompt: Vec::new(),
            said: Vec::new(),
            tools: Vec::new(),
            ceiling: None,
            choices: 1,
            thinks: dialect != Dialect::Anthropic,
            shows_thinking: false,
            schema: None,
            tier: String::new(),
            fast: false,
            geo: String::new(),
            searches_max: None,
        }
    }

    /// Adds a piece to the prompt, with tokens beyond its text.
    pub fn read(&mut self, text: &str, extra: u64) {
        self.prompt.push(Segment { text: text.to_owned(), extra, mark: None });
    }

    /// Adds what someone said to the prompt and to the conversation.
    pub fn say(&mut self, speaker: Speaker, text: &str) {
        self.read(text, 0);
        self.said.push((speaker, text.to_owned()));
    }

    /// Puts a cache breakpoint after the last piece.
    pub fn mark(&mut self, term: Term) {
        if let Some(segment) = self.prompt.last_mut() {
            segment.mark = Some(term);
        }
    }

    /// All prompt tokens.
    pub fn prompt_tokens(&self) -> u64 {
        self.prompt.iter().map(Segment::tokens).sum()
    }

    /// The last directive of the user's text, and the turn that the conversation has come to since.
    pub fn directive(&self) -> Option<(Script, usize)> {
        let mut found: Option<(Script, usize)> = None;
        let mut previous = Speaker::User;
        for (speaker, text) in &self.said {
            match speaker {
                Speaker::User => {
                    if let Some(directive) = script::find(text) {
                        found = Some((Script::parse(directive.inside), 0));
                    }
                }
                Speaker::Assistant if previous != Speaker::Assistant => {
                    if let Some((_, turn)) = &mut found {
                        *turn += 1;
                    }
                }
                _ => {}
            }
            previous = *speaker;
        }
        found
    }

    /// What the directive asks for at this turn, if there is one, and the index of the turn.
    pub fn turn(&self) -> (Option<Turn>, usize) {
        self.directive().map_or((None, 0), |(script, index)| (Some(script.turn(index)), index))
    }
}

/// A refusal of the request itself, in words that `super::errors` puts in the dialect's shape.
#[derive(Debug, Clone)]
pub struct Reject {
    /// HTTP status.
    pub status: u16,
    /// What is wrong.
    pub message: String,
    /// The field that is wrong, when one is.
    pub param: Option<&'static str>,
}

impl Reject {
    /// A 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: None }
    }

    /// A 400 about one field.
    pub fn field(param: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: Some(param) }
    }
}

/// The count in a field: absent and null are `None`, anything but a whole number is a 400.
pub fn count_field(body: &Value, field: &'static str) -> Result<Option<u64>, Reject> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(Reject::field(field, format!("Invalid type for '{field}': expected an integer."))),
        },
    }
}

/// A text field, empty when absent.
pub fn text_field<'a>(body: &'a Value, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A list field, empty when absent.
pub fn list_field<'a>(body: &'a Value, field: &str) -> &'a [Value] {
    body.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The tokens of media whose content we don't look at: never more than its encoded bytes when the data is inline.
pub fn media_tokens(inline_data: Option<&str>, usual: u64) -> u64 {
    inline_data.map_or(usual, |data| usual.min(data.len() as u64))
}

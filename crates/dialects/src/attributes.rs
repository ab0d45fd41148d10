//! What clients say of themselves: sessions, users and tags, in bodies and headers.

use std::collections::BTreeMap;

use crate::Request;
use crate::fields::clip;
use crate::json::{Doc, Value};

/// Names that only Mete itself sets, because they are facts of the call and not what the client says of it.
const FACTS: [&str; 7] = ["key", "model", "provider", "region", "tier", "run", "parent"];

impl Request {
    /// Takes an object's strings as tags.
    pub(crate) fn tags(&mut self, object: Option<Value<'_>>) {
        let Some(object) = object else { return };
        object.members().for_each(|(key, value)| self.tag(key, value));
    }

    /// Takes one member as a tag; nothing but a string with a plain key is one.
    pub(crate) fn tag(&mut self, key: Value<'_>, value: Value<'_>) {
        let key = key.text().unwrap_or_default();
        if !FACTS.contains(&key.as_ref()) && key.len() <= 64 {
            self.attribute_from(Some(value), &key);
        }
    }

    /// Takes a string member as the attribute `name`.
    pub(crate) fn attribute_from(&mut self, value: Option<Value<'_>>, name: &str) {
        if let Some(text) = value.and_then(Value::text) {
            self.attribute(name, &text);
        }
    }

    /// Reads Anthropic's `metadata.user_id`. Claude Code puts a JSON document into it, with `session_id` and what
    /// `CLAUDE_CODE_EXTRA_METADATA` adds; older versions wrote `user_…_account_…_session_…`.
    pub(crate) fn user_id(&mut self, user_id: &str) {
        let inner = Doc::strict(user_id.as_bytes()).ok();
        let Some(object) = inner.as_ref().map(Doc::root).filter(|root| root.members().next().is_some()) else {
            return match user_id.rsplit_once("_session_") {
                Some((_, session)) => self.attribute("session", session),
                None => self.attribute("user", user_id),
            };
        };
        self.attribute_from(object.get("session_id"), "session");
        self.attribute_from(object.get("account_uuid"), "account");
        self.attribute_from(object.get("device_id"), "device");
        let is_own = |key: Value<'_>| ["session_id", "account_uuid", "device_id"].iter().any(|own| key.is_text(own));
        for (key, value) in object.members().filter(|(key, _)| !is_own(*key)) {
            self.tag(key, value);
        }
    }
}

/// What headers say of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderAttributes {
    /// Attributes by name: `agent`, `session`, `thread`, `turn`, …
    pub attributes: BTreeMap<String, String>,
    /// Whether this is Codex, which needs its own refusal (its `originator`, else its user agent).
    pub is_codex: bool,
}

/// Reads the headers by which known agents name their session; names in any case. Headers of Mete's own aren't read here.
pub fn attributes_from_headers<'h>(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> HeaderAttributes {
    let mut found = HeaderAttributes::default();
    let mut agent = None;
    for (name, value) in headers {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if ["x-claude-code-session-id", "session-id", "session_id", "x-session-id"].into_iter().any(is) {
            found.set("session", value);
        } else if is("thread-id") {
            found.set("thread", value);
        } else if is("openai-organization") {
            found.set("openai_organization", value);
        } else if is("openai-project") {
            found.set("openai_project", value);
        } else if is("originator") {
            found.is_codex |= clip(value, 256).to_ascii_lowercase().starts_with("codex");
            found.set("originator", value);
        } else if is("user-agent") {
            agent = agent_of(&clip(value, 256));
        }
    }
    found.is_codex |= agent == Some("codex");
    if let Some(agent) = agent.or(found.is_codex.then_some("codex")) {
        found.set("agent", agent);
    }
    found
}

impl HeaderAttributes {
    fn set(&mut self, name: &str, value: &str) {
        let value = clip(value, 256);
        if !value.is_empty() {
            self.attributes.entry(name.to_owned()).or_insert(value);
        }
    }
}

/// The agent or library behind a user agent.
fn agent_of(user_agent: &str) -> Option<&'static str> {
    let known = [
        ("claude-cli/", "claude-code"),
        ("codex", "codex"),
        ("opencode/", "opencode"),
        ("geminicli", "gemini-cli"),
        ("agents/python", "openai-agents"),
        ("pydantic-ai/", "pydantic-ai"),
        ("langchain", "langchain"),
        ("openai/python", "openai-python"),
        ("asyncopenai/python", "openai-python"),
        ("openai/js", "openai-javascript"),
        ("anthropic/python", "anthropic-python"),
        ("asyncanthropic/python", "anthropic-python"),
        ("anthropic/js", "anthropic-javascript"),
        ("google-genai-sdk/", "google-genai"),
        ("ai-sdk/", "ai-sdk"),
    ];
    let lower = user_agent.to_ascii_lowercase();
    known.iter().find(|(start, _)| lower.starts_with(start)).map(|(_, agent)| *agent)
}

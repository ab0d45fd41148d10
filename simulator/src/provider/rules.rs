//! Rules that the control API sets: what to do with the next requests that match, whatever their prompts say.

use crate::script::Turn;
use serde_json::Value;

/// One rule.
#[derive(Debug, Clone)]
struct Rule {
    model: Option<String>,
    path: Option<String>,
    /// Requests left; `None` for ever.
    times: Option<u64>,
    turn: Turn,
}

/// All rules, first match wins.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    refusals: u64,
}

impl Rules {
    /// Adds the rule of a `POST /sim/script` body; an error says what makes no sense.
    pub fn add(&mut self, body: &Value) -> Result<(), String> {
        if let Some(count) = body.get("refuse_connections") {
            self.refusals = count.as_u64().ok_or("refuse_connections must be a number")?;
        }
        let Some(script) = body.get("script") else {
            return if body.get("refuse_connections").is_some() { Ok(()) } else { Err("script is missing".to_owned()) };
        };
        let turn = Turn::parse(script.as_str().ok_or("script must be a text")?);
        if let Some(note) = turn.notes.first() {
            return Err(note.clone());
        }
        let wanted = |field: &str| body.pointer(&format!("/match/{field}")).and_then(Value::as_str).map(str::to_owned);
        let times = body.get("times").and_then(Value::as_u64);
        self.rules.push(Rule { model: wanted("model"), path: wanted("path"), times, turn });
        Ok(())
    }

    /// Forgets all rules.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The turn for a request, used up when its rule is counted.
    pub fn take(&mut self, model: &str, path: &str) -> Option<Turn> {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| is.contains(wanted));
        let is_left = |rule: &Rule| rule.times.is_none_or(|times| times > 0);
        let rule = self.rules.iter_mut().find(|rule| is_left(rule) && fits(&rule.model, model) && fits(&rule.path, path))?;
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        Some(rule.turn.clone())
    }

    /// Whether the connection that has just been accepted must be closed.
    pub fn takes_refusal(&mut self) -> bool {
        let is_refused = self.refusals > 0;
        self.refusals = self.refusals.saturating_sub(1);
        is_refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_counted_rule_is_used_up_and_the_next_one_follows() {
        let mut rules = Rules::default();
        rules.add(&json!({"match": {"model": "gpt"}, "times": 2, "script": "fault=http_500"})).unwrap();
        rules.add(&json!({"script": "output=7"})).unwrap();
        let outputs: Vec<_> = ["gpt-5.5", "claude", "gpt-5.5", "gpt-5.5"].map(|model| rules.take(model, "/v1").unwrap().output).into();
        assert_eq!(outputs, [None, Some(7), None, Some(7)]);
        assert!(rules.add(&json!({"script": "fault=gremlin"})).is_err());
        assert!(rules.add(&json!({})).is_err());
    }

    #[test]
    fn connections_are_refused_as_often_as_said() {
        let mut rules = Rules::default();
        rules.add(&json!({"refuse_connections": 2})).unwrap();
        assert_eq!([(); 3].map(|()| rules.takes_refusal()), [true, true, false]);
    }
}

//! What Mete changes in a request, spliced into the client's own bytes.

use core::ops::Range;

use crate::Request;
use crate::splices::Edit;

/// What Mete changes in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The output ceiling to send, in the field that the model accepts; `None` leaves the body's own.
    pub ceiling: Option<u64>,
    /// Another model name (alias or step-down).
    pub model: Option<String>,
    /// Whether to ask for usage in streams (`stream_options.include_usage`).
    pub include_usage: bool,
    /// Ceiling to inject into server tools without one (`max_uses`, `max_tool_calls`).
    pub tool_uses: Option<u64>,
}

impl Request {
    /// The body to forward: the client's bytes with the changes spliced in, all else untouched.
    ///
    /// `body` must be the bytes that this request was read from. A ceiling at or below the request's own thinking budget
    /// lowers that budget to just below it, because the provider refuses the two otherwise.
    #[must_use]
    pub fn shape(&self, body: &[u8], shape: &Shape) -> Vec<u8> {
        let mut edits = Vec::new();
        if let Some(ceiling) = shape.ceiling {
            let model = shape.model.as_ref().unwrap_or(&self.model);
            let chosen = self.splices.ceiling_by_model.as_ref().map(|fields| &fields.places[usize::from((fields.is_second)(model))]);
            self.splices.ceiling.iter().chain(chosen).for_each(|place| place.write(&ceiling.to_string(), &mut edits));
            if let Some(thinking) = self.splices.thinking.as_ref().filter(|thinking| thinking.budget >= ceiling) {
                edits.push(Edit { at: thinking.at.clone(), with: ceiling.saturating_sub(1).to_string() });
            }
        }
        if let Some(model) = &shape.model {
            let write = |(at, prefix): &(Range<usize>, &str)| Edit { at: at.clone(), with: quote(&format!("{prefix}{model}")) };
            edits.extend(self.splices.model.iter().map(write));
            // A name with a line end would begin a header or a boundary of its own.
            let plain = self.splices.model_text.as_ref().filter(|_| !model.chars().any(char::is_control));
            edits.extend(plain.map(|at| Edit { at: at.clone(), with: model.clone() }));
        }
        if let Some(place) = self.splices.include_usage.as_ref().filter(|_| shape.include_usage) {
            place.write("true", &mut edits);
        }
        if let Some(uses) = shape.tool_uses {
            self.splices.tool_uses.iter().for_each(|place| place.write(&uses.to_string(), &mut edits));
        }
        splice(body, edits)
    }
}

/// A string as JSON.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Applies edits that don't overlap; those at one place stay in their order.
fn splice(body: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| edit.at.start);
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let (mut out, mut done) = (Vec::with_capacity(body.len() + added), 0);
    for edit in edits {
        out.extend_from_slice(body.get(done..edit.at.start).unwrap_or_default());
        out.extend_from_slice(edit.with.as_bytes());
        done = edit.at.end;
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out
}

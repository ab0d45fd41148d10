//! Where in a body something can be written, found while it is read.

use core::ops::Range;

/// Where a value can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The bytes that go; empty where a member is added.
    pub(crate) at: Range<usize>,
    /// How the place joins what stands there.
    pub(crate) join: Join,
    /// What to write before the value: the key and colon, or more where a parent object is missing too.
    pub(crate) before: String,
    /// What to write behind it.
    pub(crate) after: &'static str,
}

/// How a place joins what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Over a value.
    Over,
    /// Behind the last member of an object.
    Behind,
    /// Into an object that has no member yet.
    First,
}

/// A choice between two fields that depends on the model.
#[derive(Clone, Debug)]
pub(crate) struct ByModel {
    /// Whether a model takes the second.
    pub(crate) is_second: fn(&str) -> bool,
    pub(crate) places: [Place; 2],
}

/// A thinking budget that must stay below the ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thinking {
    pub(crate) at: Range<usize>,
    pub(crate) budget: u64,
}

/// Byte positions for [`Request::shape`]; the dialects' own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splices {
    /// Fields of the output ceiling; all of them get the same number.
    pub(crate) ceiling: Vec<Place>,
    /// Fields of the ceiling of which the model that is sent takes one.
    pub(crate) ceiling_by_model: Option<ByModel>,
    /// The ceiling to send where none is granted and the body names none.
    pub(crate) ceiling_usual: Option<u64>,
    /// Where a form names the model, as plain text.
    pub(crate) model_text: Option<Range<usize>>,
    /// Where the model is named, with what stands before the name there (`models/`).
    pub(crate) model: Vec<(Range<usize>, &'static str)>,
    /// Where the wish for usage goes; `None` when it is there or the dialect has none.
    pub(crate) include_usage: Option<Place>,
    /// Open ceilings of server tools.
    pub(crate) tool_uses: Vec<Place>,
    pub(crate) thinking: Option<Thinking>,
}

/// One change: the range that goes, and what comes.
pub(crate) struct Edit {
    pub(crate) at: Range<usize>,
    pub(crate) with: String,
}

impl Place {
    pub(crate) fn write(&self, value: &str, edits: &mut Vec<Edit>) {
        let is_taken = || edits.iter().any(|edit| edit.at == self.at);
        let comma = match self.join {
            Join::Over => "",
            Join::First if !is_taken() => "",
            Join::First | Join::Behind => ",",
        };
        edits.push(Edit { at: self.at.clone(), with: format!("{comma}{}{value}{}", self.before, self.after) });
    }
}

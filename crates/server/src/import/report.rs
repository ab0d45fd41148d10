//! What became of another gateway's settings: taken over, taken over with another meaning, or left.

use serde::Serialize;

/// What became of every key of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many things of each kind were taken over.
    pub taken: Taken,
    /// What means something else now, and how.
    pub changed: Vec<Changed>,
    /// What could not be taken over, and what to do instead.
    pub left: Vec<Left>,
    /// Virtual keys to make: secrets can't be taken over.
    pub keys: Vec<KeyToMake>,
    /// Variables that `mete serve` needs in its environment, each once.
    pub environment: Vec<String>,
}

/// How many things of each kind were taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// `[[providers]]`.
    pub providers: usize,
    /// Model names that clients may ask for, patterns included.
    pub models: usize,
    /// Teams that have a budget or a key to make.
    pub teams: usize,
    /// `[[budgets]]`.
    pub budgets: usize,
    /// Prices in the price file.
    pub prices: usize,
}

/// A setting that means something else now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Where it stands: `litellm_settings.budget_duration`.
    pub path: String,
    /// How it differs, as one sentence.
    pub what: String,
}

/// A setting that could not be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Where it stands: `model_list[3].litellm_params.rpm`.
    pub path: String,
    /// Why, and what to do instead.
    pub why: String,
}

/// A virtual key to make, as the words of a command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyToMake {
    /// Its name.
    pub name: String,
    /// The words after `mete`: `keys`, `create`, …
    pub arguments: Vec<String>,
}

impl Report {
    pub(super) fn changed(&mut self, path: &str, what: impl Into<String>) {
        self.changed.push(Changed { path: path.to_owned(), what: what.into() });
    }

    pub(super) fn left(&mut self, path: &str, why: impl Into<String>) {
        self.left.push(Left { path: path.to_owned(), why: why.into() });
    }

    pub(super) fn needs(&mut self, variable: &str) {
        if !variable.is_empty() && !self.environment.iter().any(|known| known == variable) {
            self.environment.push(variable.to_owned());
        }
    }
}

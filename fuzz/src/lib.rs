//! Readers of bytes from outside, each with what must hold of *any* input.
//!
//! A target is a function over bytes that panics when a promise is broken. `cargo test -p fuzz` replays the corpus and every
//! regression and then damages them by chance; `cargo xtask fuzz` lets libFuzzer search by coverage and keeps what it finds.

mod answer;
mod chance;
mod config;
mod headers;
mod import;
mod oracle;
mod prices;
mod request;
mod route;
mod stream;

pub use chance::Chance;

/// A reader and the promises that are checked on it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: the folder of its corpus.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Words that its language is made of, for damage that stays near what is read.
    pub words: &'static [&'static str],
}

/// All targets.
pub const TARGETS: [Target; 11] = [
    Target { name: "stream", run: stream::run, words: stream::WORDS },
    Target { name: "request", run: request::run, words: request::WORDS },
    Target { name: "form", run: request::run_form, words: request::FORM_WORDS },
    Target { name: "answer", run: answer::run, words: answer::WORDS },
    Target { name: "route", run: route::run, words: route::WORDS },
    Target { name: "headers", run: headers::run, words: headers::WORDS },
    Target { name: "config", run: config::run, words: config::WORDS },
    Target { name: "price_file", run: prices::run_file, words: prices::WORDS },
    Target { name: "price_source", run: prices::run_source, words: prices::WORDS },
    Target { name: "catalogue", run: prices::run_catalogue, words: prices::WORDS },
    Target { name: "import", run: import::run, words: import::WORDS },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Takes one choice from the front of the input.
pub(crate) fn choose<'a, T>(list: &'a [T], input: &mut &[u8]) -> Option<&'a T> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    list.get(usize::from(*first) % list.len())
}

//! What others counted: `tiktoken-rs` here and now for OpenAI's vocabularies, `fixtures/text/actual.json` for the rest.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dialects::Vocabulary;
use serde_json::Value;

/// Counts made elsewhere.
#[derive(Debug)]
pub struct Actual {
    fixtures: PathBuf,
    recorded: Value,
}

impl Actual {
    /// Reads the recorded counts below a folder of fixtures.
    pub fn read(fixtures: &Path) -> anyhow::Result<Self> {
        let path = fixtures.join("text/actual.json");
        let text = std::fs::read(&path).with_context(|| format!("failed to read {}; run tests/tokenizers/record", path.display()))?;
        Ok(Self { fixtures: fixtures.to_path_buf(), recorded: serde_json::from_slice(&text)? })
    }

    /// Every family: its name, who counts, and the vocabulary where one is built in.
    pub fn families(&self) -> impl Iterator<Item = (&str, &str, Option<Vocabulary>)> {
        let live = [Vocabulary::O200k, Vocabulary::Cl100k].into_iter().map(|own| (own.name(), "tiktoken-rs 0.12, live", Some(own)));
        let recorded = self.recorded["by"].as_object().into_iter().flatten().map(|(name, by)| {
            let built_in = Vocabulary::ALL.into_iter().find(|vocabulary| vocabulary.name() == name);
            (name.as_str(), by.as_str().unwrap_or_default(), built_in)
        });
        live.chain(recorded)
    }

    /// The files of text by name, each cut as the recorded counts were.
    pub fn pieces(&self) -> anyhow::Result<Vec<(String, Vec<String>)>> {
        let size = usize::try_from(self.recorded["piece_bytes"].as_u64().context("actual.json names no piece_bytes")?)?;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.fixtures.join("text"))?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
        files.sort();
        files
            .iter()
            .map(|file| {
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                Ok((name, cut(&std::fs::read_to_string(file)?, size)))
            })
            .collect()
    }

    /// Tokens of the `at`th piece of a file.
    pub fn tokens(&self, family: &str, file: &str, at: usize, piece: &str) -> anyhow::Result<u64> {
        if let Some(tokenizer) = tokenizer(family) {
            return Ok(tokenizer.encode_ordinary(piece).len() as u64);
        }
        let recorded = self.recorded["pieces"][family][file][at].as_u64();
        recorded.with_context(|| format!("actual.json has no count of {file}, piece {at}, by {family}; run tests/tokenizers/record"))
    }

    /// Texts made by chance, and how many tokens each has, for a family; the seed names them in a failure.
    pub fn random(&self, family: &str) -> anyhow::Result<Vec<(&str, u64)>> {
        let texts = self.recorded["random"]["texts"].as_array().context("actual.json has no random texts; run tests/tokenizers/record")?;
        texts
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let text = text.as_str().context("a random text is none")?;
                let live = tokenizer(family).map(|tokenizer| tokenizer.encode_ordinary(text).len() as u64);
                let tokens = live.or_else(|| self.recorded["random"]["tokens"][family][at].as_u64());
                Ok((text, tokens.with_context(|| format!("random text {at} has no count by {family}"))?))
            })
            .collect()
    }

    /// The seed of the random texts.
    pub fn seed(&self) -> u64 {
        self.recorded["random"]["seed"].as_u64().unwrap_or_default()
    }

    /// Tokens of the tools of `schemas.txt` beside a message `Hi`, in the family's documented template; who counted.
    pub fn tools(&self, family: &str) -> Option<(&str, u64)> {
        let counted = &self.recorded["tools"][family];
        Some((counted[0].as_str()?, counted[1].as_u64()?))
    }

    /// Recorded request bodies of OpenAI's responses, with their tokens in its published format.
    pub fn bodies(&self) -> anyhow::Result<Vec<(String, Vec<u8>, u64)>> {
        let counted = self.recorded["bodies"].as_object().into_iter().flatten();
        counted
            .map(|(case, tokens)| {
                let body = std::fs::read(self.fixtures.join("openai").join(case).join("request.json"))?;
                Ok((case.clone(), body, tokens.as_u64().context("a count is missing")?))
            })
            .collect()
    }
}

/// The other implementation of a family that counts here and now.
fn tokenizer(family: &str) -> Option<&'static tiktoken_rs::CoreBPE> {
    match family {
        "o200k_base" => Some(tiktoken_rs::o200k_base_singleton()),
        "cl100k_base" => Some(tiktoken_rs::cl100k_base_singleton()),
        _ => None,
    }
}

/// Pieces of at least `size` bytes, cut between characters; a rest below a quarter of it is left out.
fn cut(text: &str, size: usize) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    for character in text.chars() {
        piece.push(character);
        if piece.len() >= size {
            pieces.push(core::mem::take(&mut piece));
        }
    }
    if piece.len() >= size / 4 {
        pieces.push(piece);
    }
    pieces
}

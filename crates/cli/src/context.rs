//! What every command is given: where to ask, how to print, and the environment, read once.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use server::{Answer, Api, Connect, Environment};

use crate::args::{Format, Global};
use crate::exit::{self, ApiRefusal};

/// The surroundings of a command.
pub struct Context {
    /// How data is printed.
    pub format: Format,
    /// Environment variables at start.
    pub env: Environment,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--prices`.
    pub prices: Option<PathBuf>,
    url: Option<String>,
    data: Option<PathBuf>,
}

impl Context {
    /// Reads the environment.
    pub fn new(global: &Global) -> Self {
        let env: Environment =
            std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect();
        let url = global.url.clone().or_else(|| env.get("METE_URL").filter(|url| !url.is_empty()).cloned());
        // Without --config the data directory's own mete.toml is used, so that `mete run` starts with the budgets that were set up.
        let data = global.data.clone().or_else(|| server::default_data_dir(&env));
        let config = global.config.clone().or_else(|| data.map(|data| data.join("mete.toml")).filter(|file| file.is_file()));
        Self { format: global.format, url, data: global.data.clone(), config, prices: global.prices.clone(), env }
    }

    /// The data directory: `--data`, else the platform's.
    pub fn data(&self) -> anyhow::Result<PathBuf> {
        let data = self.data.clone().or_else(|| server::default_data_dir(&self.env));
        data.context("no data directory is known; name one with --data DIR")
    }

    /// `--data`, if it was given.
    pub fn named_data(&self) -> Option<PathBuf> {
        self.data.clone()
    }

    /// Whom the admin API is asked of.
    pub fn connect(&self) -> anyhow::Result<Connect> {
        let data = if self.url.is_some() { self.data.clone() } else { Some(self.data()?) };
        let token = self.env.get("METE_TOKEN").cloned();
        Ok(Connect { url: self.url.clone(), token, data, config: self.config.clone(), prices: self.prices.clone(), env: self.env.clone() })
    }

    /// The admin API, for a command that only makes sense where there are records: a mistyped directory is not made.
    pub async fn api_of_records(&self) -> anyhow::Result<Api> {
        if self.url.is_none() {
            let data = self.data()?;
            anyhow::ensure!(self.has_records()?, exit::NoRecords(data.display().to_string()));
        }
        self.api().await
    }

    /// Whether the data directory was ever used.
    pub fn has_records(&self) -> anyhow::Result<bool> {
        Ok(self.data()?.join("mete.db").exists())
    }

    /// Whether a server is named by its address.
    pub fn is_remote(&self) -> bool {
        self.url.is_some()
    }

    /// Words that a command line needs to reach the same server or directory: ` --data DIR`, ` --url URL` or nothing.
    pub fn to_reach(&self) -> String {
        match (&self.url, &self.data) {
            (Some(url), _) => format!(" --url {}", quoted(url)),
            (None, Some(data)) => format!(" --data {}", quoted(&data.display().to_string())),
            (None, None) => String::new(),
        }
    }

    /// The price routes: on the book of imported sources in `book`, on `--prices` or the embedded book where no server and no
    /// data directory is meant, else those of the server or the data directory.
    pub async fn prices_api(&self, book: Option<&Path>) -> anyhow::Result<Api> {
        if let Some(book) = book {
            return Ok(Api::of_book(book)?);
        }
        let has_data = self.is_remote() || self.has_records().unwrap_or(false);
        if self.prices.is_some() || !has_data {
            return Ok(Api::of_prices(self.prices.as_deref())?);
        }
        self.api().await
    }

    /// The admin API.
    pub async fn api(&self) -> anyhow::Result<Api> {
        Ok(Api::connect(self.connect()?).await?)
    }
}

/// A word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The document of a successful answer; what the API refuses becomes an error with its sentence.
pub fn accepted(answer: Answer) -> anyhow::Result<Value> {
    if answer.is_ok() {
        return Ok(answer.body);
    }
    let sentence = answer.error().map_or_else(|| format!("the server answered {}", answer.status), str::to_owned);
    Err(ApiRefusal(sentence).into())
}

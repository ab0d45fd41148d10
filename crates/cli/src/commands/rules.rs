//! `mete rules test`: what the rules of the config file make of a call's attributes. Nothing is asked and nothing is sent.

use anyhow::Context as _;
use serde_json::Value;

use super::ask;
use crate::args::RulesTest;
use crate::context::Context;
use crate::exit;
use crate::output::{self, Column, Kind};

const SET: &[Column] = &[Column("TAG", "/tag", Kind::Text), Column("VALUE", "/value", Kind::Text), Column("SET BY", "/set_by", Kind::Text)];

/// Which rule sets which tag.
pub fn test(context: &Context, options: &RulesTest) -> anyhow::Result<u8> {
    let file = context.config.as_deref().context("no configuration file is known; name one with --config FILE")?;
    let brought = options.attributes.iter().map(|word| ask::split(word).map(|(name, value)| (name.to_owned(), value.to_owned())));
    let config = server::config::load(Some(file), &[], &context.env)?;
    let document = server::try_rules(&config, brought.collect::<anyhow::Result<_>>()?, options.at.as_deref())?;
    let missing = document["missing"].as_array().is_some_and(|missing| !missing.is_empty());
    output::print(context.format, &document, human);
    Ok(if missing { exit::FAILED } else { exit::OK })
}

fn human(document: &Value) -> String {
    let set = output::table(&document["set"], SET, "no rule sets a tag");
    let missing: Vec<String> =
        document["missing"].as_array().into_iter().flatten().map(|name| format!("`{}`", output::cell(Some(name), Kind::Text))).collect();
    if missing.is_empty() { set } else { format!("{set}\nrefused: this call lacks {}", missing.join(", ")) }
}

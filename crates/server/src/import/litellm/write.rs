//! The plan as `mete.toml`, with where each part came from.

use super::super::toml_text::TomlText;
use super::Draft;
use super::budgets::Budget;
use super::routes::Provider;
use crate::config::typed::DialectWord;
use crate::import::short;

/// Paths that a comment names.
const PATHS_SHOWN: usize = 6;

/// The whole file. `source` is the config that was read, `prices` the price file beside this one.
pub(super) fn config(draft: &Draft, source: &str, prices: &str) -> String {
    let mut text = TomlText::default();
    text.comment(&format!("Made from {} by `mete import litellm`; its report says what is different.", short(source)));
    text.gap();
    text.comment("LiteLLM's keys are virtual, and so are Mete's: make them with `mete keys create`.");
    text.heading("[server]");
    text.set("authentication", "keyed");
    draft.providers.iter().for_each(|provider| write_provider(provider, &mut text));
    draft.budgets.iter().for_each(|budget| write_budget(budget, &draft.time_zone, &mut text));
    if !draft.prices.is_empty() {
        text.gap();
        text.comment("prices that stood beside the deployments");
        text.heading("[prices]");
        text.set_list("extra", &[prices.to_owned()]);
    }
    if let Some((path, milliseconds)) = &draft.first_byte {
        text.gap();
        text.comment(&format!("from {path}"));
        text.heading("[timeouts]");
        text.set("first_byte_ms", *milliseconds);
    }
    text.finish()
}

fn write_provider(provider: &Provider, text: &mut TomlText) {
    let connection = &provider.connection;
    let shown = provider.paths.iter().take(PATHS_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = provider.paths.len().saturating_sub(PATHS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let only = if provider.is_fallback { "; called only when another fails" } else { "" };
    text.gap();
    text.comment(&format!("from {shown}{more}{only}"));
    text.heading("[[providers]]");
    text.set("name", provider.name.as_str());
    text.set("dialect", dialect(connection.vendor.dialect));
    text.set("base_url", connection.base_url.as_str());
    text.set_text("api_key_env", &connection.api_key_env);
    text.set("seller", connection.vendor.seller);
    text.set_text("region", &connection.region);
    text.set("models", provider.models.clone());
    text.set_map("aliases", &provider.aliases);
    text.set_list("fallback", &provider.fallback);
    if connection.retries > 0 {
        text.set("retries", i64::from(connection.retries));
    }
}

const fn dialect(word: DialectWord) -> &'static str {
    match word {
        DialectWord::OpenAi => "openai",
        DialectWord::Anthropic => "anthropic",
        DialectWord::Gemini => "gemini",
    }
}

fn write_budget(budget: &Budget, time_zone: &str, text: &mut TomlText) {
    text.gap();
    text.comment(&format!("from {}", budget.path));
    text.heading("[[budgets]]");
    text.set("name", budget.name.as_str());
    text.set("limit_usd", budget.limit_usd.as_str());
    text.set("window", budget.window);
    if budget.window != "total" {
        text.set_text("time_zone", time_zone);
    }
    text.set_map("match", &budget.matches);
    text.set_list("per", &budget.per);
}

//! `mete run`: a command under a budget of its own.
//!
//! Finds or starts a gateway, makes a run, points the command at it, waits, and prints a receipt. It isn't a sandbox: a
//! program that ignores its base URL, or finds another key, isn't bounded.

mod agent;
mod child;
mod gateway;
mod receipt;

use serde_json::{Map, Value, json};
use server::Api;

use super::ask;
use crate::args::Run;
use crate::context::{Context, accepted};
use crate::exit;
use crate::output;

/// Runs the command and gives the exit code that the shell sees.
pub async fn run(context: &Context, options: Run) -> anyhow::Result<u8> {
    let request = request(context, &options)?;
    let api = gateway::find_or_start(context).await?;
    let path = options.run.as_ref().map_or_else(|| "/runs".to_owned(), |run| format!("/runs/{}/join", ask::encoded(run)));
    let made = accepted(api.post(&path, request).await?)?;
    let link = link(&api, &made).await?;
    if let Some(warning) = old_prices(&api).await {
        output::talk(&format!("mete run: {warning}"));
    }
    let before = receipt::refusals(&api, &link.run).await?;
    let launch = agent::launch(&options.command, &link, &context.env);
    for note in &launch.notes {
        output::talk(&format!("mete run: {note}"));
    }
    let ended = child::wait(context, launch, &link, keep_alive(&api, &link.run)).await;
    let finished = accepted(api.post(&format!("/runs/{}/end", ask::encoded(&link.run)), json!({})).await?);
    let code = ended?;
    match finished {
        Ok(_) => receipt::hand_over(context, &api, &link.run, &options, code, before).await,
        Err(error) => {
            output::talk(&format!("mete run: no receipt: {error:#}"));
            Ok(code)
        }
    }
}

/// What the run is asked to be.
fn request(context: &Context, options: &Run) -> anyhow::Result<Value> {
    let mut body = Map::new();
    body.insert("credentials".to_owned(), Value::Object(agent::credentials(&context.env)));
    if options.run.is_some() {
        return Ok(Value::Object(body));
    }
    let program = options.command.first().map(|word| word.to_string_lossy().into_owned());
    ask::put(&mut body, "name", options.name.clone().or(program));
    ask::put(&mut body, "parent", context.env.get("METE_RUN").cloned());
    ask::put(&mut body, "limit_usd", options.budget.clone());
    ask::put(&mut body, "session", options.session.clone());
    body.insert("tags".to_owned(), Value::Object(ask::pairs(&options.tags)?));
    Ok(Value::Object(body))
}

/// How the command reaches its run.
async fn link(api: &Api, made: &Value) -> anyhow::Result<agent::Link> {
    let text = |name: &str| made[name].as_str().map(str::to_owned);
    let (Some(run), Some(token)) = (text("run_id"), text("token")) else {
        anyhow::bail!("the server made a run without a name or a token")
    };
    let Some(base) = api.base_url() else { anyhow::bail!("no gateway runs on this data directory") };
    let config = accepted(api.get("/config").await?)?;
    let providers = config["providers"].as_array().cloned().unwrap_or_default();
    let keyed = providers.iter().filter(|provider| provider["has_key"] == json!(true)).filter_map(|provider| provider["dialect"].as_str());
    Ok(agent::Link {
        base: format!("{base}/run/{token}"),
        root: base.to_owned(),
        key: text("key").unwrap_or_else(|| token.clone()),
        token,
        run,
        keyed: keyed.map(str::to_owned).collect(),
    })
}

/// What the gateway says of a price book that is out of date. A run doesn't depend on it, so that no answer is no warning.
async fn old_prices(api: &Api) -> Option<String> {
    let stats = accepted(api.get("/stats").await.ok()?).ok()?;
    stats["price_book_warning"].as_str().map(str::to_owned)
}

/// Asks after the run now and then, so that a gateway that ends when idle knows that somebody is there.
async fn keep_alive(api: &Api, run: &str) {
    let path = format!("/runs/{}", ask::encoded(run));
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        if api.get(&path).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// The code of a command that failed because the budget ended.
pub fn code_after_budget(child: u8, refused: u64) -> u8 {
    if child != exit::OK && refused > 0 { exit::BUDGET } else { child }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_command_that_was_refused_ends_with_75() {
        assert_eq!([(0, 0), (0, 3), (1, 0), (1, 2), (130, 1)].map(|(child, refused)| code_after_budget(child, refused)), [0, 0, 1, 75, 75]);
    }
}

//! What a provider may legally count for the bytes that were forwarded to it.

use super::choices::Choices;
use super::{BILLER, Case, Operation};
use crate::biller::Usage;
use serde_json::Value;

/// For how long a marked prompt is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Five minutes.
    Minutes,
    /// One hour, or five minutes.
    Hour,
}

/// The most that a request can be counted as, and what the provider may do with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Legal {
    /// Most prompt tokens that aren't sound.
    pub(super) text: u64,
    /// Most prompt tokens of sound.
    pub(super) audio: u64,
    /// Input that isn't in the body fills the window.
    pub(super) hidden: bool,
    /// Prompt tokens that aren't sound, as the provider counts them.
    pub(super) prompt: u64,
    /// Prompt tokens of sound, as the provider counts them.
    pub(super) heard: u64,
    /// What the request wants cached.
    pub(super) mark: Option<Mark>,
    /// Tools that the provider runs by itself.
    pub(super) tools: Vec<&'static str>,
    /// Tiers that could serve.
    pub(super) tiers: Vec<&'static str>,
    pub(super) thinks: bool,
    pub(super) fast: bool,
    pub(super) geo: &'static str,
    pub(super) embeds: bool,
    /// The model looks every prompt up on the web.
    pub(super) lookup: bool,
    pub(super) speaks: bool,
    pub(super) draws: bool,
    /// Further turns of the model that each use of a tool causes.
    pub(super) turns_each: u64,
    /// Tools of a connected server, each use of which is a turn of the model.
    pub(super) connected: bool,
    /// Tokens of a prediction, which are billed as output where the model rejects them.
    pub(super) predicted: u64,
    /// The provider may sum the conversation up first, in a pass of its own.
    pub(super) compacts: bool,
    /// That pass: prompt and output tokens.
    pub(super) pass: (u64, u64),
    /// How a stream of chat tells its usage.
    pub(super) style: u64,
}

/// Most tokens that one use of a tool brings in: figures of the product's documentation, because no provider names any.
fn result_max(tool: &str) -> u64 {
    match tool {
        "web_fetch" | "url_context" => 125_000,
        "file_search" => 40_000,
        "google_search" | "google_maps" => 0,
        _ => 10_000,
    }
}

/// What the forwarded bytes allow.
struct Allowed {
    ceiling: u64,
    choices: u64,
    /// Uses of each tool, and of all together.
    uses: Vec<(&'static str, u64)>,
    uses_in_all: u64,
}

pub(super) fn usage(case: &mut Case, forwarded: &[u8], choices: &mut Choices) -> Result<Usage, String> {
    let body: Value = serde_json::from_slice(forwarded).map_err(|error| format!("the forwarded bytes aren't JSON: {error}"))?;
    let allowed = allowed(case, &body)?;
    let mut usage = Usage { geo: geo(case), ..Usage::default() };
    if case.legal.embeds {
        usage.input = case.legal.prompt;
        usage.tier = tier(case, usage.prompt(), choices);
        return Ok(usage);
    }
    let brought = tools(case, &allowed, &mut usage, choices);
    split(case, case.legal.prompt + brought, &mut usage, choices);
    generate(case, &allowed, &mut usage, choices);
    if case.legal.compacts {
        case.legal.pass = (choices.count(case.legal.prompt), choices.count(allowed.ceiling));
        usage.input += case.legal.pass.0;
        usage.output += case.legal.pass.1;
    }
    usage.fast = case.legal.fast && !choices.one_in(4);
    usage.tier = tier(case, usage.prompt(), choices);
    Ok(usage)
}

fn geo(case: &Case) -> String {
    if case.offer.can("region") { case.offer.region.to_owned() } else { case.legal.geo.to_owned() }
}

/// A tier that could serve and that the model has at this length.
fn tier(case: &Case, prompt: u64, choices: &mut Choices) -> String {
    let tier = *choices.pick(&case.legal.tiers);
    let is_sold = BILLER.serves_under(case.offer.model, tier, prompt, &case.terms);
    if is_sold || tier == "batch" { tier.to_owned() } else { "default".to_owned() }
}

fn number(body: &Value, pointers: &[&str]) -> Option<u64> {
    pointers.iter().find_map(|pointer| body.pointer(pointer)).and_then(Value::as_u64)
}

fn allowed(case: &Case, body: &Value) -> Result<Allowed, String> {
    let (ceilings, counts): (&[&str], &[&str]) = match case.offer.operation {
        Operation::Chat => (&["/max_completion_tokens", "/max_tokens"], &["/n"]),
        Operation::Responses => (&["/max_output_tokens"], &[]),
        Operation::Messages => (&["/max_tokens"], &[]),
        Operation::Generate => (
            &["/generationConfig/maxOutputTokens", "/generation_config/maxOutputTokens", "/generation_config/max_output_tokens"],
            &["/generationConfig/candidateCount", "/generation_config/candidate_count"],
        ),
        Operation::Embeddings | Operation::GeminiEmbed => (&[], &[]),
    };
    let ceiling = match number(body, ceilings) {
        Some(ceiling) => ceiling,
        None if case.legal.embeds => 0,
        None => return Err("the forwarded bytes have no ceiling".to_owned()),
    };
    let uses_of = |tool: &'static str| match case.offer.operation {
        Operation::Messages => {
            let named = |offered: &&Value| offered.get("name").and_then(Value::as_str) == Some(tool);
            let offered = body.get("tools").and_then(Value::as_array).and_then(|tools| tools.iter().find(named));
            offered.and_then(|offered| offered.get("max_uses")).and_then(Value::as_u64).map(|uses| (tool, uses))
        }
        Operation::Responses => number(body, &["/max_tool_calls"]).map(|uses| (tool, uses)),
        // Gemini has no field for it; the operator's allowance is what is taken to be used.
        _ => Some((tool, case.tool_uses)),
    };
    let uses = case.legal.tools.iter().map(|tool| uses_of(tool).ok_or_else(|| format!("{tool} was forwarded without a ceiling")));
    Ok(Allowed {
        ceiling,
        choices: number(body, counts).unwrap_or(1),
        uses: uses.collect::<Result<_, _>>()?,
        uses_in_all: number(body, &["/max_tool_calls"]).unwrap_or(u64::MAX),
    })
}

/// Uses the provider's tools; gives the prompt tokens that they add.
fn tools(case: &mut Case, allowed: &Allowed, usage: &mut Usage, choices: &mut Choices) -> u64 {
    if case.legal.lookup {
        usage.web_searches = 1;
        return choices.count(result_max("web_search")).min(case.limits().0.saturating_sub(case.legal.prompt));
    }
    let (mut left, mut results) = (allowed.uses_in_all, Vec::new());
    for (tool, most) in &allowed.uses {
        let uses = choices.count((*most).min(left));
        left -= uses;
        results.extend((0..uses).map(|_| result_max(tool)));
        match *tool {
            _ if uses == 0 => {}
            "web_search" | "google_search" => usage.web_searches = uses,
            // Maps are billed by the prompt that used them, runs of code by their container.
            "google_maps" => _ = usage.tools.insert((*tool).to_owned(), 1),
            "code_interpreter" | "file_search" => _ = usage.tools.insert((*tool).to_owned(), uses),
            _ => {}
        }
        if uses > 0 {
            case.has("tool used");
        }
    }
    let turns = results.len() as u64 * case.legal.turns_each;
    if case.legal.connected {
        results.extend((0..choices.count(case.tool_uses)).map(|_| 0));
    }
    let results: Vec<u64> = results.into_iter().map(|most| choices.count(most)).collect();
    let window = case.limits().0;
    let free = window.saturating_sub(case.legal.prompt + case.legal.heard);
    if case.offer.operation != Operation::Messages {
        return results.iter().sum::<u64>().min(free);
    }
    // Anthropic reads the prompt with all results so far once more after each use.
    let mut so_far = case.legal.prompt;
    let mut read = 0;
    for result in results {
        so_far = (so_far + result).min(window);
        read += so_far;
    }
    read + choices.count(turns) * so_far
}

/// Splits the prompt: fresh, read from a cache, written to one.
fn split(case: &mut Case, prompt: u64, usage: &mut Usage, choices: &mut Choices) {
    let (mut read, mut short, mut long) = (0, 0, 0);
    let is_marked = case.offer.can("marks") && case.legal.mark.is_some();
    if is_marked || case.offer.can("reads") {
        read = choices.count(prompt);
        usage.audio_read = choices.count(case.legal.heard);
    }
    if is_marked {
        if case.legal.mark == Some(Mark::Hour) {
            long = choices.count(prompt - read);
        }
        short = choices.count(prompt - read - long);
    } else if case.offer.can("writes") && case.legal.prompt >= 1_024 {
        short = choices.count(prompt - read);
    }
    (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) = (read, short, long);
    usage.input = prompt - read - short - long;
    usage.audio_in = case.legal.heard - usage.audio_read;
    for (count, feature) in [
        (read, "cache read"),
        (short, "written 5m"),
        (long, "written 1h"),
        (usage.audio_in, "sound heard"),
        (usage.audio_read, "sound read"),
    ] {
        if count > 0 {
            case.has(feature);
        }
    }
}

/// Generates for every choice at most its ceiling.
fn generate(case: &mut Case, allowed: &Allowed, usage: &mut Usage, choices: &mut Choices) {
    let written: u64 = (0..allowed.choices).map(|_| choices.count(allowed.ceiling)).sum();
    let output = written + choices.count(case.legal.predicted);
    if case.legal.speaks {
        usage.audio_out = choices.count(output);
    }
    if case.legal.draws {
        usage.image_out = choices.count(output);
    }
    usage.output = output - usage.audio_out - usage.image_out;
    if case.legal.thinks || case.offer.can("reasons") {
        usage.reasoning = choices.count(usage.output);
    }
    for (count, feature) in [(usage.audio_out, "sound out"), (usage.image_out, "image out"), (usage.reasoning, "reasoning")] {
        if count > 0 {
            case.has(feature);
        }
    }
}

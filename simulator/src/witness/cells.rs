//! What was seen: dialect × tier × feature, and what must be seen.

use super::Case;
use crate::biller::Usage;

/// The cells that a case falls into: its operation and the tier that served, once alone and once with each of its features.
#[must_use]
pub fn cells(case: &Case, usage: &Usage) -> Vec<String> {
    let tier = if usage.tier == "default" { "standard" } else { &usage.tier };
    let place = format!("{} {tier}", case.offer.operation.name());
    let mut cells = vec![format!("{place} any"), format!("{} {tier} sold", case.offer.seller)];
    cells.extend(case.features.iter().map(|feature| format!("{place} {feature}")));
    cells
}

/// `operation tier: features` and `seller tier: sold`: what a sample of 20,000 draws must have met.
pub const EXPECTED: &str = "
anthropic batch: sold
anthropic standard: sold
azure batch: sold
azure priority: sold
azure standard: sold
bedrock standard: sold
chat batch: any, at the limit, batch, cache read, choices, hidden, huge ceiling, kept long, large body, long, no ceiling, place
chat batch: reasoning, tools, written 5m
chat flex: any, auto tier, cache read, choices, hidden, huge ceiling, image, no ceiling, reasoning, regional, tier asked, tools
chat priority: any, auto tier, cache read, choices, huge ceiling, image, no ceiling, place, project, reasoning, regional
chat priority: tier asked, tools
chat standard: any, at the limit, auto tier, cache read, choices, copilot, ended later, hidden, huge ceiling, image, kept long
chat standard: large body, long, no ceiling, place, prediction, project, reasoning, regional, search, sound heard, sound in
chat standard: sound out, tier asked, tools, written 5m
chat: stream, whole
chat ultrafast: any, cache read, reasoning, regional, tier asked, tools
deepseek standard: sold
embed standard: any
embed: whole
embeddings batch: any, batch
embeddings standard: any
embeddings: whole
generate batch: any, batch, cache read, choices, hidden, huge ceiling, large body, long, no ceiling, reasoning, thinking budget
generate batch: tools
generate: counted, stream, whole
generate flex: any, cache read, choices, google_maps, google_search, huge ceiling, image, no ceiling, reasoning, sound in
generate flex: thinking budget, tier asked, tool used, tools, url_context
generate priority: any, cache read, choices, code_execution, google_maps, google_search, hidden, huge ceiling, image, no ceiling
generate priority: place, reasoning, thinking budget, tier asked, tool used, tools, url_context
generate standard: any, cache read, choices, code_execution, ended later, google_maps, google_search, hidden, huge ceiling
generate standard: image, image out, large body, long, no ceiling, place, reasoning, regional, sound heard, sound in, sound read
generate standard: thinking budget, tier asked, tool used, tools, url_context
github-copilot standard: sold
google batch: sold
google flex: sold
google priority: sold
google standard: sold
messages batch: any, batch, cache 1h, cache 5m, cache read, hidden, huge ceiling, long, no ceiling, reasoning, thinking budget
messages batch: tools, written 1h, written 5m
messages: counted, stream, whole
messages standard: any, cache 1h, cache 5m, cache read, compaction, connected, copilot, fast, filtered, geo us, hidden
messages standard: huge ceiling, image, large body, long, no ceiling, place, reasoning, regional, thinking budget, tool ceiling
messages standard: tool used, tools, web_fetch, web_search, written 1h, written 5m
mistral standard: sold
openai batch: sold
openai flex: sold
openai priority: sold
openai standard: sold
openai ultrafast: sold
responses batch: any, batch, cache read, hidden, huge ceiling, long, no ceiling, reasoning, tools, written 5m
responses: counted, stream, whole
responses flex: any, auto tier, cache read, hidden, huge ceiling, image, long, no ceiling, reasoning, regional, tier asked
responses flex: tool ceiling, tool used, tools, web_search
responses priority: any, auto tier, cache read, code_interpreter, file_search, hidden, huge ceiling, image, no ceiling, place
responses priority: project, reasoning, regional, tier asked, tool ceiling, tool used, tools, web_search
responses standard: any, at the limit, auto tier, cache read, code_interpreter, file_search, hidden, huge ceiling, image
responses standard: large body, long, no ceiling, place, project, reasoning, regional, tier asked, tool ceiling, tool used
responses standard: tools, web_search, written 5m
responses ultrafast: any, cache read, reasoning, regional, tier asked, tools
vertex priority: sold
vertex standard: sold
xai standard: sold
";

/// What a million draws must have met beside.
pub const RARE: &str = "
chat flex: at the limit, kept long, large body, long, written 5m
chat priority: at the limit, hidden, kept long, large body, long, written 5m
chat ultrafast: auto tier, choices, hidden, huge ceiling, image, kept long, large body, long, no ceiling, written 5m
generate batch: at the limit
generate flex: at the limit, code_execution, hidden, large body, sound heard, sound read
generate priority: at the limit, large body, long, sound heard, sound in, sound read
generate standard: at the limit
messages batch: at the limit, large body
messages standard: at the limit
responses batch: at the limit, large body
responses flex: at the limit, code_interpreter, file_search, large body, written 5m
responses priority: at the limit, large body, long, written 5m
responses ultrafast: auto tier, hidden, huge ceiling, image, long, no ceiling, tool ceiling, tool used, web_search, written 5m
";

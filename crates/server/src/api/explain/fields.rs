//! Which field of a provider's usage each meter was read from, and how the counts were made disjoint.

use store::StoredLine;

/// Lines such as `input_tokens 2,000 = prompt_tokens 10,000 − cached_tokens 8,000`: each counted token stands in one meter.
pub(super) fn mapping(dialect: &str, operation: &str, lines: &[StoredLine]) -> Vec<String> {
    let count = |meter: &str| lines.iter().filter(|line| line.meter == meter).fold(0_u64, |sum, line| sum.saturating_add(line.quantity));
    let (fresh, read, written) = (count("input_tokens"), count("cache_read_tokens"), count("cache_write_tokens"));
    let (output, reasoning) = (count("output_tokens"), count("reasoning_tokens"));
    let prompt = fresh.saturating_add(read).saturating_add(written);
    let mut text = Vec::new();
    if prompt > 0 {
        text.push(match names(dialect, operation) {
            Names { prompt: field, read: Some(cached), .. } => {
                let written = if written > 0 { format!(" − cache writes {written}") } else { String::new() };
                format!("input_tokens {fresh} = {field} {prompt} − {cached} {read}{written}")
            }
            Names { prompt: field, .. } => {
                format!("input_tokens {fresh} = {field}, which leaves out cache_read_input_tokens {read} and cache_creation_input_tokens {written}")
            }
        });
    }
    if output.saturating_add(reasoning) > 0 {
        let Names { output: field, .. } = names(dialect, operation);
        let apart = if reasoning > 0 { format!(", reasoning_tokens {reasoning} counted apart") } else { String::new() };
        text.push(format!("output_tokens {output} = {field}{apart}"));
    }
    text
}

/// The fields that hold the counts of a dialect's operation.
struct Names {
    prompt: &'static str,
    /// The field of cached tokens where `prompt` includes them.
    read: Option<&'static str>,
    output: &'static str,
}

/// The providers' API references name these fields.
fn names(dialect: &str, operation: &str) -> Names {
    match (dialect, operation) {
        ("anthropic", _) => Names { prompt: "usage.input_tokens", read: None, output: "usage.output_tokens, thinking included" },
        ("gemini", _) => Names {
            prompt: "usageMetadata.promptTokenCount",
            read: Some("cachedContentTokenCount"),
            output: "usageMetadata.candidatesTokenCount + thoughtsTokenCount",
        },
        (_, "chat" | "embeddings" | "completions") => Names {
            prompt: "usage.prompt_tokens",
            read: Some("prompt_tokens_details.cached_tokens"),
            output: "usage.completion_tokens, reasoning_tokens included",
        },
        _ => Names {
            prompt: "usage.input_tokens",
            read: Some("input_tokens_details.cached_tokens"),
            output: "usage.output_tokens, reasoning_tokens included",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(meter: &str, quantity: u64) -> StoredLine {
        let (attrs, rate, rule) = (std::collections::BTreeMap::new(), "1".to_owned(), String::new());
        StoredLine { meter: meter.to_owned(), attrs, quantity, rate, per: 1, nanos: 0, rule }
    }

    #[test]
    fn each_dialects_fields_are_named_with_the_counts_that_they_gave() {
        let lines = [line("input_tokens", 2000), line("cache_read_tokens", 8000), line("output_tokens", 500)];
        for (dialect, operation, expected) in [
            ("openai", "chat", "input_tokens 2000 = usage.prompt_tokens 10000 − prompt_tokens_details.cached_tokens 8000"),
            ("openai", "responses", "input_tokens 2000 = usage.input_tokens 10000 − input_tokens_details.cached_tokens 8000"),
            (
                "anthropic",
                "messages",
                "input_tokens 2000 = usage.input_tokens, which leaves out cache_read_input_tokens 8000 and cache_creation_input_tokens 0",
            ),
            ("gemini", "generate", "input_tokens 2000 = usageMetadata.promptTokenCount 10000 − cachedContentTokenCount 8000"),
        ] {
            let text = mapping(dialect, operation, &lines);
            assert_eq!((text[0].as_str(), text.len()), (expected, 2), "{dialect} {operation}");
        }
        assert_eq!(mapping("openai", "chat", &[line("image", 3)]), Vec::<String>::new());
    }
}

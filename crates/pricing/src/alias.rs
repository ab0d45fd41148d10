//! Names: how what a client or provider calls a model becomes a sku.

/// What a pattern took out of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures<'a> {
    /// The part that `{region}` matched.
    pub region: Option<&'a str>,
    /// The part that `{name}` matched.
    pub name: Option<&'a str>,
}

/// Matches a whole name against a pattern; see [`crate::Alias`] for what a pattern may hold.
pub(crate) fn matches<'a>(pattern: &str, name: &'a str) -> Option<Captures<'a>> {
    let Some((literal, rest)) = pattern.split_once('{') else {
        return (pattern == name).then(Captures::default);
    };
    let name = name.strip_prefix(literal)?;
    let (hole, rest) = rest.split_once('}')?;
    let fits: fn(&str) -> bool = match hole {
        "date" => is_date,
        "digits" => |part| part.bytes().all(|byte| byte.is_ascii_digit()),
        "word" | "region" => |part| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')),
        "any" | "name" => |_| true,
        _ => return None,
    };
    let ends = name.char_indices().map(|(index, _)| index).skip(1).chain([name.len()]);
    for end in ends.filter(|end| *end > 0) {
        let (part, tail) = name.split_at(end);
        if !fits(part) {
            continue;
        }
        if let Some(captures) = matches(rest, tail) {
            let taken = |name: &str| (hole == name).then_some(part);
            return Some(Captures { region: captures.region.or(taken("region")), name: captures.name.or(taken("name")) });
        }
    }
    None
}

fn is_date(part: &str) -> bool {
    let bytes = part.as_bytes();
    let digits = |range: core::ops::Range<usize>| bytes.get(range).is_some_and(|slice| slice.iter().all(u8::is_ascii_digit));
    match bytes.len() {
        8 => digits(0..8),
        10 => digits(0..4) && bytes[4] == b'-' && digits(5..7) && bytes[7] == b'-' && digits(8..10),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_a_whole_name_or_nothing() {
        for (pattern, name, expected) in [
            ("gpt-5.5", "gpt-5.5", true),
            ("gpt-5.5", "gpt-5.5-mini", false),
            ("gpt-5.5-{date}", "gpt-5.5-2026-04-23", true),
            ("gpt-5.5-{date}", "gpt-5.5-20260423", true),
            ("gpt-5.5-{date}", "gpt-5.5-2026-04-23-turbo", false),
            ("gpt-5.5-{date}", "gpt-5.5-", false),
            ("us.{word}-v{digits}:{digits}", "us.anthropic.claude-sonnet-5-v1:0", true),
            ("ft:gpt-4.1:{any}", "ft:gpt-4.1:org:näme:id", true),
            ("ft:gpt-4.1:{any}", "ft:gpt-4.1:", false),
            ("{nonsense}", "x", false),
        ] {
            assert_eq!(matches(pattern, name).is_some(), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_region_is_taken_out_of_an_arn() {
        let pattern = "arn:aws:bedrock:{region}:{digits}:inference-profile/us.anthropic.claude-sonnet-5";
        let name = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-5";
        assert_eq!(matches(pattern, name), Some(Captures { region: Some("us-east-1"), name: None }));
    }
}

//! The text of the cards, read.

use super::{Biller, Card, Rates, calendar, media};

/// A card text that can't be read: line number (from 1) and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for CardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "card line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for CardError {}

impl Biller {
    /// A biller with cards of one's own; the form is described in [`super::cards`].
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let mut biller = Self::default();
        let mut headings = vec![""];
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            if let Some(named) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                headings = named.split(',').map(str::trim).collect();
                continue;
            }
            let (names, card) = parse_card(line).map_err(|what| CardError { line: at + 1, what })?;
            for heading in &headings {
                biller.add(heading, names.clone(), &card);
            }
        }
        Ok(biller)
    }
}

fn parse_card(line: &str) -> Result<(Vec<String>, Card), String> {
    let mut parts = line.split('|').map(str::trim);
    let names = parts.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let mut card = Card { base: parse_rates(parts.next().ok_or("no rates after the name")?)?, from: i64::MIN, ..Card::default() };
    for part in parts {
        let (word, rest) = part.split_once(' ').ok_or_else(|| format!("{part:?} has no value"))?;
        match word {
            "tier" => {
                let (tier, rates) = rest.split_once(' ').ok_or("a tier needs a name and rates")?;
                card.tiers.insert(tier.to_owned(), parse_rates(rates)?);
            }
            "from" => card.from = calendar::seconds(rest).ok_or_else(|| format!("{rest:?} is not a time"))?,
            "peak" => card.peak = Some(parse_rates(rest)?),
            "holds" => (card.window, card.output_max) = parse_limits(rest)?,
            "search" => card.search = nanos(rest)?,
            "each" => {
                let (kind, price) = rest.split_once(' ').ok_or("an image needs a kind and a price")?;
                card.media.insert(format!("each {kind}"), nanos(price)?);
            }
            word if media::WORDS.contains(&word) => {
                card.media.insert(word.to_owned(), nanos(rest)?);
            }
            "grounding" => (card.search, card.is_search_per_prompt) = (nanos(rest)?, true),
            "fee" => {
                let (name, value) = rest.split_once(' ').ok_or("a fee needs a name and a value")?;
                card.fees.insert(name.to_owned(), nanos(value)?);
            }
            "factor" => {
                let (name, value) = rest.split_once(' ').ok_or("a factor needs a name and a value")?;
                card.factors.insert(name.to_owned(), nanos(value)? / 1_000_000);
            }
            above => {
                let threshold = above.strip_prefix('>').and_then(|n| n.parse().ok());
                card.long = Some((threshold.ok_or_else(|| format!("unknown word {above:?}"))?, parse_rates(rest)?));
            }
        }
    }
    Ok((names, card))
}

fn parse_limits(text: &str) -> Result<(u64, u64), String> {
    let (window, output) = text.split_once(' ').ok_or("a window needs prompt and output tokens")?;
    match (window.trim().parse(), output.trim().parse()) {
        (Ok(window), Ok(output)) => Ok((window, output)),
        _ => Err(format!("{text:?} is not two counts")),
    }
}

/// `IN READ WRITE5M WRITE1H OUT [audio IN READ OUT] [image OUT]` in dollars for a million; `-` means "as input", and for the
/// kinds after the five "as text".
fn parse_rates(text: &str) -> Result<Rates, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [input, read, w5m, w1h, output, rest @ ..] = words.as_slice() else {
        return Err(format!("{text:?} is not five rates"));
    };
    let input = nanos(input)?;
    let or = |word: &str, other: i128| if word == "-" { Ok(other) } else { nanos(word) };
    let (cache_read, output) = (or(read, input)?, or(output, input)?);
    let (write_5m, write_1h) = (or(w5m, input)?, or(w1h, input)?);
    let plain = Rates {
        input,
        cache_read,
        write_5m,
        write_1h,
        output,
        audio_in: input,
        audio_read: cache_read,
        audio_out: output,
        image_out: output,
    };
    match rest {
        [] => Ok(plain),
        ["audio", heard, again, spoken] => {
            Ok(Rates { audio_in: or(heard, input)?, audio_read: or(again, cache_read)?, audio_out: or(spoken, output)?, ..plain })
        }
        ["image", drawn] => Ok(Rates { image_out: or(drawn, output)?, ..plain }),
        _ => Err(format!("{text:?} has words that aren't rates")),
    }
}

/// A decimal of dollars as nano-dollars, exactly.
fn nanos(text: &str) -> Result<i128, String> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return Err(format!("{text:?} is not an amount"));
    }
    format!("{whole}{fraction:0<9}").parse().map_err(|_| format!("{text:?} is not an amount"))
}

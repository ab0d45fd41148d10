//! What price lists say beside prices, as keys and text: names, factors, allowances, facts.

use pricing::{Alias, Allowance, Model, Modifier, Region, Semantics, Span};

use super::Subject;
use super::amount::day;

/// A row beside the prices.
pub(super) trait Fact {
    /// What it is about; one source says one thing about it at a time.
    fn subject(&self) -> Subject;
    /// What it says.
    fn text(&self) -> String;
}

impl Fact for Alias {
    fn subject(&self) -> Subject {
        Subject::Name { seller: self.seller.clone(), name: self.name.clone() }
    }
    fn text(&self) -> String {
        let select: String = self.select.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        format!("{}{select}{}", self.sku, dates(self.valid))
    }
}

impl Fact for Modifier {
    fn subject(&self) -> Subject {
        Subject::Factor(self.id.clone())
    }
    fn text(&self) -> String {
        let region = match &self.region {
            Region::Global => String::new(),
            Region::Within(_, ids) => format!(" in {}", ids.join(",")),
        };
        let select: String = self.select.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        format!("× {}{region}{select}{}", self.factor, dates(self.valid))
    }
}

impl Fact for Allowance {
    fn subject(&self) -> Subject {
        Subject::Allowance(self.id.clone())
    }
    fn text(&self) -> String {
        format!("{:?} every {:?}{}", self.grant, self.every, dates(self.valid))
    }
}

impl Fact for Model {
    fn subject(&self) -> Subject {
        Subject::Facts { seller: self.seller.clone(), sku: self.sku.clone() }
    }
    fn text(&self) -> String {
        let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
        let facts = &self.facts;
        let window = format!("{} in, {} out", count(facts.input_tokens_max), count(facts.output_tokens_max));
        format!("{}, {window}, cache from {}, tokenizer {}", self.mode, facts.cache_tokens_min, facts.tokenizer)
    }
}

impl Fact for Semantics {
    fn subject(&self) -> Subject {
        Subject::Facts { seller: self.seller.clone(), sku: String::new() }
    }
    fn text(&self) -> String {
        let flags = [
            ("input includes cache reads", self.input_includes_cache_read),
            ("input includes cache writes", self.input_includes_cache_write),
            ("output includes reasoning", self.output_includes_reasoning),
            ("cache writes are automatic", self.automatic_cache_writes),
            ("the prompt is billed again after tools", self.prompt_again_after_tools),
        ];
        let said: Vec<&str> = flags.iter().filter(|(_, flag)| *flag).map(|(text, _)| *text).collect();
        said.join(", ")
    }
}

fn dates(span: Span) -> String {
    let from = span.from.map_or(String::new(), |from| format!(" from {}", day(from)));
    let to = span.to.map_or(String::new(), |to| format!(" until {}", day(to)));
    format!("{from}{to}")
}

//! What can go wrong, by name. A fault is asked for in a directive (`fault=NAME`) or through the control API.

/// How the usage in an answer lies. The bill does not: it is what was really generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// No usage anywhere.
    Missing,
    /// `"usage": null`.
    Null,
    /// All counts are 0.
    Zero,
    /// Counts far above the ceiling that was asked for.
    High,
    /// Counts of 10¹⁸.
    Huge,
    /// Negative counts.
    Negative,
    /// Counts as strings.
    Quoted,
    /// Counts with a fraction.
    Float,
    /// `NaN`, which is not JSON.
    NotANumber,
    /// Only the first of n choices is counted.
    FirstChoiceOnly,
    /// The usage comes twice.
    Twice,
    /// Cumulative usage on every chunk.
    EveryChunk,
    /// The usage comes on a chunk that also has choices.
    WithChoices,
}

/// How the bytes of an answer are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The connection breaks before the status line.
    BeforeHead,
    /// The connection breaks after the headers, before any content.
    AfterHead,
    /// The connection breaks after this many chunks of content.
    AfterChunks(u64),
    /// The connection breaks in the middle of an event.
    MidChunk,
    /// The connection breaks inside a UTF-8 character.
    MidCharacter,
    /// The stream stops and stays open.
    Stall,
    /// No `[DONE]` at the end.
    NoDone,
    /// No event that says how it ended; usage goes with it.
    NoTerminal,
    /// Every event comes twice.
    DuplicateEvents,
    /// Lines end with CRLF.
    CrLf,
    /// Lines end with a lone CR.
    Cr,
    /// One event line of two megabytes.
    HugeLine,
    /// Ten thousand comment lines between events.
    CommentFlood,
    /// One byte a second.
    Slow,
    /// One byte per chunk.
    ByteChunks,
    /// A gzip body that unpacks to 256 MiB.
    GzipBomb,
    /// The body is not JSON although the status is 200.
    NotJson,
    /// The model's name in the answer is another one.
    OtherModel,
    /// A `103 Early Hints` before the answer.
    Informational,
    /// Response headers of 300 kB.
    GiantHeaders,
    /// An error event in the middle of the stream.
    ErrorEvent,
}

/// One thing that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error status in the dialect's shape.
    Status(u16),
    /// An error status whose body also carries usage, and which is billed.
    StatusWithUsage(u16),
    /// A 500 whose body is plain text.
    PlainError,
    /// A 502 whose body is HTML.
    Html,
    /// A 302 to elsewhere.
    Redirect,
    /// The request is taken and never answered.
    Silence,
    /// `stream_options` is refused with a 400, as some servers do.
    RejectsStreamOptions,
    /// Generates what the script says, past the ceiling.
    IgnoresCeiling,
    /// The answer is damaged.
    Damage(Damage),
    /// The usage lies.
    Lie(Lie),
}

/// All faults with fixed names; `http_NNN` and `reset_after_chunks_N` take a number besides.
pub const NAMED: [(&str, Fault); 41] = [
    ("silence", Fault::Silence),
    ("plain_error", Fault::PlainError),
    ("html_error", Fault::Html),
    ("redirect", Fault::Redirect),
    ("rejects_stream_options", Fault::RejectsStreamOptions),
    ("ignores_ceiling", Fault::IgnoresCeiling),
    ("error_500_with_usage", Fault::StatusWithUsage(500)),
    ("error_400_with_usage", Fault::StatusWithUsage(400)),
    ("reset_before_head", Fault::Damage(Damage::BeforeHead)),
    ("reset_after_head", Fault::Damage(Damage::AfterHead)),
    ("cut_mid_chunk", Fault::Damage(Damage::MidChunk)),
    ("cut_mid_character", Fault::Damage(Damage::MidCharacter)),
    ("stall", Fault::Damage(Damage::Stall)),
    ("no_done", Fault::Damage(Damage::NoDone)),
    ("no_terminal", Fault::Damage(Damage::NoTerminal)),
    ("duplicate_events", Fault::Damage(Damage::DuplicateEvents)),
    ("crlf", Fault::Damage(Damage::CrLf)),
    ("cr", Fault::Damage(Damage::Cr)),
    ("huge_line", Fault::Damage(Damage::HugeLine)),
    ("comment_flood", Fault::Damage(Damage::CommentFlood)),
    ("slow", Fault::Damage(Damage::Slow)),
    ("byte_chunks", Fault::Damage(Damage::ByteChunks)),
    ("gzip_bomb", Fault::Damage(Damage::GzipBomb)),
    ("not_json", Fault::Damage(Damage::NotJson)),
    ("other_model", Fault::Damage(Damage::OtherModel)),
    ("early_hints", Fault::Damage(Damage::Informational)),
    ("giant_headers", Fault::Damage(Damage::GiantHeaders)),
    ("error_event", Fault::Damage(Damage::ErrorEvent)),
    ("usage_missing", Fault::Lie(Lie::Missing)),
    ("usage_null", Fault::Lie(Lie::Null)),
    ("usage_zero", Fault::Lie(Lie::Zero)),
    ("usage_high", Fault::Lie(Lie::High)),
    ("usage_huge", Fault::Lie(Lie::Huge)),
    ("usage_negative", Fault::Lie(Lie::Negative)),
    ("usage_string", Fault::Lie(Lie::Quoted)),
    ("usage_float", Fault::Lie(Lie::Float)),
    ("usage_nan", Fault::Lie(Lie::NotANumber)),
    ("usage_first_choice", Fault::Lie(Lie::FirstChoiceOnly)),
    ("usage_twice", Fault::Lie(Lie::Twice)),
    ("usage_every_chunk", Fault::Lie(Lie::EveryChunk)),
    ("usage_with_choices", Fault::Lie(Lie::WithChoices)),
];

impl std::str::FromStr for Fault {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        if let Some(status) = name.strip_prefix("http_").and_then(|n| n.parse().ok()) {
            return if (400..600).contains(&status) { Ok(Self::Status(status)) } else { Err(()) };
        }
        if let Some(chunks) = name.strip_prefix("reset_after_chunks_").and_then(|n| n.parse().ok()) {
            return Ok(Self::Damage(Damage::AfterChunks(chunks)));
        }
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault).ok_or(())
    }
}

impl Fault {
    /// The name that asks for it.
    pub fn name(self) -> String {
        match self {
            Self::Status(status) => format!("http_{status}"),
            Self::Damage(Damage::AfterChunks(chunks)) => format!("reset_after_chunks_{chunks}"),
            fault => NAMED.iter().find(|(_, known)| *known == fault).map_or("unnamed", |(name, _)| name).to_owned(),
        }
    }

    /// The lie about usage, when it is one.
    pub fn lie(self) -> Option<Lie> {
        if let Self::Lie(lie) = self { Some(lie) } else { None }
    }

    /// The damage to the bytes, when it is one.
    pub fn damage(self) -> Option<Damage> {
        if let Self::Damage(damage) = self { Some(damage) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_own_name() {
        for (name, fault) in NAMED {
            assert_eq!(name.parse(), Ok(fault));
            assert_eq!(fault.name(), name);
        }
        for name in ["http_429", "http_529", "reset_after_chunks_3"] {
            assert_eq!(name.parse::<Fault>().unwrap().name(), name);
        }
        assert_eq!("http_200".parse::<Fault>(), Err(()));
    }
}

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
    /// A tenth of what was used.
    Low,
    /// The usage comes again at the end of a stream, with half of the counts.
    Shrinks,
    /// The usage comes behind the mark that ends the stream.
    Late,
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
    /// The connection breaks after this many bytes of the body.
    AfterBytes(u64),
    /// Content and another usage follow the mark that ends the stream.
    AfterDone,
    /// The usage comes before the content.
    Reordered,
    /// Zero bytes in a comment and in an event of their own.
    NulBytes,
    /// A byte that no UTF-8 has, inside the text.
    InvalidUtf8,
    /// A byte order mark before the first event.
    Bom,
    /// A raw CR inside an event's data, and behind it forged usage of nothing.
    Injection,
    /// A line without an end.
    EndlessLine,
    /// Content without an end, one token an event.
    EndlessContent,
    /// Comments without an end.
    EndlessComments,
    /// A JSON document of more than a gigabyte.
    EndlessJson,
}

/// How an answer over HTTP/1.1 is framed wrongly. What it says is true and is billed in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    /// `content-length` is seven bytes less than what comes.
    LengthShort,
    /// `content-length` is seven bytes more, then the connection closes.
    LengthLong,
    /// `content-length` is a terabyte, then the connection closes.
    LengthAbsurd,
    /// Two `content-length` lines that differ.
    TwoLengths,
    /// `content-length` and `transfer-encoding: chunked` together.
    LengthAndChunks,
    /// A chunk's size isn't a number, after half of the body.
    ChunkSizeBad,
    /// A chunk's size is 2⁶⁴, after half of the body.
    ChunkSizeHuge,
    /// The chunks end without the last one.
    ChunksUnended,
    /// Trailers follow the last chunk, with a cookie and usage of nothing in them.
    Trailers,
    /// HTTP/1.0 without a length: the end of the connection ends the body.
    Http10,
    /// A thousand informational answers come first.
    Interim,
    /// The connection is switched to another protocol.
    Switching,
    /// 204, with a body all the same.
    NoContent,
    /// 304, with a body all the same.
    NotModified,
    /// A body of gzip although identity was asked for.
    Gzip,
    /// A body that says it is brotli.
    Brotli,
    /// A second, forged answer follows on the same connection.
    TwoAnswers,
    /// The same, a moment later.
    TwoAnswersLate,
    /// Bytes that aren't HTTP.
    Garbage,
    /// A status line without a number that means anything.
    StatusOdd,
    /// A header line with a zero byte.
    HeaderNul,
    /// A header line without a name's end.
    HeaderBroken,
    /// Five thousand header lines.
    HeaderFlood,
    /// Half of a head, then silence.
    HalfHead,
    /// Half of the body, then silence, without an end of the connection.
    BlackHole,
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
    /// The framing of HTTP/1.1 is wrong.
    Wire(Trick),
}

/// All faults with fixed names; `http_NNN`, `reset_after_chunks_N` and `cut_after_bytes_N` take a number besides.
pub const NAMED: [(&str, Fault); 79] = [
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
    ("usage_low", Fault::Lie(Lie::Low)),
    ("usage_shrinks", Fault::Lie(Lie::Shrinks)),
    ("usage_late", Fault::Lie(Lie::Late)),
    ("after_done", Fault::Damage(Damage::AfterDone)),
    ("reordered", Fault::Damage(Damage::Reordered)),
    ("nul_bytes", Fault::Damage(Damage::NulBytes)),
    ("invalid_utf8", Fault::Damage(Damage::InvalidUtf8)),
    ("bom", Fault::Damage(Damage::Bom)),
    ("injection", Fault::Damage(Damage::Injection)),
    ("endless_line", Fault::Damage(Damage::EndlessLine)),
    ("endless_content", Fault::Damage(Damage::EndlessContent)),
    ("endless_comments", Fault::Damage(Damage::EndlessComments)),
    ("endless_json", Fault::Damage(Damage::EndlessJson)),
    ("wire_length_short", Fault::Wire(Trick::LengthShort)),
    ("wire_length_long", Fault::Wire(Trick::LengthLong)),
    ("wire_length_absurd", Fault::Wire(Trick::LengthAbsurd)),
    ("wire_two_lengths", Fault::Wire(Trick::TwoLengths)),
    ("wire_length_and_chunks", Fault::Wire(Trick::LengthAndChunks)),
    ("wire_chunk_size_bad", Fault::Wire(Trick::ChunkSizeBad)),
    ("wire_chunk_size_huge", Fault::Wire(Trick::ChunkSizeHuge)),
    ("wire_chunks_unended", Fault::Wire(Trick::ChunksUnended)),
    ("wire_trailers", Fault::Wire(Trick::Trailers)),
    ("wire_http10", Fault::Wire(Trick::Http10)),
    ("wire_interim", Fault::Wire(Trick::Interim)),
    ("wire_switching", Fault::Wire(Trick::Switching)),
    ("wire_no_content", Fault::Wire(Trick::NoContent)),
    ("wire_not_modified", Fault::Wire(Trick::NotModified)),
    ("wire_gzip", Fault::Wire(Trick::Gzip)),
    ("wire_brotli", Fault::Wire(Trick::Brotli)),
    ("wire_two_answers", Fault::Wire(Trick::TwoAnswers)),
    ("wire_two_answers_late", Fault::Wire(Trick::TwoAnswersLate)),
    ("wire_garbage", Fault::Wire(Trick::Garbage)),
    ("wire_status_odd", Fault::Wire(Trick::StatusOdd)),
    ("wire_header_nul", Fault::Wire(Trick::HeaderNul)),
    ("wire_header_broken", Fault::Wire(Trick::HeaderBroken)),
    ("wire_header_flood", Fault::Wire(Trick::HeaderFlood)),
    ("wire_half_head", Fault::Wire(Trick::HalfHead)),
    ("wire_black_hole", Fault::Wire(Trick::BlackHole)),
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
        if let Some(bytes) = name.strip_prefix("cut_after_bytes_").and_then(|n| n.parse().ok()) {
            return Ok(Self::Damage(Damage::AfterBytes(bytes)));
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
            Self::Damage(Damage::AfterBytes(bytes)) => format!("cut_after_bytes_{bytes}"),
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
        for name in ["http_429", "http_529", "reset_after_chunks_3", "cut_after_bytes_17"] {
            assert_eq!(name.parse::<Fault>().unwrap().name(), name);
        }
        assert_eq!("http_200".parse::<Fault>(), Err(()));
    }
}

//! A streamed answer: split into events, read, and passed on.

use bytes::{Bytes, BytesMut};

use crate::answer::{bulky, read_response_as};
use crate::json::Doc;
use crate::sse::{Cut, Cutter, Passing, StreamError};
use crate::{Counting, Operation, Reading, anthropic, audio, gemini, openai};

/// Largest event of a chat or message stream.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// Largest event where one may hold a whole answer or an image: responses and Gemini.
const LARGE_EVENT_BYTES_MAX: usize = 16 << 20;
/// Largest event that holds one image of the largest size, in Base64.
const IMAGE_EVENT_BYTES_MAX: usize = 64 << 20;

/// Reads a stream while it is relayed. Bytes are passed on as they come; only an injected usage chunk is taken out.
#[derive(Debug)]
pub struct StreamReader {
    events: Events,
    cutter: Cutter,
    strip_usage: bool,
    /// Bytes of an event that isn't complete yet, kept back while it may have to be taken out.
    held: BytesMut,
    /// Whether the last event was taken out, so that the rest of its line end goes too.
    taken_out: bool,
    /// Measures sound instead of reading events.
    sound: Option<audio::Walker>,
}

/// Reads one event after the other.
#[derive(Debug)]
struct Events {
    operation: Operation,
    counting: Counting,
    reading: Reading,
    /// Anthropic's cumulative counts.
    counts: anthropic::Counts,
    /// The choices of a chat stream.
    choices: openai::Choices,
}

impl StreamReader {
    /// A reader for one answer. `strip_usage` removes the chunk that only exists because Mete asked for usage.
    #[must_use]
    pub fn new(operation: Operation, strip_usage: bool) -> Self {
        let bytes_max = match operation {
            Operation::Responses | Operation::Generate | Operation::StreamGenerate => LARGE_EVENT_BYTES_MAX,
            Operation::Images | Operation::ImageEdits | Operation::ImageVariations => IMAGE_EVENT_BYTES_MAX,
            _ => EVENT_BYTES_MAX,
        };
        Self {
            events: Events {
                operation,
                counting: Counting::default(),
                reading: Reading::default(),
                counts: anthropic::Counts::default(),
                choices: openai::Choices::default(),
            },
            cutter: Cutter::new(bytes_max),
            strip_usage: strip_usage && matches!(operation, Operation::Chat | Operation::Completions),
            held: BytesMut::new(),
            taken_out: false,
            sound: None,
        }
    }

    /// A reader for an answer that is sound and no text: it is measured and passed on as it comes.
    #[must_use]
    pub fn of_sound(operation: Operation) -> Self {
        Self { sound: Some(audio::Walker::default()), ..Self::new(operation, false) }
    }

    /// Sets what the counts include, where the seller of the answer counts in another way than OpenAI.
    #[must_use]
    pub fn counting(mut self, counting: Counting) -> Self {
        self.events.counting = counting;
        self
    }

    /// Sets the size in bytes above which one event ends the stream: 1 MiB for chat and messages, 16 MiB for responses
    /// and Gemini, whose single events hold whole answers.
    #[must_use]
    pub fn event_bytes_max(mut self, bytes_max: usize) -> Self {
        self.cutter.set_bytes_max(bytes_max);
        self
    }

    /// Takes what came from upstream and gives what goes to the client now (possibly nothing yet).
    ///
    /// # Errors
    /// The stream breaks a limit and must be ended.
    pub fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamError> {
        if let Some(walker) = &mut self.sound {
            walker.push(&chunk);
            self.events.reading.bytes = self.events.reading.bytes.saturating_add(chunk.len() as u64);
            return Ok(chunk);
        }
        let mut out = BytesMut::new();
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let mut ended = None;
            // The LF of a CRLF that was cut in two goes where the event that it ends went.
            let ends_last = self.held.is_empty() && self.cutter.is_after_cr() && rest.first() == Some(&b'\n');
            let taken = self.cutter.take(rest, &mut |cut| ended = Some(self.events.take(cut)))?;
            if self.strip_usage && ends_last {
                out.extend_from_slice(if self.taken_out { b"" } else { b"\n" });
            } else if self.strip_usage {
                self.held.extend_from_slice(&rest[..taken]);
                self.taken_out = ended == Some(Passing::UsageOnly);
                match ended {
                    Some(Passing::On) => out.unsplit(self.held.split()),
                    Some(Passing::UsageOnly) => self.held.clear(),
                    None => {}
                }
            }
            rest = &rest[taken..];
            if self.cutter.is_too_large(self.held.len()) {
                return Err(StreamError::EventTooLarge);
            }
        }
        Ok(if self.strip_usage { out.freeze() } else { chunk })
    }

    /// What is known so far.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.events.reading
    }

    /// Ends the stream: bytes still kept back, and what is known.
    #[must_use]
    pub fn finish(mut self) -> (Bytes, Reading) {
        if let Some(walker) = self.sound {
            self.events.reading.mpeg_millis = walker.length().millis;
            return (Bytes::new(), self.events.reading);
        }
        if self.cutter.is_document() {
            let mut reading = Reading::default();
            self.cutter.end(&mut |cut| {
                if let Cut::Event(body) = cut {
                    reading = read_response_as(self.events.operation, self.events.counting, body);
                }
            });
            return (self.held.freeze(), reading);
        }
        let pending = self.cutter.pending() as u64;
        let (seen, events) = (self.events.reading.output_bytes, self.events.reading.events);
        let mut passing = Passing::On;
        self.cutter.end(&mut |cut| passing = self.events.take(cut));
        if passing == Passing::UsageOnly {
            self.held.clear();
        }
        let reading = &mut self.events.reading;
        // An event that was cut off can't be read, yet what is in it was made: its bytes bound its tokens.
        if !reading.complete && (reading.output_bytes, reading.events) == (seen, events) {
            reading.saw(pending);
        }
        (self.held.freeze(), self.events.reading)
    }
}

impl Events {
    fn take(&mut self, cut: Cut<'_>) -> Passing {
        let Cut::Event(data) = cut else { return Passing::On };
        if data == b"[DONE]" {
            self.reading.complete |= matches!(self.operation, Operation::Chat | Operation::Completions);
            return Passing::On;
        }
        let Ok(doc) = Doc::lenient(data, bulky(self.operation)) else {
            // What can't be read was made all the same: its bytes bound its tokens.
            self.reading.saw(data.len() as u64);
            return Passing::On;
        };
        let (root, reading) = (doc.root(), &mut self.reading);
        reading.events += 1;
        let mut passing = Passing::On;
        match self.operation {
            Operation::Chat | Operation::Completions => passing = openai::chat_event(root, self.counting, reading, &mut self.choices),
            Operation::Responses => openai::responses_event(root, self.counting, reading),
            Operation::Messages => anthropic::message_event(root, reading, &mut self.counts),
            Operation::Generate | Operation::StreamGenerate => gemini::generate_event(root, reading),
            Operation::Images => openai::images_event(root, false, reading),
            Operation::ImageEdits | Operation::ImageVariations => openai::images_event(root, true, reading),
            Operation::Speech => openai::audio_event(root, true, reading),
            Operation::Transcriptions | Operation::Translations => openai::audio_event(root, false, reading),
            _ => {}
        }
        reading.opened |= reading.error.is_none() && root.get("type").is_none_or(|kind| !kind.is_text("ping"));
        passing
    }
}

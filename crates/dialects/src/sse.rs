//! Cuts a stream into the documents inside it, whatever the chunks: server-sent events, a JSON array, or one document.
//!
//! All three line ends of the specification count (LF, CRLF, CR). Every byte is looked at once, and no more than one
//! event is kept.

use memchr::memchr2;

/// A stream that can't be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// One event above the size limit.
    EventTooLarge,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// It is the client's.
    On,
    /// It holds usage and nothing else.
    UsageOnly,
}

/// What the cutter tells, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut<'s> {
    /// An event's data, complete.
    Event(&'s [u8]),
    /// Lines without data are over: nothing depends on them.
    Idle,
}

/// The form of a stream, known by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Unknown,
    Lines,
    Array,
    Document,
}

/// A cutter with the event that isn't complete yet.
#[derive(Debug)]
pub(crate) struct Cutter {
    form: Form,
    bytes_max: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// Whether the event has a line of any other field.
    has_field: bool,
    /// Whether the last byte was a CR, whose LF is still to be skipped.
    after_cr: bool,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Cutter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            form: Form::Unknown,
            bytes_max,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            has_field: false,
            after_cr: false,
            depth: 0,
            in_string: false,
            escaped: false,
        }
    }

    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// Whether an event of this size is beyond the limit.
    pub(crate) fn is_too_large(&self, bytes: usize) -> bool {
        bytes > self.bytes_max.saturating_mul(2)
    }

    /// Whether the stream turned out to be one document, not a stream.
    pub(crate) fn is_document(&self) -> bool {
        self.form == Form::Document
    }

    /// Bytes of an event that isn't complete yet.
    pub(crate) fn pending(&self) -> usize {
        self.line.len() + self.data.len()
    }

    /// Whether a LF that comes now still belongs to the line before.
    pub(crate) fn is_after_cr(&self) -> bool {
        self.after_cr
    }

    /// Takes bytes up to and including the end of the next event or idle line; gives how many were taken.
    pub(crate) fn take(&mut self, bytes: &[u8], tell: &mut impl FnMut(Cut<'_>)) -> Result<usize, StreamError> {
        if self.form == Form::Unknown {
            // A byte order mark says nothing, and its bytes begin no stream. What stands before the first event isn't of it.
            let is_skipped = |byte: &u8| byte.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(byte);
            let skipped = bytes.iter().take_while(|byte| is_skipped(byte)).count();
            if skipped > 0 {
                tell(Cut::Idle);
                return Ok(skipped);
            }
            self.form = match bytes.first() {
                None => return Ok(0),
                Some(b'[') => Form::Array,
                Some(b'{') => Form::Document,
                Some(_) => Form::Lines,
            };
        }
        match self.form {
            Form::Array => self.take_array(bytes, tell),
            Form::Document => self.keep(bytes),
            _ => self.take_line(bytes, tell),
        }
    }

    /// Ends the stream: what is left may still be an event whose last line end is missing.
    pub(crate) fn end(&mut self, tell: &mut impl FnMut(Cut<'_>)) {
        if self.form == Form::Document {
            tell(Cut::Event(&self.data));
        } else if self.form == Form::Lines {
            let line = core::mem::take(&mut self.line);
            self.field(&line);
            self.dispatch(tell);
        }
    }

    fn take_line(&mut self, bytes: &[u8], tell: &mut impl FnMut(Cut<'_>)) -> Result<usize, StreamError> {
        if core::mem::take(&mut self.after_cr) && bytes.first() == Some(&b'\n') {
            return Ok(1);
        }
        let rest = bytes;
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            self.grow(rest)?;
            return Ok(bytes.len());
        };
        self.after_cr = rest[end] == b'\r';
        if self.line.is_empty() {
            self.check(end)?;
            self.line_ends(&rest[..end], tell);
        } else {
            self.grow(&rest[..end])?;
            let line = core::mem::take(&mut self.line);
            self.line_ends(&line, tell);
        }
        // The LF of a CRLF belongs to the line that it ends, where it is there already.
        let follows = usize::from(self.after_cr && rest.get(end + 1) == Some(&b'\n'));
        self.after_cr &= follows == 0;
        Ok(end + 1 + follows)
    }

    fn line_ends(&mut self, line: &[u8], tell: &mut impl FnMut(Cut<'_>)) {
        if line.is_empty() {
            self.dispatch(tell);
        } else {
            self.field(line);
            if !self.has_data && !self.has_field {
                tell(Cut::Idle);
            }
        }
    }

    fn field(&mut self, line: &[u8]) {
        let data = if line == b"data" { Some(&b""[..]) } else { line.strip_prefix(b"data:") };
        match data {
            Some(data) => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            }
            None => self.has_field |= !line.is_empty() && !line.starts_with(b":"),
        }
    }

    fn dispatch(&mut self, tell: &mut impl FnMut(Cut<'_>)) {
        match core::mem::take(&mut self.has_data) {
            true => tell(Cut::Event(&self.data)),
            false => tell(Cut::Idle),
        }
        self.has_field = false;
        self.data.clear();
        self.data.shrink_to(64 * 1024);
    }

    /// Cuts the objects out of a JSON array, without reading them.
    fn take_array(&mut self, bytes: &[u8], tell: &mut impl FnMut(Cut<'_>)) -> Result<usize, StreamError> {
        for (at, byte) in bytes.iter().enumerate() {
            let before = self.depth;
            self.step(*byte);
            // Depth 1 is inside the array; an element is kept from its opening brace to its closing one.
            if before >= 2 || self.depth >= 2 {
                self.check(1)?;
                self.data.push(*byte);
            }
            if before == 2 && self.depth == 1 {
                tell(Cut::Event(&self.data));
                self.data.clear();
                return Ok(at + 1);
            }
        }
        Ok(bytes.len())
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            let is_escaped = core::mem::take(&mut self.escaped);
            self.escaped = byte == b'\\' && !is_escaped;
            self.in_string = byte != b'"' || is_escaped;
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        self.check(bytes.len())?;
        self.data.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.check(bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), StreamError> {
        match self.line.len() + self.data.len() + more > self.bytes_max {
            true => Err(StreamError::EventTooLarge),
            false => Ok(()),
        }
    }
}

//! Strict `multipart/form-data` (RFC 7578) over bytes: where each part stands, so that a body is read once and spliced.
//!
//! A provider may read the same bytes with a laxer parser than this one, so whatever two parsers could read differently is
//! refused: text before the first boundary or behind the last, bare line feeds, padding behind a boundary, a field that
//! comes twice, names with escapes, headers that re-encode a part. A file's name is data and never looked at.

use core::ops::Range;

use memchr::memmem;

use crate::BadRequest;

/// Most parts of a form: sixteen images, a mask and a dozen fields are what a real one has.
const PARTS_MAX: usize = 64;
/// Most bytes of a part's headers.
const HEAD_BYTES_MAX: usize = 4_096;
/// Longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
/// Longest text of a field that isn't a file.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'b> {
    /// The field's name: printable ASCII without quotes, backslashes and semicolons.
    pub(crate) name: &'b str,
    /// Whether the part is a file, by having a file name.
    pub(crate) is_file: bool,
    /// The content.
    pub(crate) bytes: &'b [u8],
    /// Where the content stands in the body.
    pub(crate) at: Range<usize>,
}

/// A whole form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form<'b> {
    pub(crate) parts: Vec<Part<'b>>,
}

fn refused(message: impl Into<String>) -> BadRequest {
    BadRequest::new("invalid_multipart", message)
}

fn about(name: &str, code: &'static str, message: String) -> BadRequest {
    BadRequest { param: Some(format!("/{name}")), ..BadRequest::new(code, message) }
}

/// The boundary that a `content-type` names; `None` when it isn't `multipart/form-data` with exactly one good boundary.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    kind.trim().eq_ignore_ascii_case("multipart/form-data").then_some(())?;
    let (name, value) = parameters.trim().split_once('=')?;
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let is_mark = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let is_good = (1..=BOUNDARY_BYTES_MAX).contains(&value.len()) && value.bytes().all(is_mark);
    (name.eq_ignore_ascii_case("boundary") && is_good).then_some(value)
}

impl<'b> Form<'b> {
    /// Reads a form. Takes linear time and keeps no copy of the body.
    pub(crate) fn strict(content_type: &str, body: &'b [u8]) -> Result<Self, BadRequest> {
        let boundary = boundary(content_type)
            .ok_or_else(|| refused("content-type must be multipart/form-data with one boundary of 1 to 70 plain characters"))?;
        let (opening, delimiter) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
        if !body.starts_with(opening.as_bytes()) {
            return Err(refused("the form must begin with its boundary"));
        }
        let finder = memmem::Finder::new(delimiter.as_bytes());
        let mut parts = Vec::new();
        let mut at = opening.len();
        while !is_end(body, at)? {
            let part = part(body, at + 2, &finder)?;
            at = part.at.end + delimiter.len();
            if parts.len() == PARTS_MAX {
                return Err(refused(format!("a form has at most {PARTS_MAX} parts")));
            }
            parts.push(part);
        }
        let form = Self { parts };
        form.refuse_repeats()?;
        Ok(form)
    }

    /// A field that comes twice has no one meaning; only names that end in `[]` are lists.
    fn refuse_repeats(&self) -> Result<(), BadRequest> {
        for (index, part) in self.parts.iter().enumerate().filter(|(_, part)| !part.name.ends_with("[]")) {
            if self.parts[..index].iter().any(|earlier| earlier.name == part.name) {
                return Err(about(part.name, "duplicate_key", format!("the field {:?} is given twice; send it once", part.name)));
            }
        }
        Ok(())
    }

    /// Refuses a field that isn't one of `known` but that a laxer parser could take for it: another case, or a list of it.
    pub(crate) fn refuse_look_alikes(&self, known: &[&str]) -> Result<(), BadRequest> {
        for part in &self.parts {
            let bare = part.name.split('[').next().unwrap_or_default();
            let like = known.iter().find(|name| !known.contains(&part.name) && name.eq_ignore_ascii_case(bare));
            if let Some(like) = like {
                let message = format!("the field {:?} looks like {like:?}; write it exactly so", part.name);
                return Err(about(part.name, "look_alike_key", message));
            }
        }
        Ok(())
    }

    /// The part of a name.
    pub(crate) fn part(&self, name: &str) -> Option<&Part<'b>> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The files of a field, also where it is a list.
    pub(crate) fn files(&self, name: &str) -> impl Iterator<Item = &Part<'b>> {
        let of_field = |part: &&Part<'b>| part.is_file && part.name.split('[').next() == Some(name);
        self.parts.iter().filter(of_field)
    }

    /// A field's text; absent and empty are `None`.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'b str>, BadRequest> {
        let Some(part) = self.part(name) else { return Ok(None) };
        if part.is_file {
            return Err(about(name, "invalid_value", format!("the field {name:?} is a text, not a file; send it without a file name")));
        }
        let text = Some(part.bytes).filter(|bytes| bytes.len() <= TEXT_BYTES_MAX).and_then(|bytes| core::str::from_utf8(bytes).ok());
        match text {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(about(name, "invalid_value", format!("the field {name:?} must be UTF-8 text of at most a mebibyte"))),
        }
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&self, name: &str, least: u64) -> Result<Option<u64>, BadRequest> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|text| text.parse().ok());
        match number.filter(|number| *number >= least) {
            Some(number) => Ok(Some(number)),
            None => Err(about(name, "invalid_value", format!("{name} must be a whole number of at least {least}"))),
        }
    }

    /// `true` or `false`, however large the letters; absent is false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, BadRequest> {
        match self.text(name)?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(about(name, "invalid_value", format!("{name} must be true or false"))),
        }
    }
}

/// Whether a boundary that ended before `at` is the last one; an error when it is neither that nor another part's.
fn is_end(body: &[u8], at: usize) -> Result<bool, BadRequest> {
    let rest = body.get(at..).unwrap_or_default();
    match rest {
        b"--" | b"--\r\n" => Ok(true),
        _ if rest.starts_with(b"\r\n") => Ok(false),
        _ if rest.starts_with(b"--") => Err(refused("nothing may follow the form's last boundary")),
        _ => Err(refused("a boundary must be followed by a line end, or by two dashes at the form's end")),
    }
}

/// Reads the part whose headers begin at `start`.
fn part<'b>(body: &'b [u8], start: usize, delimiter: &memmem::Finder<'_>) -> Result<Part<'b>, BadRequest> {
    let rest = body.get(start..).unwrap_or_default();
    let near = &rest[..rest.len().min(HEAD_BYTES_MAX)];
    let head_bytes = memmem::find(near, b"\r\n\r\n").ok_or_else(|| refused("a part's headers don't end, or take more than 4,096 bytes"))?;
    let content = start + head_bytes + 4;
    let length = delimiter.find(&body[content..]).ok_or_else(|| refused("the form's last boundary is missing"))?;
    let bytes = &body[content..content + length];
    let head = core::str::from_utf8(&rest[..head_bytes]).map_err(|_| refused("a part's headers must be UTF-8"))?;
    let head = Head::strict(head, bytes.len())?;
    Ok(Part { name: head.name, is_file: head.is_file, bytes, at: content..content + length })
}

/// What a part's headers say.
struct Head<'b> {
    name: &'b str,
    is_file: bool,
}

impl<'b> Head<'b> {
    fn strict(head: &'b str, length: usize) -> Result<Self, BadRequest> {
        let mut disposition = None;
        let mut kind = None;
        for line in head.split("\r\n") {
            let (name, value) = line.split_once(':').ok_or_else(|| refused("a part's header has no colon"))?;
            if line.chars().any(char::is_control) || name.contains(' ') {
                return Err(refused("a part's header has a control character, a fold or a blank in its name"));
            }
            let is_repeat = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => disposition.replace(value.trim()).is_some(),
                "content-type" => kind.replace(value.trim()).is_some(),
                "content-length" => value.trim().parse() != Ok(length),
                _ => return Err(refused("a part has a header other than content-disposition and content-type")),
            };
            if is_repeat {
                return Err(refused("a part's header is given twice, or its length is wrong"));
            }
        }
        let disposition = disposition.ok_or_else(|| refused("a part has no content-disposition"))?;
        let head = Self::of(disposition)?;
        let charset = kind.map(str::to_ascii_lowercase).filter(|kind| kind.contains("charset"));
        if charset.is_some_and(|kind| !kind.ends_with("charset=utf-8") && !kind.ends_with("charset=\"utf-8\"")) {
            return Err(refused("a part's charset must be utf-8"));
        }
        Ok(head)
    }

    /// Reads `form-data; name="…"; filename="…"`.
    fn of(disposition: &'b str) -> Result<Self, BadRequest> {
        let wrong = || refused("content-disposition must be form-data; name=\"…\" and at most a file name, without escapes");
        let mut rest = disposition.strip_prefix("form-data").ok_or_else(wrong)?;
        let (mut name, mut is_file, mut is_extended) = (None, false, false);
        while !rest.is_empty() {
            let (key, value, more) = parameter(rest).ok_or_else(wrong)?;
            let is_repeat = match key {
                "name" => name.replace(value).is_some(),
                "filename" => core::mem::replace(&mut is_file, true),
                "filename*" => core::mem::replace(&mut is_extended, true),
                _ => return Err(wrong()),
            };
            if is_repeat {
                return Err(wrong());
            }
            rest = more;
        }
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\;%'*".contains(&byte);
        let name = name.filter(|name| (1..=64).contains(&name.len()) && name.bytes().all(is_plain)).ok_or_else(wrong)?;
        Ok(Self { name, is_file: is_file || is_extended })
    }
}

/// The first `; key=value` of a header, and what follows it. A quoted value has no backslash before its end, because
/// parsers differ in whether that escapes the quote.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let (key, value) = text.trim_start().strip_prefix(';')?.trim_start().split_once('=')?;
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find(';').unwrap_or(value.len());
        let (value, rest) = value.split_at(end);
        return (!value.is_empty() && !value.contains(['"', ' ', '\\'])).then_some((key, value, rest));
    };
    let (value, rest) = quoted.split_once('"')?;
    (!value.ends_with('\\')).then_some((key, value, rest))
}

#[cfg(test)]
mod tests;

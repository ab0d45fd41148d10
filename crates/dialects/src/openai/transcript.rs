//! `POST /v1/audio/transcriptions` and `/translations`.

use crate::audio::Length;
use crate::input::REQUEST_TOKENS;
use crate::multipart::Form;
use crate::work::{TranscriptWork, Work};
use crate::{BadRequest, Request};

/// Fields that move the price; a field that only looks like one is refused.
const KNOWN: &[&str] = &["model", "file", "prompt", "response_format", "stream", "chunking_strategy", "include[]", "api_base", "api_key"];

/// OpenAI refuses larger files (its guide to speech to text).
const FILE_BYTES_MAX: usize = 25 << 20;
/// Reads a form.
pub(crate) fn transcript_form(form: &Form<'_>) -> Result<Request, BadRequest> {
    form.refuse_look_alikes(KNOWN)?;
    let mut request = super::form_request(form)?;
    let bad = |code, message: &str| BadRequest { param: Some("/file".into()), ..BadRequest::new(code, message) };
    let mut files = form.files("file");
    let file = files.next().ok_or_else(|| bad("missing", "the form has no recording; send the field \"file\" as a file"))?;
    if file.bytes.len() > FILE_BYTES_MAX {
        return Err(BadRequest { status: 413, ..bad("too_large", "a recording is at most 25 MiB; cut it into pieces") });
    }
    request.stream = form.flag("stream")?;
    let is_chunked = form.parts.iter().any(|part| part.name.starts_with("chunking_strategy"));
    let prompt_tokens = form.text("prompt")?.map_or(0, str::len) as u64 + REQUEST_TOKENS;
    request.works(Work::Transcript(TranscriptWork { length: Length::of(file.bytes), prompt_tokens, is_chunked }));
    Ok(request)
}

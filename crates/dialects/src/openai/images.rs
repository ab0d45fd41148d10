//! `POST /v1/images/generations`, `/edits` and `/variations`.

use crate::fields::{count, flag, model, refuse_look_alikes, refuse_overrides, text};
use crate::input::REQUEST_TOKENS;
use crate::json::{Kind, Value};
use crate::multipart::Form;
use crate::work::{ImageTool, ImageWork, Work};
use crate::{BadRequest, Request};

/// Most images of one request, by OpenAI's reference.
const IMAGES_MAX: u64 = 10;
/// Most partial images of a stream.
const PARTIALS_MAX: u64 = 3;

/// Members that move the price; a key that only looks like one is refused.
const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "n",
    "size",
    "quality",
    "image",
    "image[]",
    "images",
    "mask",
    "stream",
    "partial_images",
    "input_fidelity",
    "service_tier",
    "models",
    "fallbacks",
    "api_base",
    "base_url",
    "custom_host",
    "api_key",
];

/// `1024x1536` as numbers; `auto` and absence are `None`.
fn size(text: Option<&str>) -> Result<Option<(u64, u64)>, BadRequest> {
    let Some(text) = text.filter(|text| *text != "auto") else { return Ok(None) };
    let side = |side: &str| side.parse::<u64>().ok().filter(|pixels| (1..=8_192).contains(pixels) && side.as_bytes()[0] != b'+');
    let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    match sides {
        Some(sides) => Ok(Some(sides)),
        None => Err(bad("size", "size must be auto or two numbers such as 1024x1536")),
    }
}

fn quality(text: Option<&str>) -> Result<Option<String>, BadRequest> {
    match text {
        None => Ok(None),
        Some(known @ ("auto" | "low" | "medium" | "high" | "standard" | "hd")) => Ok(Some(known.to_owned())),
        Some(_) => Err(bad("quality", "quality must be auto, low, medium, high, standard or hd")),
    }
}

fn bad(name: &str, message: impl Into<String>) -> BadRequest {
    BadRequest { param: Some(format!("/{name}")), ..BadRequest::new("invalid_value", message) }
}

/// What both kinds of body say, checked.
struct Asked<'a> {
    prompt_bytes: u64,
    given: u64,
    count: Option<u64>,
    size: Option<&'a str>,
    quality: Option<&'a str>,
    partials: Option<u64>,
}

impl Asked<'_> {
    fn work(self) -> Result<ImageWork, BadRequest> {
        let count = self.count.unwrap_or(1);
        if count > IMAGES_MAX {
            return Err(bad("n", format!("n is at most {IMAGES_MAX}")));
        }
        let partials = self.partials.unwrap_or(0);
        if partials > PARTIALS_MAX {
            return Err(bad("partial_images", format!("partial_images is at most {PARTIALS_MAX}")));
        }
        let prompt_tokens = self.prompt_bytes.saturating_add(REQUEST_TOKENS);
        Ok(ImageWork { count, prompt_tokens, given: self.given, size: size(self.size)?, quality: quality(self.quality)?, partials })
    }
}

/// Reads a request in JSON. Edits may name their images by address or file id; an image costs the same however it comes.
pub(crate) fn images(root: Value<'_>, is_edit: bool) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    request.stream = flag(root.get("stream"))?;
    let prompt = text(root.get("prompt"))?.unwrap_or_default();
    let given: u64 = ["image", "image[]", "images", "mask"].iter().filter_map(|name| root.get(name)).map(images_of).sum();
    if given > 0 && !is_edit {
        return Err(bad("image", "images are given to /v1/images/edits, not to generations"));
    }
    let (size, quality) = (text(root.get("size"))?, text(root.get("quality"))?);
    let asked = Asked {
        prompt_bytes: prompt.len() as u64,
        given,
        count: count(root.get("n"), 1)?,
        size: size.as_deref(),
        quality: quality.as_deref(),
        partials: count(root.get("partial_images"), 0)?,
    };
    request.works(Work::Images(asked.work()?));
    request.tags(root.get("metadata"));
    request.attribute_from(root.get("user"), "user");
    request.blocks.extend(root.get("prompt").map(Value::span));
    Ok(request)
}

/// Reads the built-in tool of a response. What it leaves open, or says in a way that isn't known, is bounded by the dearest.
pub(super) fn tool(tool: Value<'_>) -> ImageTool {
    let named = |name: &str| tool.get(name).and_then(Value::text);
    let partials = count(tool.get("partial_images"), 0).ok().flatten().unwrap_or(0).min(PARTIALS_MAX);
    let size = size(named("size").as_deref()).unwrap_or(None);
    let quality = quality(named("quality").as_deref()).unwrap_or(None);
    let has_mask = tool.get("input_image_mask").is_some_and(|mask| !mask.is_null());
    ImageTool::of(named("model").map(|name| name.into_owned()), size, quality, partials, has_mask)
}

/// Images in a member: one, or a list of them.
fn images_of(member: Value<'_>) -> u64 {
    match member.kind() {
        Kind::Null => 0,
        Kind::Array => member.items().count() as u64,
        _ => 1,
    }
}

/// Reads a form.
pub(crate) fn images_form(form: &Form<'_>) -> Result<Request, BadRequest> {
    form.refuse_look_alikes(KNOWN)?;
    let mut request = super::form_request(form)?;
    let given = form.files("image").chain(form.files("mask")).count() as u64;
    if given == 0 {
        return Err(bad("image", "the form has no image; send the field \"image\" as a file"));
    }
    request.stream = form.flag("stream")?;
    let asked = Asked {
        prompt_bytes: form.text("prompt")?.map_or(0, str::len) as u64,
        given,
        count: form.count("n", 1)?,
        size: form.text("size")?,
        quality: form.text("quality")?,
        partials: form.count("partial_images", 0)?,
    };
    request.works(Work::Images(asked.work()?));
    Ok(request)
}

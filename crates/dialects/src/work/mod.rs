//! Work that isn't a conversation: images, speech, transcripts. How it is billed follows from the model that is sent, which
//! the config may rename, so that its bound is made when the model is known.

mod images;
mod speech;
mod transcript;

pub use images::ImageTool;
pub(crate) use images::ImageWork;
pub(crate) use speech::{Format, SpeechWork};
pub(crate) use transcript::{TranscriptWork, second};

use pricing::{Ask, Attrs, Usage};

use crate::{Reading, UsageReading};

/// What a request wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Images(ImageWork),
    Speech(SpeechWork),
    Transcript(TranscriptWork),
}

/// What a request says by itself of what its answer is billed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Implied {
    /// The request alone sets the quantity: characters spoken, images of one price.
    Exact(Usage),
    /// The quantity is a bound, or a measure of the answer.
    Estimate(Usage),
}

impl Work {
    /// Whether more of an answer must come before its usage is the whole: images each state their own.
    pub(crate) const fn lacks(&self, reading: &Reading) -> bool {
        match self {
            Self::Images(work) => reading.images < work.count,
            Self::Speech(_) | Self::Transcript(_) => false,
        }
    }

    /// Puts what the work can cost at `model` into an ask.
    pub(crate) fn bound(&self, model: &str, ask: &mut Ask) {
        match self {
            Self::Images(work) => work.bound(model, ask),
            Self::Speech(work) => work.bound(model, ask),
            Self::Transcript(work) => work.bound(model, ask),
        }
    }

    /// What an answer without usage is billed for: images by their number, speech by its characters or the length of the
    /// sound, transcripts by the length of the recording. `cut_after_ms` is set when the answer broke off.
    pub(crate) fn implied(&self, model: &str, reading: &Reading, cut_after_ms: Option<u64>) -> Option<Implied> {
        if reading.usage != UsageReading::Missing {
            return None;
        }
        match self {
            // Images that were made and not sent yet are billed all the same.
            Self::Images(work) if cut_after_ms.is_some() => work.made(model, work.count),
            Self::Images(work) => work.made(model, reading.images),
            Self::Speech(work) => Some(work.spoken(model, reading, cut_after_ms)),
            Self::Transcript(work) => Some(work.heard(model)),
        }
    }
}

fn modality(name: &str) -> Attrs {
    Attrs::from([("modality".to_owned(), name.to_owned())])
}

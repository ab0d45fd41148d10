//! MPEG audio (layers I to III): frames one behind the other, each of which says its size and how long it sounds.
//!
//! Only the frames count, never what a tag says of them. Bytes that are no frame count at the lowest rate that a frame can
//! have, because a decoder may find one there.

use super::{Length, millis};

/// 8 kbit/s is the lowest rate of a frame (ISO/IEC 13818-3, table of bit rates).
const BYTES_PER_SECOND_MIN: u64 = 1_000;
const HEAD: usize = 10;
/// Bit rates in kbit/s for MPEG-1 layers I, II, III and MPEG-2 layers I, II and III.
const RATES: [[u64; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Walks the frames of a stream, whatever pieces it comes in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walker {
    /// Bytes of a head that isn't whole yet.
    head: Vec<u8>,
    /// Bytes of the present frame or tag that are still to come.
    skip: u64,
    /// Sound so far, in units of 1/SECOND of a second.
    sound: u128,
    /// Bytes that belong to no frame.
    strays: u64,
}

/// All sample rates divide it: 44,100, 48,000, 32,000 and their halves and quarters.
const SECOND: u128 = 14_112_000;

struct Frame {
    bytes: u64,
    sound: u128,
}

impl Walker {
    pub(crate) fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let skipped = piece.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            self.skip -= skipped as u64;
            piece = &piece[skipped..];
            let wanted = HEAD.saturating_sub(self.head.len()).min(piece.len());
            self.head.extend_from_slice(&piece[..wanted]);
            piece = &piece[wanted..];
            if self.head.len() == HEAD {
                self.step();
            }
        }
    }

    /// Takes one frame, tag or stray byte off the head.
    fn step(&mut self) {
        let mut taken = 1_u64;
        if let Some(frame) = frame(&self.head) {
            (taken, self.sound) = (frame.bytes, self.sound + frame.sound);
        } else if let Some(bytes) = tag(&self.head) {
            taken = bytes;
        } else {
            self.strays += 1;
        }
        let from_head = taken.min(self.head.len() as u64);
        self.skip = taken - from_head;
        self.head.drain(..usize::try_from(from_head).unwrap_or(HEAD));
    }

    /// How long all that came so far can last.
    pub(crate) fn length(mut self) -> Length {
        // The last bytes can still hold the head of a frame that is cut off.
        while let (true, Some(frame)) = (self.skip == 0, frame(&self.head)) {
            let whole = frame.bytes.min(self.head.len() as u64);
            self.sound += frame.sound;
            self.head.drain(..usize::try_from(whole).unwrap_or(HEAD));
        }
        // ID3v1 and APE tags at the end are rests of at most some hundred bytes; they count as strays too.
        let strays = self.strays + self.head.len() as u64;
        let sound = u64::try_from((self.sound * 1_000).div_ceil(SECOND)).unwrap_or(u64::MAX);
        // Encoders begin with a frame that describes the rest and with silence of their own, which players leave out.
        Length { millis: sound.saturating_add(millis(strays, BYTES_PER_SECOND_MIN)), is_exact: false }
    }
}

/// The frame that a head begins.
fn frame(head: &[u8]) -> Option<Frame> {
    let [0xff, second @ 0xe0..=0xff, third, ..] = *head else { return None };
    let (version, layer) = ((second >> 3) & 3, (second >> 1) & 3);
    let (rate, sampling) = (usize::from(third >> 4), (third >> 2) & 3);
    if version == 1 || layer == 0 || sampling == 3 {
        return None;
    }
    let is_first = version == 3;
    let row = match (is_first, layer) {
        (true, 3) => 0,
        (true, 2) => 1,
        (true, _) => 2,
        (false, 3) => 3,
        (false, _) => 4,
    };
    let kbits = *RATES[row].get(rate).filter(|kbits| **kbits > 0)?;
    let full: u64 = [44_100, 48_000, 32_000][usize::from(sampling)];
    let samples_per_second = match version {
        3 => full,
        2 => full / 2,
        _ => full / 4,
    };
    let samples: u64 = match (layer, is_first) {
        (3, _) => 384,
        (2, _) | (1, true) => 1_152,
        _ => 576,
    };
    let padding = u64::from((third >> 1) & 1);
    let bytes = match layer {
        3 => (12 * kbits * 1_000 / samples_per_second + padding) * 4,
        _ => samples / 8 * kbits * 1_000 / samples_per_second + padding,
    };
    Some(Frame { bytes: bytes.max(4), sound: u128::from(samples) * (SECOND / u128::from(samples_per_second)) })
}

/// The bytes of an ID3v2 tag (its size has seven bits a byte).
fn tag(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', _, _, flags, a, b, c, d] = *head else { return None };
    let sizes = [a, b, c, d];
    (sizes.iter().all(|byte| *byte < 0x80)).then_some(())?;
    let size = sizes.iter().fold(0_u64, |sum, byte| sum << 7 | u64::from(*byte));
    Some(10 + size + if flags & 0x10 == 0 { 0 } else { 10 })
}

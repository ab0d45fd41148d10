//! RIFF WAVE: uncompressed samples play at a fixed rate, so that bytes are time.

use super::{Length, millis};

/// Sample forms of a fixed size: PCM, floating point, A-law, µ-law (RFC 2361, appendix A).
const FIXED: [u16; 4] = [1, 3, 6, 7];
/// The real form is in the extension.
const EXTENSIBLE: u16 = 0xfffe;

/// How long a WAV file can last; `None` where its samples aren't of a fixed size or its head isn't whole.
///
/// Every byte of the file counts as sound, because a decoder may read past a chunk that states a short length. Several heads
/// contradict each other and aren't read.
pub(super) fn length(file: &[u8]) -> Option<Length> {
    (file.get(8..12)? == b"WAVE").then_some(())?;
    let mut at = 12;
    let mut rate = None;
    let mut data = None;
    while let Some(head) = file.get(at..at + 8) {
        let size = u32::from_le_bytes(head[4..].try_into().ok()?) as usize;
        let content = at + 8;
        match &head[..4] {
            b"fmt " if rate.is_some() => return None,
            b"fmt " => rate = Some(bytes_per_second(file.get(content..content.checked_add(size)?)?)?),
            b"data" => {
                data = Some((content, size));
                break;
            }
            _ => {}
        }
        at = content.checked_add(size)?.checked_add(size % 2)?;
    }
    let rate = rate?;
    let (content, size) = data?;
    // A stated size that ends where the file ends is the truth; a writer to a pipe states 0 or the largest number.
    let present = file.len().checked_sub(content)?;
    let is_exact = size == present || size + size % 2 == present;
    let sound = if is_exact { size } else { present };
    Some(Length { millis: millis(sound as u64, rate), is_exact })
}

fn bytes_per_second(format: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u16::from_le_bytes(format.get(at..at + 2)?.try_into().ok()?));
    let samples = u64::from(u32::from_le_bytes(format.get(4..8)?.try_into().ok()?));
    let kind = match word(0)? {
        EXTENSIBLE => word(24)?,
        kind => kind,
    };
    let (channels, block, bits) = (u64::from(word(2)?), u64::from(word(12)?), u64::from(word(14)?));
    // The size of a block follows from the other two; where they disagree, readers differ in which they believe.
    let agrees = bits > 0 && block == channels * bits.div_ceil(8);
    (FIXED.contains(&kind) && agrees && samples > 0).then_some(samples * block).filter(|rate| *rate > 0)
}

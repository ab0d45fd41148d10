//! How long a recording can last at most, from its own bytes, without decoding it.
//!
//! What a file says of its length isn't believed, because its sender may lie: WAV is measured by its bytes and the rate at
//! which they are played, MPEG audio by walking its frames. Every other container counts by its bytes at the smallest rate
//! at which speech is plausibly kept; a file below that is longer than its bound and ends as an overage.

mod mpeg;
mod wav;

pub(crate) use mpeg::Walker;

/// Opus and AMR speak down to 6 kbit/s, and containers add to it.
const BYTES_PER_SECOND_MIN: u64 = 750;
/// Lossless speech of a telephone's quality stays above this even with long silences.
const FLAC_BYTES_PER_SECOND_MIN: u64 = 1_000;

/// How long a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    /// Milliseconds at most.
    pub(crate) millis: u64,
    /// Whether it lasts exactly so, by the rules of its format.
    pub(crate) is_exact: bool,
}

impl Length {
    /// Seconds as they are billed: begun ones count.
    pub(crate) fn seconds(self) -> u64 {
        self.millis.div_ceil(1_000)
    }

    /// The most that these bytes can last.
    pub(crate) fn of(file: &[u8]) -> Self {
        let by_rate = |rate: u64| Self { millis: millis(file.len() as u64, rate), is_exact: false };
        match file {
            [b'R', b'I', b'F', b'F', ..] => wav::length(file).unwrap_or_else(|| by_rate(BYTES_PER_SECOND_MIN)),
            [b'f', b'L', b'a', b'C', ..] => by_rate(FLAC_BYTES_PER_SECOND_MIN),
            [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => {
                let mut walker = Walker::default();
                walker.push(file);
                walker.length()
            }
            _ => by_rate(BYTES_PER_SECOND_MIN),
        }
    }
}

/// Milliseconds of so many bytes at a rate in bytes a second, rounded up.
fn millis(bytes: u64, rate: u64) -> u64 {
    let exact = (u128::from(bytes) * 1_000).div_ceil(u128::from(rate.max(1)));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

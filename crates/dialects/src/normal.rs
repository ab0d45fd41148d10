//! What Unicode normalisation can add to a text before a tokenizer sees it.
//!
//! Some tokenizers normalise first (Qwen's by NFC, Claude's published one by NFKC), and a character may come out as more
//! bytes than it went in: `½` as `1⁄2`, `ﷺ` as eighteen letters. A bound by bytes must count what comes out.

use crate::json::Value;

/// Characters of which NFC or NFKC makes more UTF-8 bytes: first, last, and the most bytes that one of them gains. Made from
/// the Unicode Character Database; the test below holds it against the current one.
#[rustfmt::skip]
const GROWING: [(u32, u32, u64); 103] = [
    (0xa8, 0xa8, 1), (0xaf, 0xaf, 1), (0xb4, 0xb4, 1), (0xb8, 0xb8, 1), (0xbc, 0xbe, 3), (0x13f, 0x140, 1), (0x149, 0x149, 1),
    (0x1c4, 0x1c6, 1), (0x2d8, 0x2dd, 1), (0x344, 0x344, 2), (0x37a, 0x37a, 1), (0x384, 0x385, 3), (0x587, 0x587, 2),
    (0x675, 0x678, 2), (0x958, 0x95f, 3), (0x9dc, 0x9dd, 3), (0x9df, 0x9df, 3), (0xa33, 0xa33, 3), (0xa36, 0xa36, 3),
    (0xa59, 0xa5b, 3), (0xa5e, 0xa5e, 3), (0xb5c, 0xb5d, 3), (0xe33, 0xe33, 3), (0xeb3, 0xeb3, 3), (0xedc, 0xedd, 3),
    (0xf43, 0xf43, 3), (0xf4d, 0xf4d, 3), (0xf52, 0xf52, 3), (0xf57, 0xf57, 3), (0xf5c, 0xf5c, 3), (0xf69, 0xf69, 3),
    (0xf73, 0xf73, 3), (0xf75, 0xf79, 6), (0xf81, 0xf81, 3), (0xf93, 0xf93, 3), (0xf9d, 0xf9d, 3), (0xfa2, 0xfa2, 3),
    (0xfa7, 0xfa7, 3), (0xfac, 0xfac, 3), (0xfb9, 0xfb9, 3), (0x1fc1, 0x1fc1, 2), (0x1fcd, 0x1fcf, 2), (0x1fdd, 0x1fdf, 2),
    (0x1fed, 0x1fee, 2), (0x2033, 0x2034, 6), (0x2036, 0x2037, 6), (0x2057, 0x2057, 9), (0x2150, 0x215f, 3), (0x2167, 0x2167, 1),
    (0x2177, 0x2177, 1), (0x2189, 0x2189, 2), (0x222c, 0x222d, 6), (0x222f, 0x2230, 6), (0x247d, 0x2487, 1), (0x2a0c, 0x2a0c, 9),
    (0x2adc, 0x2adc, 2), (0x309b, 0x309c, 1), (0x309f, 0x309f, 3), (0x30ff, 0x30ff, 3), (0x3200, 0x321e, 5), (0x3220, 0x3243, 2),
    (0x327c, 0x327d, 3), (0x32c0, 0x32cb, 2), (0x32ff, 0x3370, 15), (0x337b, 0x337f, 9), (0x3389, 0x3389, 1), (0x33a7, 0x33a8, 3),
    (0x33ae, 0x33af, 5), (0x33c2, 0x33c2, 1), (0x33c6, 0x33c6, 3), (0x33d8, 0x33d8, 1), (0x33de, 0x33fe, 2), (0xfa6c, 0xfa6c, 1),
    (0xfacf, 0xfad1, 1), (0xfad5, 0xfad7, 1), (0xfb13, 0xfb17, 1), (0xfb1d, 0xfb1d, 1), (0xfb1f, 0xfb1f, 1), (0xfb2a, 0xfb36, 3),
    (0xfb38, 0xfb3c, 1), (0xfb3e, 0xfb3e, 1), (0xfb40, 0xfb41, 1), (0xfb43, 0xfb44, 1), (0xfb46, 0xfb4f, 1), (0xfbdd, 0xfbdd, 1),
    (0xfbea, 0xfbfb, 1), (0xfc00, 0xfd3d, 3), (0xfd50, 0xfd8f, 3), (0xfd92, 0xfdc7, 3), (0xfdf0, 0xfdfc, 30), (0xfe71, 0xfe71, 1),
    (0xfe77, 0xfe77, 1), (0xfe79, 0xfe79, 1), (0xfe7b, 0xfe7b, 1), (0xfe7d, 0xfe7d, 1), (0xfe7f, 0xfe7f, 1), (0xfef5, 0xfefc, 1),
    (0x1b123, 0x1b126, 2), (0x1d15e, 0x1d164, 8), (0x1d1bb, 0x1d1c0, 8), (0x1f12a, 0x1f12a, 3), (0x1f200, 0x1f201, 2),
    (0x1f240, 0x1f248, 5),
];

/// Bytes that normalisation adds to a string at most.
pub(crate) fn growth(string: Value<'_>) -> u64 {
    if string.raw().is_ascii() && !string.is_escaped() {
        return 0;
    }
    string.text().map_or(0, |text| growth_of(&text))
}

/// Bytes that normalisation adds to a text at most.
pub(crate) fn growth_of(text: &str) -> u64 {
    if text.is_ascii() {
        return 0;
    }
    text.chars().fold(0, |sum, character| sum.saturating_add(growth_of_one(u32::from(character))))
}

fn growth_of_one(point: u32) -> u64 {
    // Most text: Latin, and the ideographs and syllables of East Asia.
    if point < 0xa8 || (0x3400..0xf900).contains(&point) {
        return 0;
    }
    let at = GROWING.partition_point(|(_, last, _)| *last < point);
    GROWING.get(at).filter(|(first, ..)| *first <= point).map_or(0, |(.., more)| *more)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[test]
    fn no_character_grows_by_more_than_is_counted() {
        let mut growing = 0;
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let one = core::iter::once(character);
            let (nfc, nfkc): (String, String) = (one.clone().nfc().collect(), one.nfkc().collect());
            let most = nfc.len().max(nfkc.len()) as u64;
            let counted = character.len_utf8() as u64 + growth_of_one(u32::from(character));
            assert!(counted >= most, "U+{:x}: {counted} < {most}", u32::from(character));
            growing += u32::from(most > character.len_utf8() as u64);
        }
        assert!(growing > 900, "{growing}");
        assert_eq!((growth_of("½"), growth_of("ﷺ"), growth_of("né 中文 héllo")), (3, 30, 0));
    }
}

//! The size of an image that stands in a request in Base64, in pixels.
//!
//! Providers bill an image by its pixels, so that its own header bounds it far below the largest image. Only formats whose header
//! alone decides the size are believed: PNG, JPEG and WebP. A GIF's frames may be larger than its screen; what isn't
//! understood is the largest image that the provider bills.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imagesize::ImageType;

/// As much of an image as is decoded to find its size; a JPEG's comes after its metadata. In characters of Base64.
const PREFIX_CHARS: usize = 256 * 1024;

/// Width and height; a photograph may be turned by its metadata, so that callers take the dearer way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) width: u64,
    pub(crate) height: u64,
}

impl Pixels {
    /// Of an image in Base64.
    pub(crate) fn of_base64(text: &str) -> Option<Self> {
        let prefix = text.as_bytes().get(..PREFIX_CHARS).unwrap_or(text.as_bytes());
        let bytes = STANDARD.decode(prefix).ok()?;
        let kind = imagesize::image_type(&bytes).ok()?;
        if !matches!(kind, ImageType::Png | ImageType::Jpeg | ImageType::Webp) {
            return None;
        }
        let size = imagesize::blob_size(&bytes).ok().filter(|size| size.width > 0 && size.height > 0)?;
        Some(Self { width: size.width as u64, height: size.height as u64 })
    }

    /// Of an image in a `data:` URL.
    pub(crate) fn of_data_url(url: &str) -> Option<Self> {
        let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
        head.ends_with(";base64").then(|| Self::of_base64(data)).flatten()
    }

    /// How many squares of a side cover it.
    pub(crate) const fn squares(self, side: u64) -> u64 {
        self.width.div_ceil(side).saturating_mul(self.height.div_ceil(side))
    }

    /// The area.
    pub(crate) const fn area(self) -> u64 {
        self.width.saturating_mul(self.height)
    }

    /// The same image with its shorter side at `shorter`, larger or smaller, rounded up, at most `longer` long.
    pub(crate) fn with_shorter(self, shorter: u64, longer: u64) -> Self {
        let (least, most) = (self.width.min(self.height), self.width.max(self.height));
        let scaled = u128::from(most) * u128::from(shorter);
        let most = u64::try_from(scaled.div_ceil(u128::from(least))).unwrap_or(u64::MAX).min(longer);
        Self { width: shorter, height: most }
    }

    /// The longer side.
    pub(crate) fn longer(self) -> u64 {
        self.width.max(self.height)
    }

    /// The shorter side.
    pub(crate) fn shorter(self) -> u64 {
        self.width.min(self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> String {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        STANDARD.encode(bytes)
    }

    #[test]
    fn a_size_is_read_from_the_header_alone() {
        let size = |width, height| Some(Pixels { width, height });
        assert_eq!(Pixels::of_base64(&png(640, 480)), size(640, 480));
        assert_eq!(Pixels::of_data_url(&format!("data:image/png;base64,{}", png(1, 9_999))), size(1, 9_999));
        let jpeg =
            STANDARD.encode([&b"\xff\xd8\xff\xc0\0\x11\x08\0\x64\0\xc8\x03\x01\x22\0\x02\x11\x01\x03\x11\x01"[..], &[0; 64]].concat());
        assert_eq!(Pixels::of_base64(&jpeg), size(200, 100));
    }

    #[test]
    fn what_is_not_understood_has_no_size() {
        let gif = STANDARD.encode(b"GIF89a\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0");
        for text in ["", "AAAA", "not base64!", &png(0, 5), &gif, &png(640, 480)[..12]] {
            assert_eq!(Pixels::of_base64(text), None, "{text}");
        }
        for url in [format!("data:image/png,{}", png(1, 1)), "https://example.com/x.png".into(), format!("data:;base64;{}", png(1, 1))] {
            assert_eq!(Pixels::of_data_url(&url), None, "{url}");
        }
    }

    #[test]
    fn scaling_never_makes_an_image_smaller_than_it_would_be() {
        let image = Pixels { width: 3_000, height: 1_001 };
        assert_eq!(image.with_shorter(768, 2_048), Pixels { width: 768, height: 2_048 });
        assert_eq!(Pixels { width: 100, height: 130 }.with_shorter(768, 2_048), Pixels { width: 768, height: 999 });
        assert_eq!((image.squares(512), image.area()), (12, 3_003_000));
    }
}

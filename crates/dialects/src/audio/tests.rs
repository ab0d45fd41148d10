//! Lengths of recordings made here, and of files that lie.

use super::*;

/// A WAV file of so many bytes of sound.
fn wav(samples_per_second: u32, channels: u16, bits: u16, stated: u32, sound: usize) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    file.extend(channels.to_le_bytes());
    file.extend(samples_per_second.to_le_bytes());
    file.extend((samples_per_second * u32::from(block)).to_le_bytes());
    file.extend(block.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend(stated.to_le_bytes());
    file.extend(vec![0; sound]);
    file
}

/// So many frames of MPEG-1 layer III at 128 kbit/s and 44.1 kHz: 417 bytes and 1,152 samples each.
fn mp3(frames: usize) -> Vec<u8> {
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
    frame.repeat(frames)
}

fn exactly(millis: u64) -> Length {
    Length { millis, is_exact: true }
}

fn at_most(millis: u64) -> Length {
    Length { millis, is_exact: false }
}

#[test]
fn wav_lasts_as_long_as_its_samples() {
    let mut twice = wav(16_000, 1, 16, 32_000, 0);
    let again: Vec<u8> = twice[12..36].to_vec();
    twice.splice(36..36, again);
    let mut other_form = wav(8_000, 1, 16, 16_000, 16_000);
    other_form[20] = 0x55;
    let mut contradicts = wav(8_000, 1, 16, 16_000, 16_000);
    contradicts[32] = 200;
    let table = [
        ("a second", wav(16_000, 1, 16, 32_000, 32_000), exactly(1_000)),
        ("stereo", wav(44_100, 2, 16, 176_400, 176_400), exactly(1_000)),
        ("begun milliseconds count", wav(8_000, 1, 8, 8_001, 8_001), exactly(1_001)),
        ("written to a pipe", wav(16_000, 1, 16, u32::MAX, 32_000), at_most(1_000)),
        ("states less than it has", wav(16_000, 1, 16, 2, 32_000), at_most(1_000)),
        ("one sample a second", wav(1, 1, 8, 60, 60), exactly(60_000)),
        ("no samples a second", wav(0, 1, 8, 60, 60), at_most(139)),
        ("two heads", twice, at_most(91)),
        ("compressed inside", other_form, at_most(21_392)),
        ("blocks that contradict", contradicts, at_most(21_392)),
        ("cut off", b"RIFF\0\0\0\0WAVEfmt ".to_vec(), at_most(22)),
    ];
    for (what, file, expected) in table {
        assert_eq!(Length::of(&file), expected, "{what}");
    }
}

#[test]
fn mpeg_audio_lasts_as_long_as_its_frames() {
    let tagged = |tag_bytes: u8| [&b"ID3\x04\0\0\0\0\0"[..], &[tag_bytes], &vec![0; usize::from(tag_bytes)], &mp3(100)].concat();
    let with_rest = [mp3(100), vec![0; 128]].concat();
    let slow = [[0xff, 0xe3, 0x18, 0x00].to_vec(), vec![0; 68]].concat().repeat(100);
    let table = [
        ("frames", mp3(100), 2_613),
        ("behind a tag", tagged(100), 2_613),
        ("with an old tag behind", with_rest, 2_613 + 128),
        ("at the lowest rate", slow, 7_200),
        ("a head alone sounds", vec![0xff, 0xfb, 0x90, 0x00], 27),
        ("noise", [vec![0xff, 0xff], vec![1; 998]].concat(), 1_000),
        ("an endless tag", b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec(), 0),
    ];
    for (what, file, expected) in table {
        assert_eq!(Length::of(&file), at_most(expected), "{what}");
        for size in [1, 3, 7, 1_000] {
            let mut walker = Walker::default();
            file.chunks(size).for_each(|piece| walker.push(piece));
            assert_eq!(walker.length(), at_most(expected), "{what} in pieces of {size}");
        }
    }
}

#[test]
fn other_containers_count_by_the_lowest_rate_of_speech() {
    for (head, millis) in [(&b"OggS"[..], 1_333), (b"\x1aE\xdf\xa3", 1_333), (b"\0\0\0\x1cftypM4A ", 1_333), (b"fLaC", 1_000), (b"", 1_333)]
    {
        let mut file = head.to_vec();
        file.resize(1_000, 0);
        assert_eq!(Length::of(&file), at_most(if millis == 1_333 { 1_334 } else { millis }), "{head:?}");
    }
    assert_eq!((Length::of(b"").seconds(), at_most(1_001).seconds()), (0, 2));
}

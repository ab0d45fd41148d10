//! Damage by chance, from a seed that names it for ever.

/// A small generator (Steele's SplitMix64).
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or_default()
    }

    /// An input made from others: cut, repeated, joined, with bytes and words changed.
    pub fn damaged(&mut self, inputs: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        let mut input = inputs.get(self.below(inputs.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(5) {
            self.damage(&mut input, inputs, words);
        }
        input.truncate(64 * 1024);
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[&str]) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(24)).min(input.len());
        match self.below(8) {
            0 => drop(input.splice(at..end, [])),
            1 => input.insert(at, self.draw() as u8),
            2 if at < input.len() => input[at] ^= 1 << self.below(8),
            3 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece.repeat(1 + self.below(40)));
            }
            4 => {
                let other = &inputs[self.below(inputs.len())];
                let from = self.below(other.len() + 1);
                let to = (from + self.below(200)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            5 => {
                const NUMBERS: [&str; 12] = [
                    "0",
                    "-1",
                    "1",
                    "18446744073709551615",
                    "9223372036854775808",
                    "1e999",
                    "1.5",
                    "10000001",
                    "NaN",
                    "\"7\"",
                    "1e9",
                    "-0",
                ];
                input.splice(at..end.min(at + 3), NUMBERS[self.below(NUMBERS.len())].bytes());
            }
            _ if words.is_empty() => {}
            6 => drop(input.splice(at..at, words[self.below(words.len())].bytes())),
            _ => drop(input.splice(at..end, words[self.below(words.len())].bytes())),
        }
    }
}

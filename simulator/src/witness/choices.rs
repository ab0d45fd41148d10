//! What a case is drawn from: a list of numbers that can be written down, repeated and made smaller.

use crate::rng::Rng;

/// Numbers drawn one after the other, from a seed or from a list. 0 is always the plainest choice, so that a list of smaller
/// numbers is a simpler case.
#[derive(Debug, Clone)]
pub struct Choices {
    given: Option<Vec<u64>>,
    rng: Rng,
    taken: Vec<u64>,
}

impl Choices {
    /// Choices by chance, the same for the same seed and number.
    pub fn seeded(seed: u64, case: u64) -> Self {
        let mut start = Rng::new(seed);
        Self { given: None, rng: Rng::new(start.next_u64() ^ case.wrapping_mul(0xA24B_AED4_963E_E407)), taken: Vec::new() }
    }

    /// The choices of a list; 0 beyond its end.
    pub fn given(list: Vec<u64>) -> Self {
        Self { given: Some(list), rng: Rng::new(0), taken: Vec::new() }
    }

    /// What was chosen so far.
    pub fn taken(&self) -> &[u64] {
        &self.taken
    }

    /// A number below `limit`; 0 when nothing is below it.
    pub fn below(&mut self, limit: u64) -> u64 {
        let drawn = match &self.given {
            Some(list) => list.get(self.taken.len()).copied().unwrap_or(0).min(limit.saturating_sub(1)),
            None => self.rng.next_u64() % limit.max(1),
        };
        self.taken.push(drawn);
        drawn
    }

    /// Whether one of `n` equal chances comes.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) + 1 == n
    }

    /// One of the items; panics on none, which is a mistake of the table.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A count up to `most`, with its ends far more often than chance would have them.
    pub fn count(&mut self, most: u64) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => most.min(1),
            2 => most,
            _ => self.below(most.saturating_add(1).max(1)),
        }
    }
}

/// Makes a failing list of choices smaller for as long as `fails` still says that it fails.
pub fn shrink(mut choices: Vec<u64>, fails: impl Fn(&[u64]) -> bool) -> Vec<u64> {
    loop {
        let before = choices.clone();
        for at in 0..choices.len() {
            for smaller in [0, choices[at] / 2, choices[at].saturating_sub(1)] {
                let mut tried = choices.clone();
                tried[at] = smaller;
                if smaller < choices[at] && fails(&tried) {
                    choices = tried;
                    break;
                }
            }
        }
        if choices == before {
            return choices;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_repeats_what_a_seed_drew() {
        let mut drawn = Choices::seeded(7, 3);
        let numbers: Vec<u64> = (1..50).map(|limit| drawn.below(limit)).collect();
        let mut again = Choices::given(drawn.taken().to_vec());
        assert_eq!(numbers, (1..50).map(|limit| again.below(limit)).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_shrinks_to_its_cause() {
        assert_eq!(shrink(vec![9, 40, 7], |list| list[1] >= 13), vec![0, 13, 0]);
    }
}

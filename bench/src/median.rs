//! The median: what a busy machine does to one round doesn't move it.

/// The middle value; not a number when there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_round_does_not_move_it() {
        assert!(median(vec![3.0, 1.0, 900.0]).total_cmp(&3.0).is_eq());
        assert!(median(Vec::new()).is_nan());
    }
}

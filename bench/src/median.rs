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
    fn the_middle_of_what_there_is() {
        for (values, middle) in [(vec![3.0, 1.0, 900.0], 1), (vec![], 0)] {
            let middle = if values.is_empty() { f64::NAN } else { [0.0, 3.0][middle] };
            assert!(median(values).total_cmp(&middle).is_eq() || middle.is_nan());
        }
    }
}

//! New secrets. Their randomness comes from the operating system.

/// Random bytes of a secret: 160 bits.
const SECRET_BYTES: usize = 20;
/// Crockford's digits, lower case: no letter that reads like another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new secret text: the prefix and 32 characters of 5 random bits each.
pub(crate) fn new_secret(prefix: &str) -> Result<String, String> {
    let mut random = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let mut text = prefix.to_owned();
    for five in random.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|digit| DIGITS[(bits >> (5 * digit) & 31) as usize] as char));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, other) = (new_secret("mk_").unwrap(), new_secret("mk_").unwrap());
        assert_eq!(one.len(), 35);
        assert_ne!(one, other);
        assert!(one[3..].bytes().all(|byte| DIGITS.contains(&byte)));
    }
}

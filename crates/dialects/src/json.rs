//! Strict JSON: duplicate keys at any depth, size and depth limits, byte spans, splicing.

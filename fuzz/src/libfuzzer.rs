//! libFuzzer's entry point. `METE_FUZZ_TARGET` names the target; `cargo xtask fuzz` builds and runs this.
#![no_main]

use std::sync::LazyLock;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("METE_FUZZ_TARGET").unwrap_or_default();
    fuzz::target(&name).map(|target| target.run).unwrap_or_else(|| panic!("METE_FUZZ_TARGET must name a target, not {name:?}"))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| RUN(input));

//! `mete demo`.
use crate::args::Demo;
use crate::context::Context;

/// Not wired yet.
pub async fn demo(_context: &Context, _options: &Demo) -> anyhow::Result<u8> {
    anyhow::bail!("the demo is not wired yet")
}

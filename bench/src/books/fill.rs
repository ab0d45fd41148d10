//! Makes a data directory of a given size through the books, in a process that can be killed.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use store::{Books, HoldAnswer, Survives};
use tokio::sync::Semaphore;

use super::call;

/// A directory with open holds.
#[derive(Args, Clone, Debug)]
pub struct Fill {
    /// The directory; made.
    pub dir: PathBuf,
    /// Open holds.
    #[arg(long)]
    pub holds: u64,
}

/// Holds, prints `filled`, waits for a line, and closes the books.
pub fn run(fill: &Fill) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let books = call::open(&fill.dir, Survives::ProcessCrash, true).await?;
        hold_all(&books, fill.holds).await?;
        crate::print("filled")?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        books.close().await?;
        crate::print("closed")
    })
}

async fn hold_all(books: &Books, holds: u64) -> anyhow::Result<()> {
    const IN_FLIGHT: u32 = 4_096;
    let room = Arc::new(Semaphore::new(IN_FLIGHT as usize));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..holds {
        let seat = Arc::clone(&room).acquire_owned().await?;
        let books = books.clone();
        tasks.spawn(async move {
            let answer = books.hold(call::request(u128::from(number), number % 1_000)).await?;
            drop(seat);
            let HoldAnswer::Granted(_) = answer else { bail!("a hold was refused") };
            Ok(())
        });
    }
    while let Some(held) = tasks.join_next().await {
        held??;
    }
    Ok(())
}

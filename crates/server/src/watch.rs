//! Looks about once a second whether config and price files changed, and whether anybody still asks.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::control::Control;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What of a file changes when its content does.
type Seen = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

/// Reloads when a watched file changed. A bad file is told once, not each second.
pub(crate) async fn reload_on_change(control: &Control) {
    let mut seen = look(control.watched()).await;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = look(control.watched()).await;
        if now != seen {
            // What is wrong was logged and is shown by /healthz.
            let _ = control.reload().await;
            seen = look(control.watched()).await;
        }
    }
}

async fn look(files: Vec<PathBuf>) -> Seen {
    let look = move || files.into_iter().map(|file| (stamp(&file), file)).map(|(stamp, file)| (file, stamp)).collect();
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Completes when for `limit` no request came and no call was under way.
pub(crate) async fn until_idle(control: &Control, requests: &AtomicU64, limit: Duration) {
    let mut last = (requests.load(Ordering::Relaxed), Instant::now());
    loop {
        tokio::time::sleep(LOOK_EVERY.min(limit)).await;
        let count = requests.load(Ordering::Relaxed);
        if count != last.0 || control.gateway.in_flight() > 0 {
            last = (count, Instant::now());
        }
        if last.1.elapsed() >= limit {
            return;
        }
    }
}

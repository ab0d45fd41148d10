//! `mete backup`.

use anyhow::Context as _;
use serde_json::json;

use crate::args::Backup;
use crate::context::{Context, accepted};
use crate::output;

/// Makes and restores backups.
pub async fn backup(context: &Context, command: Backup) -> anyhow::Result<()> {
    match command {
        Backup::Create { file } => {
            let path = std::path::absolute(&file).with_context(|| file.display().to_string())?;
            accepted(context.api_of_records().await?.post("/backup", json!({"path": path.display().to_string()})).await?)?;
            output::talk(&format!("backed up to {}", path.display()));
        }
        Backup::Restore { file } => {
            let data = context.data()?;
            server::restore(&file, &data)?;
            output::talk(&format!("restored into {}; `mete verify` checks it", data.display()));
        }
    }
    Ok(())
}

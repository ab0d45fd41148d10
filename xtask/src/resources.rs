//! `cargo xtask resources --from DIR --out prices/resources/`: machine hours, shapes and the meters beside models, from
//! published facts.
//!
//! Machine hours become one table a cloud (`dialects::resources` says how it is read), compressed because the clouds have
//! eighty thousand of them; shapes stay plain text; everything else becomes rows of the price book.

mod clouds;
mod hours;
mod meters;
mod shapes;

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use flate2::{Compression, GzBuilder};

pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let ["--from", from, "--out", out] = arguments else { bail!("usage: cargo xtask resources --from DIR --out DIR") };
    let (from, out) = (Path::new(from), Path::new(out));
    let text = |name: &str| {
        let path = from.join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let gpus = clouds::read(&text("infra/fullstack_cloud-gpus_2025-04.csv")?)?;
    let aws = hours::aws(&text("infra/aws_ec2_ondemand_karpenter_2026-07-20.csv")?)?;
    let azure = hours::azure(&text("infra/azure_vm_ondemand_karpenter_2026-06-18.csv")?)?;
    let gcp = hours::gcp(&text("infra/gcp_vm_ondemand_spot_karpenter_2026-08-03.json")?)?;
    let clouds = hours::clouds(&gpus);
    for (name, blocks) in [("aws", &aws), ("azure", &azure), ("gcp", &gcp), ("clouds", &clouds)] {
        let table: String = blocks.iter().map(hours::Block::text).collect();
        let packed = packed(table.as_bytes())?;
        let prices: usize = blocks.iter().map(hours::Block::len).sum();
        let zeros: usize = blocks.iter().map(|block| block.zeros).sum();
        crate::say(&format!("{name}: {prices} prices, {} bytes, {} compressed; {zeros} of 0 left out", table.len(), packed.len()));
        write(&out.join(format!("{name}.csv.gz")), &packed)?;
    }
    write(&out.join("shapes.csv"), shapes::text(&gpus).as_bytes())?;
    let (rows, notes) = meters::read(from)?;
    write(&out.join("meters.jsonl"), dialects::price_book::write(&rows).as_bytes())?;
    crate::say(&format!("meters: {} rules, {} allowances", rows.rules.len(), rows.allowances.len()));
    for note in gpus.notes.iter().chain(&notes) {
        crate::say(note);
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// A gzip file without name and time, so that the same facts give the same bytes.
fn packed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

//! The yardstick: what one fsync takes on the same file system in the same run.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use hdrhistogram::Histogram;
use tempfile::NamedTempFile;

/// One write of 4 KiB at the end of a file with its sync, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Sync {
    /// Half are faster.
    pub p50: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
}

impl Sync {
    /// Measures so many of them below `disk`.
    pub fn measure(disk: &Path, times_measured: u32) -> anyhow::Result<Self> {
        let place = NamedTempFile::new_in(disk)?;
        let mut file = File::create(place.path())?;
        let mut times: Histogram<u64> = Histogram::new(3)?;
        for _ in 0..times_measured {
            let began = Instant::now();
            file.write_all(&[7; 4_096])?;
            file.sync_data()?;
            times.record(u64::try_from(began.elapsed().as_nanos())?)?;
        }
        let micros = |quantile| times.value_at_quantile(quantile) as f64 / 1e3;
        Ok(Self { p50: micros(0.5), p99: micros(0.99) })
    }
}

//! The lanes: which test proves what.

/// One test program, or a part of one.
#[derive(Debug)]
pub struct Lane {
    /// What `--lane` calls it; `simulation` also means every lane that begins with `simulation-`.
    pub name: &'static str,
    /// The package.
    pub package: &'static str,
    /// The package's folder, from the root.
    pub folder: &'static str,
    /// The test program.
    pub test: &'static str,
    /// Words that select tests in it; none selects all.
    pub filter: &'static [&'static str],
}

const fn lane(
    name: &'static str,
    package: &'static str,
    folder: &'static str,
    test: &'static str,
    filter: &'static [&'static str],
) -> Lane {
    Lane { name, package, folder, test, filter }
}

const fn fuzz(name: &'static str, filter: &'static [&'static str]) -> Lane {
    lane(name, "fuzz", "fuzz", "replay", filter)
}

/// In the order in which they run.
pub const LANES: &[Lane] = &[
    lane("ledger", "ledger", "crates/ledger", "reference", &[]),
    lane("books", "store", "crates/store", "random_days", &[]),
    lane("store-kill", "store", "crates/store", "killed", &["a_process_killed_at_any_write_recovers"]),
    lane("store-errors", "store", "crates/store", "killed", &["a_disk_that_errs_admits_nothing"]),
    lane("power-cut", "store", "crates/store", "power_cut", &["a_power_cut_at_any_instant"]),
    lane("damage", "store", "crates/store", "power_cut", &["damage"]),
    lane("kill", "cli", "crates/cli", "crash_points", &["killed_at_any_call"]),
    lane("disk-errors", "cli", "crates/cli", "crash_points", &["with_a_disk_that_errs"]),
    lane("history", "store", "crates/store", "history", &[]),
    lane("orders-ledger", "ledger", "crates/ledger", "shuttle", &[]),
    lane("orders-gateway", "gateway", "crates/gateway", "shuttle", &[]),
    lane("simulation", "gateway", "crates/gateway", "simulation", &[]),
    lane("evil", "gateway", "crates/gateway", "evil", &[]),
    lane("connections", "cli", "crates/cli", "tls", &[]),
    lane("usable", "cli", "crates/cli", "usable", &[]),
    lane("compare", "cli", "crates/cli", "compare", &[]),
    lane("memory", "cli", "crates/cli", "memory", &[]),
    lane("bad-input", "cli", "crates/cli", "hostile", &[]),
    fuzz("fuzz-stream", &["stream"]),
    fuzz("fuzz-request", &["request"]),
    fuzz("fuzz-form", &["form"]),
    fuzz("fuzz-answer", &["answer"]),
    fuzz("fuzz-route", &["route"]),
    fuzz("fuzz-headers", &["headers"]),
    fuzz("fuzz-config", &["config"]),
    fuzz("fuzz-price_file", &["price_file"]),
    fuzz("fuzz-price_source", &["price_source"]),
    fuzz("fuzz-catalogue", &["catalogue"]),
    fuzz("fuzz-import", &["import"]),
];

//! Exit codes, documented in `mete --help` and docs/cli.md, stable for scripts and agents.

use server::AccessError;

/// All went well.
pub const OK: u8 = 0;
/// It failed, or the answer is "no": `verify` found violations, `doctor` found errors.
pub const FAILED: u8 = 1;
/// No server or data directory could be reached.
pub const UNREACHABLE: u8 = 3;
/// The server refused the request: no such thing, not allowed, invalid.
pub const REFUSED: u8 = 4;
/// `mete run`: a budget stopped the run, and the command failed.
pub const BUDGET: u8 = 75;

/// What the admin API refused, as an error of a command.
#[derive(Debug)]
pub struct ApiRefusal(pub String);

impl std::fmt::Display for ApiRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ApiRefusal {}

/// There is nothing in this directory to ask about.
#[derive(Debug)]
pub struct NoRecords(pub String);

impl std::fmt::Display for NoRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no data in {}; check --data, or start with `mete run` or `mete serve`", self.0)
    }
}

impl std::error::Error for NoRecords {}

/// The exit code of an error.
pub fn of(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<AccessError>().is_some() || error.downcast_ref::<NoRecords>().is_some() {
        return UNREACHABLE;
    }
    if error.downcast_ref::<ApiRefusal>().is_some() {
        return REFUSED;
    }
    FAILED
}

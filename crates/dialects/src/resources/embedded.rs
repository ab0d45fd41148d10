//! The tables that ship with Mete, unpacked once, when they are first needed.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use super::shape::{Shape, read_shapes};
use super::table::Table;

const PACKED: [(&str, &[u8]); 4] = [
    ("aws", include_bytes!("../../../../prices/resources/aws.csv.gz")),
    ("azure", include_bytes!("../../../../prices/resources/azure.csv.gz")),
    ("clouds", include_bytes!("../../../../prices/resources/clouds.csv.gz")),
    ("gcp", include_bytes!("../../../../prices/resources/gcp.csv.gz")),
];
const SHAPES: &str = include_str!("../../../../prices/resources/shapes.csv");

/// All prices of machine hours.
///
/// # Panics
/// When a shipped table can't be read; a test reads them all.
pub(super) fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::default();
        for (name, packed) in PACKED {
            let mut text = String::new();
            let unpacked = GzDecoder::new(packed).read_to_string(&mut text);
            unpacked.unwrap_or_else(|error| panic!("prices/resources/{name}.csv.gz: {error}"));
            table.add(&text).unwrap_or_else(|error| panic!("prices/resources/{name}.csv.gz: {error}"));
        }
        table
    })
}

/// What machines have, by seller and sku.
pub(super) fn shapes() -> &'static BTreeMap<(String, String), Shape> {
    static READ: OnceLock<BTreeMap<(String, String), Shape>> = OnceLock::new();
    READ.get_or_init(|| read_shapes(SHAPES))
}

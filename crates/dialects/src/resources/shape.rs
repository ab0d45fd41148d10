//! [`Shape`]: what a machine of a size has.

use std::collections::BTreeMap;

/// What a machine of a size has, as far as a source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Whose machine.
    pub seller: String,
    /// The size, as the seller writes it.
    pub sku: String,
    /// Virtual CPUs.
    pub vcpus: Option<u32>,
    /// Main memory in GiB, as a decimal text; empty when unknown.
    pub memory_gib: String,
    /// The GPU's (or other accelerator's) model.
    pub gpu: String,
    /// How many, as a whole number or a fraction such as `1/8`.
    pub gpus: String,
    /// Memory of one GPU in GB; `None` when unknown.
    pub gpu_memory_gb: Option<u32>,
    /// Who says so, and when.
    pub source: String,
}

impl Shape {
    /// Whether two machines have the same GPUs: model, count and memory, as far as both are known.
    #[must_use]
    pub fn has_gpus_of(&self, other: &Self) -> bool {
        let same_memory = match (self.gpu_memory_gb, other.gpu_memory_gb) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        self.gpu == other.gpu && self.gpus == other.gpus && same_memory
    }

    /// `8 × H100 80 GB`.
    #[must_use]
    pub fn gpus_text(&self) -> String {
        let memory = self.gpu_memory_gb.map_or(String::new(), |memory| format!(" {memory} GB"));
        format!("{} × {}{memory}", self.gpus, self.gpu)
    }
}

/// Reads `shapes.csv`; lines without eight cells aren't shapes.
pub(super) fn read_shapes(text: &str) -> BTreeMap<(String, String), Shape> {
    let mut shapes = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.splitn(8, ',').collect();
        let [seller, sku, vcpus, memory, gpu, gpus, gpu_memory, source] = cells.as_slice() else { continue };
        let shape = Shape {
            seller: (*seller).to_owned(),
            sku: (*sku).to_owned(),
            vcpus: vcpus.parse().ok(),
            memory_gib: (*memory).to_owned(),
            gpu: (*gpu).to_owned(),
            gpus: (*gpus).to_owned(),
            gpu_memory_gb: gpu_memory.parse().ok(),
            source: (*source).to_owned(),
        };
        shapes.insert((shape.seller.clone(), shape.sku.clone()), shape);
    }
    shapes
}

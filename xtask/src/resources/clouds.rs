//! The table of GPU clouds of April 2025: machines with their GPUs and, for clouds without a list of their own, prices.

use std::collections::BTreeMap;

use anyhow::Context as _;
use money::Decimal;

/// Machines of the table that make sense, and what was skipped.
pub struct Gpus {
    pub machines: Vec<Machine>,
    pub notes: Vec<String>,
}

/// One machine.
pub struct Machine {
    pub seller: &'static str,
    pub sku: String,
    pub gpu: String,
    pub gpus: u64,
    pub gpu_memory_gb: String,
    pub vcpus: String,
    pub memory_gib: String,
    pub on_demand: Option<Decimal>,
    pub spot: Option<Decimal>,
}

impl Machine {
    /// Whether the cloud's own list has its prices, and this table only its shapes.
    pub fn is_hyperscaler(&self) -> bool {
        matches!(self.seller, "aws" | "azure" | "gcp")
    }
}

const SELLERS: &[(&str, &str)] = &[
    ("AWS", "aws"),
    ("Azure", "azure"),
    ("GCP", "gcp"),
    ("CR8DL", "cr8dl"),
    ("Cudo Compute", "cudo"),
    ("Datacrunch", "datacrunch"),
    ("Dataoorts", "dataoorts"),
    ("Exoscale", "exoscale"),
    ("FluidStack", "fluidstack"),
    ("Jarvislabs", "jarvislabs"),
    ("Lambda", "lambda"),
    ("Latitude.sh", "latitude"),
    ("NovoNimbus", "novonimbus"),
    ("OVHcloud", "ovhcloud"),
    ("Oblivus Cloud", "oblivus"),
    ("Oracle Cloud", "oracle"),
    ("Paperspace", "paperspace"),
    ("RunPod", "runpod"),
];

/// A price that is this many times below the median of its GPU isn't the price of the whole GPU.
const BELOW_MEDIAN_MAX: i128 = 4;

pub fn read(table: &str) -> anyhow::Result<Gpus> {
    let mut gpus = Gpus { machines: Vec::new(), notes: Vec::new() };
    for line in table.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        match machine(line)? {
            Ok(machine) => gpus.machines.push(machine),
            Err(why) => gpus.notes.push(format!("cloud-gpus: skipped `{line}`: {why}")),
        }
    }
    let medians = medians(&gpus.machines);
    let is_whole = |machine: &Machine| {
        let Some(each) = each_micros(machine) else { return true };
        each * BELOW_MEDIAN_MAX >= medians.get(&model(machine)).copied().unwrap_or(0)
    };
    let (machines, absurd) = gpus.machines.into_iter().partition(is_whole);
    gpus.machines = machines;
    for machine in absurd {
        gpus.notes.push(format!("cloud-gpus: skipped {} {}: less than a quarter of the median of its GPU", machine.seller, machine.sku));
    }
    one_price_each(&mut gpus);
    Ok(gpus)
}

/// A line's machine, or why it makes no sense.
fn machine(line: &str) -> anyhow::Result<Result<Machine, String>> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [cloud, gpu, _, count, _, vcpus, memory, on_demand, per_gpu, spot, name] = cells.as_slice() else {
        return Ok(Err(format!("{} cells, not 11", cells.len())));
    };
    let seller = SELLERS.iter().find(|(known, _)| known == cloud).map(|(_, id)| *id).with_context(|| format!("cloud {cloud}"))?;
    let Ok(gpus) = count.parse::<u64>() else { return Ok(Err("no whole number of GPUs".to_owned())) };
    let price = |text: &str| if text.is_empty() { Ok(None) } else { Decimal::parse(text).map(Some).map_err(anyhow::Error::msg) };
    let (on_demand, per_gpu, spot) = (price(on_demand)?, price(per_gpu)?, price(spot)?);
    if on_demand.is_none() {
        return Ok(Err("no price on demand".to_owned()));
    }
    if !agree(on_demand, per_gpu, gpus) {
        return Ok(Err("the price of the machine and that of one GPU differ by more than a quarter".to_owned()));
    }
    if seller == "gcp" && name.starts_with("n1-") {
        return Ok(Err("a GPU attached to a machine whose own name doesn't say so".to_owned()));
    }
    let (gpu, gpu_memory_gb) = gpu_of(gpu);
    let exact = |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') { text.to_owned() } else { String::new() };
    let sku = sku(seller, name, &gpu, &gpu_memory_gb, gpus, vcpus);
    Ok(Ok(Machine { seller, sku, gpu, gpus, gpu_memory_gb, vcpus: exact(vcpus), memory_gib: exact(memory), on_demand, spot }))
}

/// Whether a machine's price is its GPUs' to within a quarter: the table adds CPUs and rounds, but no more than that.
fn agree(machine: Option<Decimal>, each: Option<Decimal>, gpus: u64) -> bool {
    let micros = |price: Option<Decimal>| price.and_then(|price| price.to_integer_at_scale(6));
    let (Some(machine), Some(each)) = (micros(machine), micros(each)) else { return true };
    let sum = each * i128::from(gpus);
    (machine - sum).abs() * 4 <= sum
}

/// `H100 HGX (80GB)` → `H100`, `80`.
fn gpu_of(text: &str) -> (String, String) {
    let (name, memory) = text.split_once('(').unwrap_or((text, ""));
    let memory: String = memory.chars().filter(char::is_ascii_digit).collect();
    let name = name.trim();
    match name {
        "H100 HGX" => ("H100".to_owned(), memory),
        "A10" => (name.to_owned(), "24".to_owned()),
        "RTX A6000" => ("A6000".to_owned(), memory),
        _ => (name.to_owned(), memory),
    }
}

/// The machine's own name, as the cloud's list writes it, or one made of what it has.
fn sku(seller: &str, name: &str, gpu: &str, memory: &str, gpus: u64, vcpus: &str) -> String {
    match (seller, name) {
        (_, "") => format!("{gpus}x-{}-{memory}gb-{vcpus}vcpu", gpu.to_lowercase().replace(' ', "-")),
        ("azure", _) => format!("Standard_{}", name.replace(' ', "_")),
        _ => name.replace(' ', "_"),
    }
}

fn model(machine: &Machine) -> (String, String) {
    (machine.gpu.clone(), machine.gpu_memory_gb.clone())
}

fn each_micros(machine: &Machine) -> Option<i128> {
    Some(machine.on_demand?.to_integer_at_scale(6)? / i128::from(machine.gpus.max(1)))
}

fn medians(machines: &[Machine]) -> BTreeMap<(String, String), i128> {
    let mut prices: BTreeMap<(String, String), Vec<i128>> = BTreeMap::new();
    for machine in machines {
        prices.entry(model(machine)).or_default().extend(each_micros(machine));
    }
    prices
        .into_iter()
        .map(|(model, mut prices)| {
            prices.sort_unstable();
            let middle = prices.get(prices.len() / 2).copied().unwrap_or(0);
            (model, middle)
        })
        .collect()
}

/// Of one cloud's machines with one name the dearest stays.
fn one_price_each(gpus: &mut Gpus) {
    let mut seen: BTreeMap<(&'static str, String), Machine> = BTreeMap::new();
    for machine in std::mem::take(&mut gpus.machines) {
        let key = (machine.seller, machine.sku.clone());
        let other = seen.get(&key).and_then(|other| other.on_demand);
        match (other.and_then(|price| price.to_integer_at_scale(6)), machine.on_demand.and_then(|price| price.to_integer_at_scale(6))) {
            (Some(have), Some(new)) if new <= have => {
                if new < have {
                    gpus.notes.push(format!("cloud-gpus: {} {} is listed twice; the dearer stands", key.0, key.1));
                }
            }
            _ => _ = seen.insert(key, machine),
        }
    }
    gpus.machines = seen.into_values().collect();
}

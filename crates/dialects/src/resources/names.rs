//! What a machine's name tells of it, for machines whose shape no table has: its class and its virtual CPUs. Memory is
//! never guessed; machines of one cloud, class, architecture and count of CPUs are alike as far as names go.

use super::Machine;

/// What the name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The family's purpose, and what else changes its memory: `m`, `standard`, `Dl`.
    pub class: String,
    /// Whether it is an Arm processor.
    pub is_arm: bool,
    /// Virtual CPUs.
    pub vcpus: u32,
}

pub(super) fn read(machine: &Machine) -> Option<Named> {
    match machine.seller.as_str() {
        "aws" => aws(&machine.sku),
        "azure" => azure(&machine.sku),
        "gcp" => gcp(&machine.sku),
        _ => None,
    }
}

/// Families whose sizes don't follow "N × xlarge has 4 N virtual CPUs", or which are sold for their accelerators.
const AWS_ODD: &[&str] = &["m1", "m2", "c1", "t1", "t2", "cc2", "cr1", "hs1", "i2", "f1", "f2"];

/// `m6g.2xlarge`: the letters before the generation are the class; `g` behind it is Arm; 8 virtual CPUs.
fn aws(sku: &str) -> Option<Named> {
    let (family, size) = sku.split_once('.')?;
    if AWS_ODD.contains(&family) || ["hpc", "mac", "u-", "p", "g", "inf", "trn", "dl", "vt"].iter().any(|odd| starts_class(family, odd)) {
        return None;
    }
    let class: String = family.chars().take_while(char::is_ascii_alphabetic).collect();
    let rest = &family[class.len()..];
    let vcpus = match size {
        "medium" => 1,
        "large" => 2,
        "xlarge" => 4,
        _ => size.strip_suffix("xlarge")?.parse::<u32>().ok()?.checked_mul(4)?,
    };
    // Burstable machines have two virtual CPUs below large.
    let vcpus = if class == "t" && size == "medium" { 2 } else { vcpus };
    let disks: String = rest.chars().skip_while(char::is_ascii_digit).filter(|letter| matches!(letter, 'd' | 'e' | 'b')).collect();
    Some(Named {
        class: format!("{class}{disks}"),
        is_arm: class == "a" || rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('g'),
        vcpus,
    })
}

fn starts_class(family: &str, class: &str) -> bool {
    family.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) || class.ends_with('-'))
}

/// `n2-highmem-8`, `c4-standard-16-lssd`: class and local disks, virtual CPUs.
fn gcp(sku: &str) -> Option<Named> {
    let parts: Vec<&str> = sku.split('-').collect();
    let [series, class, vcpus, rest @ ..] = parts.as_slice() else { return None };
    if ["a2", "a3", "g2", "g4"].contains(series) {
        return None;
    }
    let class = [&[*class], rest].concat().join("-");
    Some(Named { class, is_arm: ["t2a", "c4a", "n4a"].contains(series), vcpus: vcpus.parse().ok()? })
}

/// `Standard_D4ls_v5`: the family's letters, `l` (less memory) and `m` (more), `p` for Arm, virtual CPUs.
fn azure(sku: &str) -> Option<Named> {
    let name = sku.strip_prefix("Standard_")?;
    let size = name.split('_').next()?;
    let family: String = size.chars().take_while(char::is_ascii_uppercase).collect();
    let digits: String = size[family.len()..].chars().take_while(char::is_ascii_digit).collect();
    let letters = &size[family.len() + digits.len()..];
    // N is for GPUs, a dash for CPUs switched off; the first generations number sizes, not CPUs.
    if family.is_empty() || family.starts_with('N') || letters.contains('-') || !name.contains("_v") || name.ends_with("Promo") {
        return None;
    }
    if name.contains("_v2") && matches!(family.as_str(), "D" | "DS" | "A" | "F") && !family.starts_with('F') {
        return None;
    }
    let memory: String = letters.chars().filter(|letter| matches!(letter, 'l' | 'm' | 'b' | 'd')).collect();
    Some(Named { class: format!("{family}{memory}"), is_arm: letters.contains('p'), vcpus: digits.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_cpus_or_nothing() {
        for (seller, sku, expected) in [
            ("aws", "m5.xlarge", Some(("m", false, 4))),
            ("aws", "m6g.2xlarge", Some(("m", true, 8))),
            ("aws", "m6gd.2xlarge", Some(("md", true, 8))),
            ("aws", "c7i.24xlarge", Some(("c", false, 96))),
            ("aws", "t3.medium", Some(("t", false, 2))),
            ("aws", "m2.4xlarge", None),
            ("aws", "hpc6a.48xlarge", None),
            ("aws", "p5.48xlarge", None),
            ("aws", "m5.metal", None),
            ("aws", "u-6tb1.56xlarge", None),
            ("gcp", "n2-highmem-8", Some(("highmem", false, 8))),
            ("gcp", "c4a-standard-16-lssd", Some(("standard-lssd", true, 16))),
            ("gcp", "e2-micro", None),
            ("gcp", "a3-highgpu-8g", None),
            ("azure", "Standard_D4s_v5", Some(("D", false, 4))),
            ("azure", "Standard_D4ps_v5", Some(("D", true, 4))),
            ("azure", "Standard_D4ls_v5", Some(("Dl", false, 4))),
            ("azure", "Standard_E8-4s_v5", None),
            ("azure", "Standard_D2_v2", None),
            ("azure", "Standard_ND96isr_H100_v5", None),
            ("lambda", "gpu_8x_h100_sxm5", None),
        ] {
            let named = read(&Machine { seller: seller.to_owned(), sku: sku.to_owned() });
            let named = named.as_ref().map(|named| (named.class.as_str(), named.is_arm, named.vcpus));
            assert_eq!(named, expected, "{sku}");
        }
    }
}

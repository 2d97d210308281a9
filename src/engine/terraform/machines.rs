//! EC2's instance types as the embedded, dated table knows them.
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The table as its file has it; see data/SOURCES.md.
#[derive(Deserialize)]
struct Table {
    as_of: String,
    families: BTreeMap<String, Family>,
}

#[derive(Deserialize)]
struct Family {
    /// What to use instead, if AWS counts it as a previous generation.
    #[serde(default)]
    previous: Option<String>,
    /// GiB of memory for each vCPU, where sizes don't say it.
    #[serde(default)]
    gib_per_vcpu: Option<f64>,
    #[serde(default)]
    gpu: Option<String>,
    /// GiB of memory of one GPU.
    #[serde(default)]
    gpu_gib: Option<f64>,
    /// Accelerator that isn't NVIDIA's.
    #[serde(default)]
    neuron: bool,
    sizes: BTreeMap<String, Size>,
}

#[derive(Deserialize, Default)]
struct Size {
    #[serde(default)]
    gpus: u32,
    #[serde(default)]
    vcpu: Option<u32>,
    #[serde(default)]
    gib: Option<f64>,
}

/// What is known of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    pub name: String,
    /// The NVIDIA model, for types that have one.
    pub gpu: Option<&'static str>,
    pub gpus: u32,
    /// GiB of one GPU.
    pub gpu_gib: Option<f64>,
    pub vcpu: Option<u32>,
    pub gib: Option<f64>,
    pub previous: Option<&'static str>,
    /// Whether it carries AWS' own accelerators.
    pub neuron: bool,
}

/// Why a type isn't one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMachine {
    /// It isn't written as one: family, dot, size.
    Malformed,
    /// The family isn't in the table; the nearest that is.
    Family(Option<&'static str>),
    /// The family hasn't this size; those it has.
    Size(Vec<&'static str>),
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/instances.json")).unwrap_or_else(|_| Table { as_of: String::new(), families: BTreeMap::new() })
});

/// The month of the table.
pub fn as_of() -> &'static str {
    &TABLE.as_of
}

/// The type of a name such as `g6.xlarge`.
pub fn machine(name: &str) -> Result<Machine, NoMachine> {
    let (family_name, size_name) = name.split_once('.').filter(|(f, s)| !f.is_empty() && !s.is_empty()).ok_or(NoMachine::Malformed)?;
    let Some(family) = TABLE.families.get(family_name) else { return Err(NoMachine::Family(nearest(family_name))) };
    let Some(size) = family.sizes.get(size_name) else { return Err(NoMachine::Size(family.sizes.keys().map(String::as_str).collect())) };
    let vcpu = size.vcpu.or_else(|| usual_vcpu(size_name));
    Ok(Machine {
        name: name.to_owned(),
        gpu: family.gpu.as_deref(),
        gpus: size.gpus,
        gpu_gib: family.gpu_gib,
        vcpu,
        gib: size.gib.or_else(|| Some(f64::from(vcpu?) * family.gib_per_vcpu?)),
        previous: family.previous.as_deref(),
        neuron: family.neuron,
    })
}

/// Whether a type carries NVIDIA GPUs.
pub fn has_gpu(name: &str) -> bool {
    machine(name).is_ok_and(|m| m.gpu.is_some())
}

/// `4xlarge` has 16 vCPUs in every family that doesn't say otherwise.
fn usual_vcpu(size: &str) -> Option<u32> {
    match size {
        "medium" => Some(1),
        "large" => Some(2),
        "xlarge" => Some(4),
        _ => size.strip_suffix("xlarge").and_then(|n| n.parse::<u32>().ok()).map(|n| n * 4),
    }
}

fn nearest(wrong: &str) -> Option<&'static str> {
    let distance = |f: &&String| strsim::damerau_levenshtein(f, wrong);
    TABLE.families.keys().min_by_key(distance).filter(|f| distance(f) <= 2).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_knows_what_gpus_a_type_has() {
        let l4 = machine("g6.xlarge").unwrap();
        assert_eq!((l4.gpu, l4.gpus, l4.gpu_gib, l4.vcpu, l4.gib), (Some("NVIDIA L4"), 1, Some(24.0), Some(4), Some(16.0)));
        let h100 = machine("p5.48xlarge").unwrap();
        assert_eq!((h100.gpu, h100.gpus, h100.vcpu, h100.gib), (Some("NVIDIA H100"), 8, Some(192), Some(2048.0)));
        assert_eq!(machine("m7i.4xlarge").unwrap().gib, Some(64.0));
        assert!(machine("p3.2xlarge").unwrap().previous.is_some());
    }

    #[test]
    fn what_is_no_type_is_said_with_the_reason() {
        assert_eq!(machine("g6"), Err(NoMachine::Malformed));
        assert_eq!(machine("gg6.xlarge"), Err(NoMachine::Family(Some("g6"))));
        assert!(matches!(machine("g6.3xlarge"), Err(NoMachine::Size(_))));
    }
}

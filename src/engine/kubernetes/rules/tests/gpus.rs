//! Rules about GPUs and what runs on them, over hand-ins near their limits.
use super::said;

/// A pod with these limits and these fields of its spec.
fn pod(limits: &str, fields: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: chat}}\nspec:\n  containers: [{{name: a, image: a:1, resources: {{limits: {{{limits}}}}}}}]\n{fields}"
    )
}

fn affinity(operator: &str, values: &str) -> String {
    format!(
        "  affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{{matchExpressions: [{{key: nvidia.com/gpu.product, operator: {operator}, values: [{values}]}}]}}]}}}}}}\n"
    )
}

#[test]
fn a_mig_slice_is_one_of_the_card_that_is_selected() {
    for (profile, product, wrong) in [
        ("1g.10gb", "", ""),
        ("7g.144gb", "", ""),
        ("1g.24gb.me", "", ""),
        ("4g.96gb.gfx", "", ""),
        ("1g.24gb-me", "", ""),
        ("2g.48gb.me.all", "", ""),
        ("7g.189gb", "", ""),
        ("7g.190gb", "", "no card has the MIG slice `7g.190gb`; did you mean"),
        ("1g.5gb", "NVIDIA-A100-SXM4-40GB", ""),
        ("1g.36gb", "NVIDIA-GH200-144G-HBM3e", ""),
        ("3g.95gb", "NVIDIA-GB200", ""),
        ("2g.48gb", "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", ""),
        ("1g.5gb", "NVIDIA-A100-SXM4-80GB", "`NVIDIA-A100-SXM4-80GB` has no MIG slice `1g.5gb`; did you mean `nvidia.com/mig-1g."),
        ("3g.40gb", "NVIDIA-A100-SXM4-40GB", "`NVIDIA-A100-SXM4-40GB` has no MIG slice `3g.40gb`; did you mean `nvidia.com/mig-3g.20gb`?"),
        ("1g.10gb", "NVIDIA-L4", "`NVIDIA-L4` can't be cut into MIG slices"),
        ("1g.10gb", "NVIDIA-X900", ""),
        ("1g.5gb", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "nodes of `NVIDIA-A100-SXM4-40GB-MIG-1g.5gb` count their slices as `nvidia.com/gpu`"),
    ] {
        let selector = if product.is_empty() { String::new() } else { format!("  nodeSelector: {{nvidia.com/gpu.product: {product}}}\n") };
        let said = said("gpu-mig-name", &pod(&format!("nvidia.com/mig-{profile}: 1"), &selector));
        if wrong.is_empty() {
            assert!(said.is_empty(), "{profile} on {product}: {said:?}");
        } else {
            assert!(said.len() == 1 && said[0].starts_with(wrong), "{profile} on {product}: {said:?}");
        }
    }
    for (operator, products, problems) in [
        ("In", "NVIDIA-A100-SXM4-40GB, NVIDIA-A100-SXM4-80GB", 0),
        ("In", "NVIDIA-A100-SXM4-80GB, NVIDIA-H200", 1),
        ("In", "NVIDIA-L4, NVIDIA-A10", 1),
        ("In", "NVIDIA-L4, NVIDIA-X900", 0),
        ("NotIn", "NVIDIA-L4", 0),
    ] {
        let said = said("gpu-mig-name", &pod("nvidia.com/mig-1g.5gb: 1", &affinity(operator, products)));
        assert_eq!(said.len(), problems, "{operator} {products}: {said:?}");
    }
}

#[test]
fn a_product_may_be_shared_or_cut_into_slices_that_it_has() {
    for (product, wrong) in [
        ("NVIDIA-L4", ""),
        ("NVIDIA-L4-SHARED", ""),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", ""),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb-SHARED", ""),
        ("NVIDIA-A100-SXM4-40GB-MIG-3g.40gb", "no GPU product is called `NVIDIA-A100-SXM4-40GB-MIG-3g.40gb`"),
        ("NVIDIA-L4-MIG-1g.5gb", "no GPU product is called `NVIDIA-L4-MIG-1g.5gb`"),
        ("NVIDIA-L4-SHARD", "no GPU product is called `NVIDIA-L4-SHARD`"),
        ("NVIDIA-A10G-SHARED-MIG-1g.5gb", "no GPU product is called"),
        (
            "NVIDIA-A100-SXM-40GB-MIG-1g.5gb",
            "no GPU product is called `NVIDIA-A100-SXM-40GB-MIG-1g.5gb`; did you mean `NVIDIA-A100-SXM4-40GB-MIG-1g.5gb`?",
        ),
        ("nvidia-l4-SHARED", "no GPU product is called `nvidia-l4-SHARED`; did you mean `NVIDIA-L4-SHARED`?"),
    ] {
        let said = said("gpu-product-known", &pod("nvidia.com/gpu: 1", &format!("  nodeSelector: {{nvidia.com/gpu.product: {product}}}\n")));
        if wrong.is_empty() {
            assert!(said.is_empty(), "{product}: {said:?}");
        } else {
            assert!(said.len() == 1 && said[0].starts_with(wrong), "{product}: {said:?}");
        }
    }
}

#[test]
fn a_roll_out_fits_into_the_quota_or_gives_a_gpu_back_first() {
    const SPARE: &str = "each roll-out of Deployment `chat` needs a spare GPU";
    const FULL: &str = "a roll-out of Deployment `chat` stands still: with its new pods it needs";
    for (replicas, strategy, quota, wrong) in [
        (2, "", "", SPARE),
        (3, "", "", SPARE),
        // A quarter of four pods may be missing.
        (4, "", "", ""),
        (4, "{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", "", SPARE),
        (2, "{rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}", "", ""),
        (2, "{rollingUpdate: {maxSurge: 0}}", "", ""),
        (2, "{rollingUpdate: {maxSurge: 0%}}", "", ""),
        (2, "{type: Recreate}", "", ""),
        (0, "", "", ""),
        (2, "", "requests.nvidia.com/gpu: 2", FULL),
        (2, "", "requests.nvidia.com/gpu: 3", ""),
        (2, "{rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}", "requests.nvidia.com/gpu: 3", FULL),
        (2, "{rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", "requests.nvidia.com/gpu: 2", ""),
        (2, "", "requests.cpu: 2", SPARE),
    ] {
        let strategy = if strategy.is_empty() { String::new() } else { format!("  strategy: {strategy}\n") };
        let quota = if quota.is_empty() {
            String::new()
        } else {
            format!("---\nkind: ResourceQuota\nmetadata: {{name: team}}\nspec: {{hard: {{{quota}}}}}\n")
        };
        let both = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: chat}}\nspec:\n  replicas: {replicas}\n{strategy}  template: {{spec: {{containers: [{{name: a, image: a:1, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]}}}}\n{quota}"
        );
        let said = said("gpu-recreate", &both);
        if wrong.is_empty() {
            assert!(said.is_empty(), "{both}: {said:?}");
        } else {
            assert!(said.len() == 1 && said[0].starts_with(wrong), "{both}: {said:?}");
        }
    }
    let others = "kind: Deployment\nmetadata: {name: chat}\nspec: {template: {spec: {containers: [{name: a, resources: {limits: {nvidia.com/gpu: 2}}}]}}}\n---\nkind: StatefulSet\nmetadata: {name: index}\nspec: {replicas: 2, template: {spec: {containers: [{name: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}}\n---\nkind: ResourceQuota\nmetadata: {name: team}\nspec: {hard: {requests.nvidia.com/gpu: 5}}\n";
    assert_eq!(
        said("gpu-recreate", others),
        ["a roll-out of Deployment `chat` stands still: with its new pods it needs 6 GPUs, and ResourceQuota `team` has 5"]
    );
}

//! Metrics that GPU nodes, model servers and clusters give, for "did you mean" and to tell gauges from counters. An unknown name is no fault.
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Gauge,
    Counter,
    Histogram,
}

/// NVIDIA/dcgm-exporter, `etc/default-counters.csv` and `etc/dcp-metrics-included.csv`, the commented ones too; further fields from NVIDIA/DCGM, `dcgmlib/dcgm_fields.h`;
/// the exporter's own `DCGM_EXP_…` from its `internal/pkg/counters`.
#[rustfmt::skip]
const DCGM: &[(&str, Type)] = &[
    ("DCGM_FI_DEV_SM_CLOCK", Type::Gauge), ("DCGM_FI_DEV_MEM_CLOCK", Type::Gauge), ("DCGM_FI_DEV_MEMORY_TEMP", Type::Gauge), ("DCGM_FI_DEV_GPU_TEMP", Type::Gauge),
    ("DCGM_FI_DEV_POWER_USAGE", Type::Gauge), ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Type::Counter), ("DCGM_FI_DEV_PCIE_TX_THROUGHPUT", Type::Counter),
    ("DCGM_FI_DEV_PCIE_RX_THROUGHPUT", Type::Counter), ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", Type::Counter), ("DCGM_FI_DEV_GPU_UTIL", Type::Gauge),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", Type::Gauge), ("DCGM_FI_DEV_ENC_UTIL", Type::Gauge), ("DCGM_FI_DEV_DEC_UTIL", Type::Gauge), ("DCGM_FI_DEV_XID_ERRORS", Type::Gauge),
    ("DCGM_FI_DEV_POWER_VIOLATION", Type::Counter), ("DCGM_FI_DEV_THERMAL_VIOLATION", Type::Counter), ("DCGM_FI_DEV_SYNC_BOOST_VIOLATION", Type::Counter),
    ("DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", Type::Counter), ("DCGM_FI_DEV_LOW_UTIL_VIOLATION", Type::Counter), ("DCGM_FI_DEV_RELIABILITY_VIOLATION", Type::Counter),
    ("DCGM_FI_DEV_FB_FREE", Type::Gauge), ("DCGM_FI_DEV_FB_USED", Type::Gauge), ("DCGM_FI_DEV_FB_RESERVED", Type::Gauge), ("DCGM_FI_DEV_FB_TOTAL", Type::Gauge),
    ("DCGM_FI_DEV_FB_USED_PERCENT", Type::Gauge), ("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", Type::Counter), ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", Type::Counter),
    ("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", Type::Counter), ("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", Type::Counter), ("DCGM_FI_DEV_RETIRED_SBE", Type::Counter),
    ("DCGM_FI_DEV_RETIRED_DBE", Type::Counter), ("DCGM_FI_DEV_RETIRED_PENDING", Type::Counter), ("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", Type::Counter),
    ("DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", Type::Counter), ("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", Type::Counter),
    ("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", Type::Counter), ("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", Type::Counter), ("DCGM_FI_DEV_NVLINK_BANDWIDTH_L0", Type::Counter),
    ("DCGM_FI_DEV_VGPU_LICENSE_STATUS", Type::Gauge), ("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", Type::Counter), ("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", Type::Counter),
    ("DCGM_FI_DEV_ROW_REMAP_FAILURE", Type::Gauge), ("DCGM_FI_DEV_ROW_REMAP_PENDING", Type::Gauge), ("DCGM_FI_DEV_POWER_MGMT_LIMIT", Type::Gauge),
    ("DCGM_FI_DEV_SLOWDOWN_TEMP", Type::Gauge), ("DCGM_FI_DEV_SHUTDOWN_TEMP", Type::Gauge), ("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", Type::Gauge),
    ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", Type::Gauge), ("DCGM_FI_DEV_FAN_SPEED", Type::Gauge), ("DCGM_FI_DEV_PSTATE", Type::Gauge), ("DCGM_FI_DEV_COUNT", Type::Gauge),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Type::Gauge), ("DCGM_FI_PROF_SM_ACTIVE", Type::Gauge), ("DCGM_FI_PROF_SM_OCCUPANCY", Type::Gauge),
    ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", Type::Gauge), ("DCGM_FI_PROF_DRAM_ACTIVE", Type::Gauge), ("DCGM_FI_PROF_PIPE_FP64_ACTIVE", Type::Gauge),
    ("DCGM_FI_PROF_PIPE_FP32_ACTIVE", Type::Gauge), ("DCGM_FI_PROF_PIPE_FP16_ACTIVE", Type::Gauge), ("DCGM_FI_PROF_PCIE_TX_BYTES", Type::Gauge),
    ("DCGM_FI_PROF_PCIE_RX_BYTES", Type::Gauge), ("DCGM_FI_PROF_NVLINK_TX_BYTES", Type::Gauge), ("DCGM_FI_PROF_NVLINK_RX_BYTES", Type::Gauge),
    ("DCGM_EXP_XID_ERRORS_COUNT", Type::Gauge), ("DCGM_EXP_XID_ERRORS_TOTAL", Type::Counter), ("DCGM_EXP_CLOCK_EVENTS_TOTAL", Type::Counter),
    ("DCGM_EXP_P2P_STATUS", Type::Gauge), ("DCGM_EXP_CLOCK_EVENTS_COUNT", Type::Gauge), ("DCGM_EXP_GPU_HEALTH_STATUS", Type::Gauge),
];

/// vllm-project/vllm, `vllm/v1/metrics/loggers.py`; the client adds `_total` to counters. `num_requests_swapped` and `cpu_cache_usage_perc` were its first engine's.
#[rustfmt::skip]
const VLLM: &[(&str, Type)] = &[
    ("vllm:num_requests_running", Type::Gauge), ("vllm:num_requests_waiting", Type::Gauge), ("vllm:num_requests_waiting_by_reason", Type::Gauge), ("vllm:num_requests_swapped", Type::Gauge),
    ("vllm:kv_cache_usage_perc", Type::Gauge), ("vllm:gpu_cache_usage_perc", Type::Gauge), ("vllm:cpu_cache_usage_perc", Type::Gauge),
    ("vllm:lora_requests_info", Type::Gauge), ("vllm:cache_config_info", Type::Gauge), ("vllm:engine_sleep_state", Type::Gauge),
    ("vllm:prefix_cache_queries_total", Type::Counter), ("vllm:prefix_cache_hits_total", Type::Counter), ("vllm:gpu_prefix_cache_queries_total", Type::Counter),
    ("vllm:gpu_prefix_cache_hits_total", Type::Counter), ("vllm:num_preemptions_total", Type::Counter), ("vllm:prompt_tokens_total", Type::Counter),
    ("vllm:generation_tokens_total", Type::Counter), ("vllm:request_success_total", Type::Counter),
    ("vllm:request_prompt_tokens", Type::Histogram), ("vllm:request_generation_tokens", Type::Histogram), ("vllm:iteration_tokens_total", Type::Histogram),
    ("vllm:request_max_num_generation_tokens", Type::Histogram), ("vllm:request_params_n", Type::Histogram), ("vllm:request_params_max_tokens", Type::Histogram),
    ("vllm:time_to_first_token_seconds", Type::Histogram), ("vllm:time_per_output_token_seconds", Type::Histogram), ("vllm:inter_token_latency_seconds", Type::Histogram),
    ("vllm:request_time_per_output_token_seconds", Type::Histogram), ("vllm:e2e_request_latency_seconds", Type::Histogram), ("vllm:request_queue_time_seconds", Type::Histogram),
    ("vllm:request_inference_time_seconds", Type::Histogram), ("vllm:request_prefill_time_seconds", Type::Histogram), ("vllm:request_decode_time_seconds", Type::Histogram),
];

/// kubernetes/kube-state-metrics, `docs/metrics`, and what the kubelet and the node exporter are asked for most. Far from all, so only a slip of one letter is told.
#[rustfmt::skip]
const CLUSTER: &[(&str, Type)] = &[
    ("up", Type::Gauge), ("kube_pod_info", Type::Gauge), ("kube_pod_labels", Type::Gauge), ("kube_pod_status_phase", Type::Gauge), ("kube_pod_status_ready", Type::Gauge),
    ("kube_pod_status_reason", Type::Gauge), ("kube_pod_status_unschedulable", Type::Gauge), ("kube_pod_container_status_restarts_total", Type::Counter),
    ("kube_pod_container_status_waiting_reason", Type::Gauge), ("kube_pod_container_status_terminated_reason", Type::Gauge),
    ("kube_pod_container_status_last_terminated_reason", Type::Gauge), ("kube_pod_container_resource_requests", Type::Gauge), ("kube_pod_container_resource_limits", Type::Gauge),
    ("kube_deployment_spec_replicas", Type::Gauge), ("kube_deployment_status_replicas", Type::Gauge), ("kube_deployment_status_replicas_available", Type::Gauge),
    ("kube_deployment_status_replicas_unavailable", Type::Gauge), ("kube_node_status_allocatable", Type::Gauge), ("kube_node_status_capacity", Type::Gauge),
    ("kube_node_status_condition", Type::Gauge), ("kube_node_spec_unschedulable", Type::Gauge), ("kube_node_labels", Type::Gauge), ("kube_job_status_failed", Type::Gauge),
    ("kube_job_status_succeeded", Type::Gauge), ("kube_resourcequota", Type::Gauge), ("kube_horizontalpodautoscaler_status_current_replicas", Type::Gauge),
    ("kube_horizontalpodautoscaler_spec_max_replicas", Type::Gauge), ("container_cpu_usage_seconds_total", Type::Counter), ("container_memory_working_set_bytes", Type::Gauge),
    ("container_cpu_cfs_throttled_periods_total", Type::Counter), ("container_cpu_cfs_periods_total", Type::Counter), ("container_oom_events_total", Type::Counter),
    ("node_cpu_seconds_total", Type::Counter), ("node_memory_MemAvailable_bytes", Type::Gauge), ("node_memory_MemTotal_bytes", Type::Gauge),
    ("node_filesystem_avail_bytes", Type::Gauge), ("node_filesystem_size_bytes", Type::Gauge), ("node_load1", Type::Gauge), ("kueue_pending_workloads", Type::Gauge),
];

/// The functions of PromQL, for "did you mean"; from prometheus.io/docs/prometheus/latest/querying/functions.
#[rustfmt::skip]
pub const FUNCTIONS: &[&str] = &[
    "abs", "absent", "absent_over_time", "avg_over_time", "ceil", "changes", "clamp", "clamp_max", "clamp_min", "count_over_time", "day_of_month", "day_of_week", "day_of_year",
    "days_in_month", "delta", "deriv", "exp", "floor", "histogram_quantile", "holt_winters", "hour", "idelta", "increase", "irate", "label_join", "label_replace", "last_over_time",
    "ln", "log10", "log2", "max_over_time", "min_over_time", "minute", "month", "predict_linear", "present_over_time", "quantile_over_time", "rate", "resets", "round", "scalar",
    "sgn", "sort", "sort_desc", "sqrt", "stddev_over_time", "stdvar_over_time", "sum_over_time", "time", "timestamp", "vector", "year", "sum", "avg", "min", "max", "count",
    "stddev", "topk", "bottomk", "quantile", "group", "count_values",
];

fn all() -> impl Iterator<Item = &'static (&'static str, Type)> {
    [DCGM, VLLM, CLUSTER].into_iter().flatten()
}

/// What a metric is, if the lists say.
pub fn type_of(name: &str) -> Option<Type> {
    all().find(|(n, _)| *n == name).map(|(_, t)| *t)
}

/// What a series's name says of it: a counter, or a histogram's buckets.
pub fn counts(name: &str) -> bool {
    name.ends_with("_total") && type_of(name) != Some(Type::Histogram) || (type_of(name) == Some(Type::Counter) && !name.starts_with("DCGM_"))
}

/// The name that was meant by one that isn't there, if it is very near.
pub fn meant(name: &str) -> Option<String> {
    if type_of(name).is_some() || name.len() > 100 || all().any(|(n, t)| *t == Type::Histogram && series(n).any(|s| s == name)) {
        return None;
    }
    let total = format!("{name}_total");
    if type_of(&total).is_some() {
        return Some(total);
    }
    let lower = name.to_lowercase();
    let of_family = |family: &'static [(&'static str, Type)], begins: Range<usize>, most: usize| {
        family
            .iter()
            .flat_map(|(n, t)| if *t == Type::Histogram { series(n).collect() } else { vec![(*n).to_string()] })
            .filter(|n| lower.get(begins.clone()) == n.to_lowercase().get(begins.clone()))
            .filter(|n| without_digits(n) != without_digits(name) || n.len() == name.len() && n.to_lowercase() == lower)
            .map(|n| (strsim::osa_distance(&lower, &n.to_lowercase()), n))
            .filter(|(d, _)| *d <= most)
            .min()
            .map(|(_, n)| n)
    };
    if lower.starts_with("dcgm") {
        return of_family(DCGM, 0..4, 2);
    }
    if lower.starts_with("vllm") {
        return of_family(VLLM, 0..4, 2);
    }
    let begins = 0..lower.find('_').unwrap_or(0);
    // Without the shared beginning a name is another's.
    if begins.is_empty() { None } else { of_family(CLUSTER, begins, 1) }
}

/// The series of a histogram.
pub fn series(name: &str) -> impl Iterator<Item = String> {
    ["_bucket", "_sum", "_count"].into_iter().map(move |s| format!("{name}{s}"))
}

/// `L0` and `L1` are two links, not one and a slip.
fn without_digits(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

pub fn is_gauge(name: &str) -> bool {
    type_of(name) == Some(Type::Gauge)
}

#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _)| *name)
}

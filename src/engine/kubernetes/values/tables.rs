//! The words and numbers that fields may hold where the published schema says only "string" or "integer".

/// No upper bound.
pub const ANY: i64 = i64::MAX;

/// The last two parts of a definition's name: `v1.Container`.
pub fn short(definition: &str) -> &str {
    let mut dots = definition.rmatch_indices('.').map(|(at, _)| at);
    dots.nth(1).map_or(definition, |at| &definition[at + 1..])
}

const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
const OPERATORS: &[&str] = &["In", "NotIn", "Exists", "DoesNotExist"];
const ACCESS: &[&str] = &["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];

/// The words a field may hold. From the types and validation of k8s.io/api and k8s.io/kubernetes/pkg/apis.
pub fn options(definition: &str, field: &str) -> Option<&'static [&'static str]> {
    Some(match (definition, field) {
        ("v1.Container" | "v1.EphemeralContainer", "imagePullPolicy") => &["Always", "IfNotPresent", "Never"],
        ("v1.Container", "restartPolicy") => &["Always", "Never", "OnFailure"],
        ("v1.ContainerResizePolicy", "resourceName") => &["cpu", "memory"],
        ("v1.ContainerResizePolicy", "restartPolicy") => &["NotRequired", "RestartContainer"],
        ("v1.VolumeMount", "mountPropagation") => &["None", "HostToContainer", "Bidirectional"],
        ("v1.VolumeMount", "recursiveReadOnly") => &["Disabled", "IfPossible", "Enabled"],
        ("v1.PodOS", "name") => &["linux", "windows"],
        ("v1.SecurityContext", "procMount") => &["Default", "Unmasked"],
        ("v1.PodSecurityContext", "fsGroupChangePolicy") => &["Always", "OnRootMismatch"],
        ("v1.PodSecurityContext", "supplementalGroupsPolicy") => &["Merge", "Strict"],
        ("v1.PodSecurityContext", "seLinuxChangePolicy") => &["MountOption", "Recursive"],
        ("v1.TopologySpreadConstraint", "nodeAffinityPolicy" | "nodeTaintsPolicy") => &["Honor", "Ignore"],
        ("v1.ServiceSpec", "ipFamilies") => &["IPv4", "IPv6"],
        ("v1.ServiceSpec", "trafficDistribution") => &["PreferClose", "PreferSameZone", "PreferSameNode"],
        ("v1.StatefulSetPersistentVolumeClaimRetentionPolicy", "whenDeleted" | "whenScaled") => &["Retain", "Delete"],
        ("v1.JobSpec", "podReplacementPolicy") => &["TerminatingOrFailed", "Failed"],
        ("v1.PodFailurePolicyRule", "action") => &["Count", "FailIndex", "FailJob", "Ignore"],
        ("v1.PodFailurePolicyOnExitCodesRequirement", "operator") => &["In", "NotIn"],
        ("v1.PodFailurePolicyOnPodConditionsPattern", "status") => &["True", "False", "Unknown"],
        ("v1.ScopedResourceSelectorRequirement", "operator") => OPERATORS,
        ("v1.CustomResourceDefinitionSpec", "scope") => &["Cluster", "Namespaced"],
        ("v1.Container", "terminationMessagePolicy") => &["File", "FallbackToLogsOnError"],
        ("v1.PodSpec", "restartPolicy") => &["Always", "OnFailure", "Never"],
        ("v1.PodSpec", "dnsPolicy") => &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        ("v1.PodSpec" | "v1.PriorityClass", "preemptionPolicy") => &["PreemptLowerPriority", "Never"],
        ("v1.ContainerPort" | "v1.ServicePort" | "v1.NetworkPolicyPort", "protocol") => PROTOCOLS,
        ("v1.ServiceSpec", "type") => &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
        ("v1.ServiceSpec", "sessionAffinity") => &["None", "ClientIP"],
        ("v1.ServiceSpec", "externalTrafficPolicy" | "internalTrafficPolicy") => &["Cluster", "Local"],
        ("v1.ServiceSpec", "ipFamilyPolicy") => &["SingleStack", "PreferDualStack", "RequireDualStack"],
        ("v1.DeploymentStrategy", "type") => &["RollingUpdate", "Recreate"],
        ("v1.StatefulSetUpdateStrategy" | "v1.DaemonSetUpdateStrategy", "type") => &["RollingUpdate", "OnDelete"],
        ("v1.StatefulSetSpec", "podManagementPolicy") => &["OrderedReady", "Parallel"],
        ("v1.Toleration", "operator") => &["", "Equal", "Exists", "Lt", "Gt"],
        ("v1.Toleration", "effect") => &["", "NoSchedule", "PreferNoSchedule", "NoExecute"],
        ("v1.Taint", "effect") => &["NoSchedule", "PreferNoSchedule", "NoExecute"],
        ("v1.NodeSelectorRequirement", "operator") => &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"],
        ("v1.LabelSelectorRequirement", "operator") => OPERATORS,
        ("v1.TopologySpreadConstraint", "whenUnsatisfiable") => &["DoNotSchedule", "ScheduleAnyway"],
        ("v1.HTTPGetAction", "scheme") => &["HTTP", "HTTPS"],
        ("v1.EmptyDirVolumeSource", "medium") => &["Memory", "", "HugePages", "HugePages-2Mi", "HugePages-1Gi"],
        ("v1.HostPathVolumeSource", "type") => &["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"],
        ("v1.PersistentVolumeClaimSpec" | "v1.PersistentVolumeSpec", "accessModes") => ACCESS,
        ("v1.PersistentVolumeClaimSpec" | "v1.PersistentVolumeSpec", "volumeMode") => &["Filesystem", "Block"],
        ("v1.SeccompProfile" | "v1.AppArmorProfile", "type") => &["RuntimeDefault", "Localhost", "Unconfined"],
        ("v1.NetworkPolicySpec", "policyTypes") => &["Ingress", "Egress"],
        ("v1.CronJobSpec", "concurrencyPolicy") => &["Allow", "Forbid", "Replace"],
        ("v1.JobSpec", "completionMode") => &["NonIndexed", "Indexed"],
        ("v1.PodDisruptionBudgetSpec", "unhealthyPodEvictionPolicy") => &["IfHealthyBudget", "AlwaysAllow"],
        ("v2.MetricSpec", "type") => &["Resource", "Pods", "Object", "External", "ContainerResource"],
        ("v2.MetricTarget", "type") => &["Utilization", "Value", "AverageValue"],
        ("v2.HPAScalingRules", "selectPolicy") => &["Max", "Min", "Disabled"],
        ("v2.HPAScalingPolicy", "type") => &["Pods", "Percent"],
        ("v1.HTTPIngressPath", "pathType") => &["Exact", "Prefix", "ImplementationSpecific"],
        ("v1.LimitRangeItem", "type") => &["Container", "Pod", "PersistentVolumeClaim"],
        ("v1.RoleRef", "kind") => &["Role", "ClusterRole"],
        ("v1.Subject", "kind") => &["ServiceAccount", "User", "Group"],
        ("v1.StorageClass", "volumeBindingMode") => &["Immediate", "WaitForFirstConsumer"],
        ("v1.StorageClass", "reclaimPolicy") => &["Delete", "Retain"],
        ("v1.PersistentVolumeSpec", "persistentVolumeReclaimPolicy") => &["Retain", "Delete", "Recycle"],
        _ => return None,
    })
}

/// The least and the most a number may be.
pub fn bounds(definition: &str, field: &str) -> Option<(i64, i64)> {
    Some(match (definition, field) {
        ("v1.ContainerPort", "containerPort") | ("v1.ServicePort", "port") => (1, 65_535),
        ("v1.ContainerPort", "hostPort") => (0, 65_535),
        ("v1.ServicePort", "nodePort") => (30_000, 32_767),
        ("v1.HTTPGetAction" | "v1.TCPSocketAction" | "v1.GRPCAction" | "v1.NetworkPolicyPort", "port") | ("v1.ServicePort", "targetPort") => {
            (1, 65_535)
        }
        ("v1.ServiceBackendPort", "number") => (1, 65_535),
        ("v1.DeploymentSpec" | "v1.ReplicaSetSpec" | "v1.StatefulSetSpec" | "v1.ReplicationControllerSpec", "replicas") => (0, ANY),
        ("v1.DeploymentSpec" | "v1.StatefulSetSpec" | "v1.DaemonSetSpec", "revisionHistoryLimit" | "minReadySeconds") => (0, ANY),
        ("v1.DeploymentSpec", "progressDeadlineSeconds") => (1, ANY),
        ("v1.Probe", "initialDelaySeconds" | "periodSeconds" | "timeoutSeconds" | "successThreshold" | "failureThreshold") => (0, ANY),
        ("v1.Probe", "terminationGracePeriodSeconds") => (1, ANY),
        ("v1.PodSpec", "activeDeadlineSeconds") => (1, 2_147_483_647),
        (
            "v1.JobSpec",
            "activeDeadlineSeconds"
            | "parallelism"
            | "completions"
            | "backoffLimit"
            | "ttlSecondsAfterFinished"
            | "backoffLimitPerIndex"
            | "maxFailedIndexes",
        ) => (0, ANY),
        ("v1.SuccessPolicyRule", "succeededCount") => (0, ANY),
        ("v1.RollingUpdateStatefulSetStrategy", "partition") | ("v1.StatefulSetOrdinals", "start") => (0, ANY),
        ("v1.SecretVolumeSource" | "v1.ConfigMapVolumeSource" | "v1.DownwardAPIVolumeSource" | "v1.ProjectedVolumeSource", "defaultMode")
        | ("v1.KeyToPath" | "v1.DownwardAPIVolumeFile", "mode") => (0, 0o777),
        ("v1.CronJobSpec", "startingDeadlineSeconds" | "successfulJobsHistoryLimit" | "failedJobsHistoryLimit") => (0, ANY),
        ("v2.HorizontalPodAutoscalerSpec" | "v1.HorizontalPodAutoscalerSpec", "maxReplicas") => (1, ANY),
        ("v2.HorizontalPodAutoscalerSpec" | "v1.HorizontalPodAutoscalerSpec", "minReplicas") => (0, ANY),
        ("v2.MetricTarget", "averageUtilization") => (1, ANY),
        ("v2.HPAScalingRules", "stabilizationWindowSeconds") => (0, 3600),
        ("v2.HPAScalingPolicy", "periodSeconds") => (1, 1800),
        ("v2.HPAScalingPolicy", "value") | ("v1.TopologySpreadConstraint", "maxSkew" | "minDomains") => (1, ANY),
        ("v1.SecurityContext" | "v1.PodSecurityContext", "runAsUser" | "runAsGroup" | "fsGroup" | "supplementalGroups") => (0, 2_147_483_647),
        ("v1.PreferredSchedulingTerm" | "v1.WeightedPodAffinityTerm", "weight") => (1, 100),
        ("v1.PriorityClass", "value") => (-2_147_483_648, 1_000_000_000),
        _ => return None,
    })
}

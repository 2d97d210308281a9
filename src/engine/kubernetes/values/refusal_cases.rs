//! What the API refuses and, beside it, what it takes, subject by subject, after the validation of Kubernetes 1.36. Our own tests hold
//! the schema check to it, and `tests/cluster` asks a real API server the same.

/// Lines that each stand in place of `…` in a document, with words of what is said about them, or none where the API takes it.
pub type Cases = (&'static str, &'static [(&'static str, Option<&'static str>)]);

#[rustfmt::skip]
pub const CASES: &[Cases] = &[
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n…\n",
        &[
            ("data: {a.yaml: x}\nbinaryData: {b: YQ==}", None),
            ("data: {a: x}\nbinaryData: {a: YQ==}", Some("`a` is a key of `data` too")),
            ("data: {\"a b\": x}", Some("the key `a b` must be")),
            ("data: {..a: x}", Some("the key `..a` must be")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n…\n",
        &[
            ("type: kubernetes.io/tls\nstringData: {tls.crt: a, tls.key: b}", None),
            ("type: kubernetes.io/tls\nstringData: {tls.crt: a}", Some("needs `tls.key`")),
            ("type: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: \"{}\"}", None),
            ("type: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: x}", Some("is no JSON object")),
            ("type: kubernetes.io/basic-auth\nstringData: {user: a}", Some("needs `username` or `password`")),
            ("type: kubernetes.io/ssh-auth\nstringData: {ssh-privatekey: a}", None),
            ("type: kubernetes.io/ssh-auth", Some("needs `ssh-privatekey`")),
            ("type: acme.dev/any", None),
        ],
    ),
    (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {…}\n",
        &[
            ("capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}", None),
            ("capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]", Some("says none of")),
            ("capacity: {storage: 1Gi}, hostPath: {path: /a}", Some("needs `accessModes`")),
            ("capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce, ReadWriteOncePod], hostPath: {path: /a}", Some("may not stand beside")),
            ("capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}, nfs: {server: a, path: /a}", Some("exclude each other")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, …}]}\n",
        &[
            ("lifecycle: {preStop: {sleep: {seconds: 5}}}", None),
            ("lifecycle: {preStop: {}}", Some("`preStop` says none of")),
            ("lifecycle: {preStop: {sleep: {seconds: 60}}}", Some("sleeps 60 seconds")),
            ("lifecycle: {preStop: {exec: {command: [a]}, httpGet: {port: 80}}}", Some("exclude each other")),
            ("livenessProbe: {exec: {command: []}}", Some("`command` is empty")),
            ("env: [{name: \"A=B\", value: x}]", Some("must be printable ASCII characters without `=`")),
            ("env: [{name: \"1 a\", value: x}]", None),
            ("env: [{name: A, valueFrom: {}}]", Some("`valueFrom` says none of")),
            ("env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]", None),
            ("env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIp}}}]", Some("did you mean `status.podIP`?")),
            ("env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}]", None),
            ("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.nvidia.com/gpu}}}]", Some("can't be handed")),
            ("env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: b}, secretKeyRef: {name: a, key: b}}}]", Some("exclude each other")),
            ("envFrom: [{prefix: A}]", Some("says neither `configMapRef` nor `secretRef`")),
            ("ports: [{containerPort: 80, name: a}, {containerPort: 81, name: a}]", Some("a second port has the name `a`")),
            ("ports: [{containerPort: 80, hostPort: 80}, {containerPort: 81, hostPort: 80}]", Some("takes port 80 of the node")),
            ("ports: [{containerPort: 80, hostPort: 80}, {containerPort: 80, hostPort: 80, protocol: UDP}]", None),
            ("securityContext: {privileged: true, allowPrivilegeEscalation: false}", Some("contradicts")),
            ("securityContext: {privileged: true}", None),
            ("securityContext: {seccompProfile: {type: Localhost}}", Some("needs a `localhostProfile`")),
            ("securityContext: {seccompProfile: {type: RuntimeDefault, localhostProfile: a}}", Some("may not be set when the type is")),
            ("resources: {limits: {hugepages-2Mi: 4Mi}}", Some("huge pages need `cpu` or `memory`")),
            ("resources: {limits: {hugepages-2Mi: 4Mi, memory: 1Gi}}", None),
            ("resources: {limits: {storage: 1Gi}}", Some("there is no resource `storage`")),
            ("readinessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: 5}", Some("may not be set for a readinessProbe")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], …}\n",
        &[
            ("dnsPolicy: None, dnsConfig: {nameservers: [10.0.0.1]}", None),
            ("dnsPolicy: None", Some("needs `dnsConfig.nameservers`")),
            ("hostAliases: [{ip: 10.0.0.256, hostnames: [a]}]", Some("must be an IP address")),
            ("hostname: A_b", Some("`hostname` is `A_b`")),
            ("subdomain: a.b", Some("`subdomain` is `a.b`")),
            ("ephemeralContainers: [{name: b, image: b}]", Some("can't be written into a manifest")),
            ("terminationGracePeriodSeconds: -1", None),
            ("activeDeadlineSeconds: 0", Some("must be between 1 and")),
            ("initContainers: [{name: b, image: b, readinessProbe: {tcpSocket: {port: 80}}}]", Some("an init container may not have")),
            ("initContainers: [{name: b, image: b, restartPolicy: Always, readinessProbe: {tcpSocket: {port: 80}}}]", None),
            ("volumes: [{name: a, secret: {}}]", Some("`secret` needs `secretName`")),
            ("volumes: [{name: a}]", None),
            ("volumes: [{name: a, configMap: {name: b, items: [{key: a, path: ../b}]}}]", Some("relative path without `..`")),
            ("volumes: [{name: a, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: spec.nodeName}}]}}]", Some("can't be asked for")),
            ("volumes: [{name: a, projected: {sources: [{secret: {name: a}, configMap: {name: a}}]}}]", Some("exclude each other")),
            ("tolerations: [{key: \"a b\", operator: Exists}]", Some("`key` is `a b`")),
            ("tolerations: [{key: a, operator: Gt, value: \"5\"}]", Some("not taken by a cluster as it comes")),
            ("nodeSelector: {a: \"b c\"}", Some("`a` is `b c`")),
            ("hostUsers: false, hostPID: true", Some("`hostPID` may not be set")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], affinity: {nodeAffinity: {…}}}\n",
        &[
            (
                "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}",
                None,
            ),
            ("requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}", Some("`nodeSelectorTerms` is empty")),
            (
                "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}]}]}",
                Some("`In` needs"),
            ),
            (
                "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists, values: [b]}]}]}",
                Some("`Exists` takes no"),
            ),
            (
                "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Gt, values: [\"1\", \"2\"]}]}]}",
                Some("`Gt` takes exactly one"),
            ),
            (
                "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: name, operator: In, values: [a]}]}]}",
                Some("no field"),
            ),
            ("preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, preference: {}}]", Some("between 1 and 100")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{…}]}}}\n",
        &[
            ("topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {a: b}}", None),
            ("topologyKey: \"\"", Some("`topologyKey` is empty")),
            ("topologyKey: a, labelSelector: {matchExpressions: [{key: a, operator: In}]}", Some("`In` needs")),
            ("topologyKey: a, matchLabelKeys: [b]", Some("needs a `labelSelector`")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], topologySpreadConstraints: […]}\n",
        &[
            ("{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway}", None),
            (
                "{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 2, topologyKey: a, whenUnsatisfiable: DoNotSchedule}",
                Some("a second constraint"),
            ),
            ("{maxSkew: 0, topologyKey: a, whenUnsatisfiable: DoNotSchedule}", Some("at least 1")),
            ("{maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, minDomains: 2}", Some("`minDomains` needs")),
        ],
    ),
    (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {…}\n",
        &[
            ("type: ExternalName, externalName: db.example.org", None),
            ("type: ExternalName", Some("needs an `externalName`")),
            ("type: ExternalName, externalName: \"http://a\"", Some("`externalName` is `http://a`")),
            ("clusterIP: 10.0.0.300, ports: [{port: 80}]", Some("`clusterIP` is `10.0.0.300`")),
            ("clusterIP: None, ports: [{port: 80}]", None),
            ("clusterIP: None, type: NodePort, ports: [{port: 80}]", Some("`clusterIP: None` may not be set")),
            ("externalIPs: [a], ports: [{port: 80}]", Some("`externalIPs` is `a`")),
            ("ports: [{port: 80, name: a}, {port: 80, name: b}]", Some("a second port has the `port` 80")),
            ("ports: [{port: 80, name: a}, {port: 80, name: b, protocol: UDP}]", None),
            ("ports: [{port: 80}, {port: 81, name: b}]", Some("needs a `name`")),
            ("externalTrafficPolicy: Local, ports: [{port: 80}]", Some("needs the type NodePort or LoadBalancer")),
            ("type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.1/8], ports: [{port: 80}]", Some("did you mean `10.0.0.0/8`?")),
            ("sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}, ports: [{port: 80}]", Some("needs `sessionAffinity: ClientIP`")),
        ],
    ),
    (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {…}\n",
        &[
            ("defaultBackend: {service: {name: a, port: {number: 80}}}", None),
            ("tls: []", Some("neither `rules` nor `defaultBackend`")),
            ("defaultBackend: {}", Some("neither `service` nor `resource`")),
            ("rules: [{http: {paths: [{pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]", Some("needs a `path`")),
            (
                "rules: [{http: {paths: [{path: /a//b, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]",
                Some("must not contain `//`"),
            ),
            ("rules: [{http: {paths: []}}]", Some("`paths` is empty")),
        ],
    ),
    (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: [{…}]\n",
        &[
            ("apiGroups: [\"\"], resources: [pods], verbs: [get]", None),
            ("apiGroups: [\"\"], resources: [pods], verbs: []", Some("`verbs` is empty")),
            ("resources: [pods], verbs: [get]", Some("this rule has no `apiGroups`")),
            ("apiGroups: [\"\"], verbs: [get]", Some("this rule has no `resources`")),
            ("nonResourceURLs: [/metrics], verbs: [get]", Some("a Role can't allow `nonResourceURLs`")),
        ],
    ),
    (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\n…\n",
        &[
            (
                "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}\nsubjects: [{kind: ServiceAccount, name: a, namespace: b}]",
                None,
            ),
            ("roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}", Some("can't bind a Role")),
            ("roleRef: {apiGroup: rbac.authorization.k8s.io/v1, kind: ClusterRole, name: a}", Some("`apiGroup` of a role is")),
            (
                "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}\nsubjects: [{kind: ServiceAccount, name: a}]",
                Some("needs its `namespace`"),
            ),
            (
                "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}\nsubjects: [{kind: User, name: a, apiGroup: v1}]",
                Some("`apiGroup` of a User is"),
            ),
        ],
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {a: a}}, spec: {containers: [{name: a, image: a}]}}, …}\n",
        &[
            ("selector: {matchLabels: {a: a}}", None),
            ("selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}", Some("don't match the pods it makes")),
            ("selector: {matchLabels: {a: a}}, progressDeadlineSeconds: 10, minReadySeconds: 10", Some("must be more than `minReadySeconds`")),
            ("selector: {matchLabels: {a: a}}, strategy: {rollingUpdate: {maxSurge: 150%}}", None),
            ("selector: {matchLabels: {a: a}}, strategy: {rollingUpdate: {maxUnavailable: 150%}}", Some("can't be more than 100%")),
            ("selector: {matchLabels: {a: a}}, strategy: {rollingUpdate: {maxSurge: half}}", Some("or a share")),
        ],
    ),
    (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {a: a}}, spec: {containers: [{name: a, image: a}]}}, …}\n",
        &[
            ("selector: {matchLabels: {a: a}}, updateStrategy: {rollingUpdate: {partition: -1}}", Some("at least 0")),
            ("selector: {matchLabels: {a: a}}, updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}", Some("when the type is `OnDelete`")),
        ],
    ),
    (
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {a: a}}, spec: {containers: [{name: a, image: a}]}}, …}\n",
        &[
            ("selector: {matchLabels: {a: a}}, updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", None),
            ("selector: {matchLabels: {a: a}}, updateStrategy: {rollingUpdate: {maxSurge: 1}}", Some("which is 1 unless")),
        ],
    ),
    (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {…, template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}\n",
        &[
            ("completionMode: Indexed, completions: 4, backoffLimitPerIndex: 1", None),
            ("completionMode: Indexed", Some("needs `completions`")),
            ("backoffLimitPerIndex: 1", Some("needs `completionMode: Indexed`")),
            ("ttlSecondsAfterFinished: -1", Some("at least 0")),
            ("selector: {matchLabels: {a: a}}", Some("is made by the API")),
            ("podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0]}}]}", Some("can't list the exit code 0")),
            ("podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [3, 42]}}]}", None),
            ("podFailurePolicy: {rules: [{action: FailJob}]}", Some("neither `onExitCodes` nor `onPodConditions`")),
        ],
    ),
    (
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: \"@daily\", …, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}\n",
        &[("timeZone: Europe/Berlin", None), ("timeZone: Europe/Berln", Some("no time zone")), ("timeZone: Local", Some("no time zone"))],
    ),
    (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {…}\n",
        &[
            ("minAvailable: 50%", None),
            ("minAvailable: 1, maxUnavailable: 1", Some("exclude each other")),
            ("maxUnavailable: -1", Some("can't be negative")),
        ],
    ),
    (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, maxReplicas: 3, …}\n",
        &[
            ("metrics: [{type: Pods, pods: {metric: {name: q}, target: {type: AverageValue, averageValue: 5}}}]", None),
            ("metrics: [{type: Pods, pods: {metric: {name: q}, target: {type: Value, value: 5}}}]", Some("doesn't say `averageValue`")),
            ("metrics: [{type: Resource}]", Some("needs `resource`")),
            (
                "metrics: [{type: Resource, pods: {metric: {name: q}, target: {type: AverageValue, averageValue: 5}}, resource: {name: cpu, target: {type: Utilization, averageUtilization: 5}}}]",
                Some("may not stand in a metric of the type `Resource`"),
            ),
            ("minReplicas: 0", Some("must be at least 1")),
            ("behavior: {scaleDown: {policies: []}}", Some("`policies` is empty")),
            ("behavior: {scaleDown: {stabilizationWindowSeconds: 3601}}", Some("between 0 and 3600")),
        ],
    ),
    (
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: a}\nspec: {…}\n",
        &[
            ("hard: {pods: 5, count/jobs.batch: 3, requests.nvidia.com/gpu: 2}", None),
            ("hard: {limit.cpu: 5}", Some("did you mean `limits.cpu`?")),
            ("hard: {pods: 5}, scopes: [BestEffort]", None),
            ("hard: {cpu: 5}, scopes: [BestEffort]", Some("can't count `cpu`")),
            ("hard: {pods: 5}, scopes: [Terminating, NotTerminating]", Some("exclude each other")),
            ("hard: {pods: 5}, scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In}]}", Some("`In` needs `values`")),
        ],
    ),
    (
        "apiVersion: v1\nkind: LimitRange\nmetadata: {name: a}\nspec: {limits: [{…}]}\n",
        &[
            ("type: Container, max: {cpu: 2}, default: {cpu: 1}, defaultRequest: {cpu: 500m}, min: {cpu: 100m}", None),
            ("type: Container, max: {cpu: 1}, default: {cpu: 2}", Some("`default` of `cpu` is above its `max`")),
            ("type: Container, default: {cpu: 1}, defaultRequest: {cpu: 2}", Some("above its `default`")),
            ("type: Container, max: {cpu: 1}, min: {cpu: 2}", Some("above its `max`")),
            ("type: Pod, default: {cpu: 1}", Some("may not be set when the type is `Pod`")),
        ],
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, …}\n",
        &[
            ("finalizers: [acme.dev/x]", None),
            ("finalizers: [x]", Some("the finalizer `x` must have a domain")),
            ("annotations: {\"a b\": x}", Some("the annotation key `a b`")),
            ("annotations: {acme.dev/A: x}", None),
        ],
    ),
    (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.acme.dev}\nspec: {group: acme.dev, scope: Namespaced, names: {kind: A, plural: as}, versions: [{name: v1, served: true, …}]}\n",
        &[
            ("storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}", None),
            ("storage: false, schema: {openAPIV3Schema: {type: object}}", Some("no version has `storage: true`")),
            ("storage: true", Some("no `schema.openAPIV3Schema`")),
            (
                "storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {properties: {a: {type: string}}}}}}",
                Some("this schema has no `type`"),
            ),
            ("storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: array}}}}", Some("an array needs `items`")),
            (
                "storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}}}}",
                None,
            ),
        ],
    ),
];

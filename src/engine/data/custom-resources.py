#!/usr/bin/env python3
"""Makes custom-resources.json.gz beside this script: the schemas of custom resources that labs use, from clones of their projects.

    ./custom-resources.py FOLDER        # FOLDER/gateway-api, FOLDER/keda, … are clones; needs PyYAML and git

The same tags give the same bytes. A pod template within a custom resource is replaced by the name of the API's own
definition, which says more about it; descriptions keep their first paragraph; validation rules in CEL are left out.
"""
import gzip, json, pathlib, subprocess, sys, yaml

SOURCES = {
    "gateway-api": ("v1.6.1", "config/crd/standard/gateway.networking.k8s.io_", ["gateways", "gatewayclasses", "httproutes", "grpcroutes", "tcproutes", "tlsroutes", "udproutes", "backendtlspolicies", "listenersets", "referencegrants"]),
    "keda": ("v2.20.2", "config/crd/bases/keda.sh_", ["scaledobjects", "scaledjobs", "triggerauthentications", "clustertriggerauthentications"]),
    "prometheus-operator": ("v0.93.0", "example/prometheus-operator-crd/monitoring.coreos.com_", ["servicemonitors", "podmonitors", "probes", "prometheusrules", "prometheuses", "alertmanagers", "alertmanagerconfigs", "scrapeconfigs"]),
    "argo-rollouts": ("v1.9.1", "manifests/crds/", ["rollout-crd", "analysis-template-crd", "analysis-run-crd", "cluster-analysis-template-crd", "experiment-crd"]),
    "argo-cd": ("v3.5.1", "manifests/crds/", ["application-crd", "applicationset-crd", "appproject-crd"]),
    "lws": ("v0.9.0", "config/crd/bases/leaderworkerset.x-k8s.io_", ["leaderworkersets"]),
    "jobset": ("v0.9.1", "config/components/crd/bases/jobset.x-k8s.io_", ["jobsets"]),
    "kueue": ("v0.19.2", "config/components/crd/bases/kueue.x-k8s.io_", ["clusterqueues", "localqueues", "resourceflavors", "workloadpriorityclasses"]),
}
# A lone `=`, which YAML 1.1 has a type for, is text.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))
POD = "io.k8s.api.core.v1.PodTemplateSpec"
UNREAD = {"x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-map-type", "default", "title", "example", "externalDocs", "format"}


def trimmed(schema, names=False, root=False):
    if isinstance(schema, list):
        return [trimmed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {k: trimmed(v) for k, v in schema.items()}
    properties = schema.get("properties", {})
    # A Prometheus has containers in its own spec without being a pod.
    if not root and "containers" in properties.get("spec", {}).get("properties", {}):
        return {"$ref": POD, "description": schema.get("description", "A pod template.").split("\n\n")[0]}
    out = {k: trimmed(v, names=k == "properties") for k, v in schema.items() if k not in UNREAD}
    if isinstance(out.get("description"), str):
        out["description"] = " ".join(out["description"].split("\n\n")[0].split())[:600]
    return out


def crds(folder):
    for project, (tag, prefix, names) in SOURCES.items():
        for name in names:
            text = subprocess.run(["git", "-C", str(folder / project), "show", f"{tag}:{prefix}{name}.yaml"], check=True, capture_output=True, text=True).stdout
            yield from (d for d in yaml.safe_load_all(text) if d and d["kind"] == "CustomResourceDefinition")


found = {}
for crd in crds(pathlib.Path(sys.argv[1])):
    spec = crd["spec"]
    for version in spec["versions"]:
        if version["served"]:
            schema = trimmed(version["schema"]["openAPIV3Schema"], root=True)
            schema["properties"]["status"] = {}
            found[f"{spec['group']}/{version['name']} {spec['names']['kind']}"] = schema
text = json.dumps(found, separators=(",", ":"), ensure_ascii=False, sort_keys=False).encode()
target = pathlib.Path(__file__).parent / "custom-resources.json.gz"
target.write_bytes(gzip.compress(text, 9, mtime=0))
print(f"{target.name}: {len(found)} kinds, {len(text)} bytes, {target.stat().st_size} compressed")
for name, schema in found.items():
    print(" ", name, len(json.dumps(schema)))

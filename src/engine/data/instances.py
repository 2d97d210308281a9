#!/usr/bin/env python3
"""Writes instances.json: families of EC2 instance types with the facts that rules ask for. See SOURCES.md.

    instances.py <botocore wheel>

Which types exist is the wheel's word (its model of EC2's API): facts about a type it doesn't know are an error, and types
without facts are added with their names alone.
"""
import gzip
import json
import pathlib
import sys
import zipfile

AS_OF = "2026-11"
# Sizes in the unit of an xlarge (4 vCPUs); 0.5 is `large`, 0.25 `medium`.
SMALL = [0.25, 0.5, 1, 2, 4]


def sizes(units, metal=()):
    names = {0.25: "medium", 0.5: "large", 1: "xlarge"}
    return {**{names.get(u, f"{u}xlarge"): {} for u in units}, **{m: {} for m in metal}}


def family(gib, units, metal=(), previous=None):
    made = {"gib_per_vcpu": gib, "sizes": sizes(units, metal)}
    return {**made, "previous": previous} if previous else made


def accelerated(gpu, gib, table, previous=None, neuron=False):
    made = {"sizes": {s: {k: v for k, v in zip(("gpus", "vcpu", "gib"), row)} for s, row in table.items()}}
    if gpu:
        made |= {"gpu": gpu} | ({"gpu_gib": gib} if gib else {})
    if neuron:
        made["neuron"] = True
    return {**made, "previous": previous} if previous else made


F = {}
INTEL = [0.5, 1, 2, 4, 8, 12, 16, 24]
GRAVITON = [0.25, 0.5, 1, 2, 4, 8, 12, 16]
for letter, gib in (("m", 4), ("c", 2), ("r", 8)):
    for name in ("6i", "6id"):
        F[letter + name] = family(gib, [*INTEL, 32], ["metal"])
    for name in ("6in", "6idn"):
        if letter != "c" or name == "6in":
            F[letter + name] = family(gib, [*INTEL, 32], ["metal"])
    F[letter + "6a"] = family(gib, [*INTEL, 32, 48], ["metal"])
    F[letter + "7a"] = family(gib, [0.25, *INTEL, 32, 48], ["metal-48xl"])
    F[letter + "8a"] = family(gib, [0.25, *INTEL, 48], ["metal-24xl", "metal-48xl"])
    F[letter + "7i"] = family(gib, [*INTEL, 48], ["metal-24xl", "metal-48xl"])
    F[letter + "8i"] = family(gib, [*INTEL, 32, 48, 96], ["metal-48xl", "metal-96xl"])
    F[letter + "8id"] = family(gib, [*INTEL, 32, 48, 96], ["metal-48xl", "metal-96xl"])
    F[letter + "8i-flex"] = family(gib, [0.5, 1, 2, 4, 8, 12, 16])
    for name in ("6g", "6gd", "7g", "7gd"):
        F[letter + name] = family(gib, GRAVITON, ["metal"])
    for name in ("8g", "8gd"):
        F[letter + name] = family(gib, [*GRAVITON, 24, 48], ["metal-24xl", "metal-48xl"])
for name in ("m7i-flex", "c7i-flex"):
    F[name] = family(4 if name[0] == "m" else 2, [0.5, 1, 2, 4, 8, 12, 16])
F["c6gn"] = family(2, GRAVITON)
F["c7gn"] = family(2, GRAVITON, ["metal"])
for name, gib in (("c8gn", 2), ("m8gn", 4), ("r8gn", 8), ("m8gb", 4), ("r8gb", 8)):
    F[name] = family(gib, [*GRAVITON, 24, 48], ["metal-24xl", "metal-48xl"])
F["r7iz"] = family(8, [0.5, 1, 2, 4, 8, 12, 16, 32], ["metal-16xl", "metal-32xl"])
for name, gib in (("m5", 4), ("m5d", 4), ("m5n", 4), ("m5dn", 4), ("r5", 8), ("r5d", 8), ("r5n", 8), ("r5dn", 8), ("r5b", 8)):
    F[name] = family(gib, [0.5, 1, 2, 4, 8, 12, 16, 24], ["metal"])
for name, gib in (("m5a", 4), ("m5ad", 4), ("r5a", 8), ("r5ad", 8)):
    F[name] = family(gib, [0.5, 1, 2, 4, 8, 12, 16, 24])
for name in ("c5", "c5d"):
    F[name] = family(2, [0.5, 1, 2, 4, 9, 12, 18, 24], ["metal"])
for name in ("c5a", "c5ad"):
    F[name] = family(2, [0.5, 1, 2, 4, 8, 12, 16, 24])
F["c5n"] = family(2.625, [0.5, 1, 2, 4, 9, 18], ["metal"])
F["m5zn"] = family(4, [0.5, 1, 2, 3, 6, 12], ["metal"])
F["z1d"] = family(8, [0.5, 1, 2, 3, 6, 12], ["metal"])
for name in ("x2gd",):
    F[name] = family(16, GRAVITON, ["metal"])
F["x2idn"] = family(16, [16, 24, 32], ["metal"])
F["x2iedn"] = family(32, [1, 2, 4, 8, 16, 24, 32], ["metal"])
F["x2iezn"] = family(32, [2, 4, 6, 8, 12], ["metal"])
F["x8g"] = family(16, [*GRAVITON, 24, 48], ["metal-24xl", "metal-48xl"])
F["x8aedz"] = family(32, [0.5, 1, 3, 6, 12, 24], ["metal-12xl", "metal-24xl"])
F["x1"] = family(15.25, [16, 32])
F["x1e"] = family(30.5, [1, 2, 4, 8, 16, 32])
F["i3"] = family(7.625, [0.5, 1, 2, 4, 8, 16], ["metal"])
F["i3en"] = family(8, [0.5, 1, 2, 3, 6, 12, 24], ["metal"])
F["i4i"] = family(8, [0.5, 1, 2, 4, 8, 12, 16, 24, 32], ["metal"])
F["i4g"] = family(8, [0.5, 1, 2, 4, 8, 16])
F["im4gn"] = family(4, [0.5, 1, 2, 4, 8, 16])
F["is4gen"] = family(6, [0.25, 0.5, 1, 2, 4, 8])
F["i7i"] = family(8, [0.5, 1, 2, 4, 8, 12, 16, 24, 48], ["metal-24xl", "metal-48xl"])
F["i7ie"] = family(8, [0.5, 1, 2, 3, 6, 12, 18, 24, 48], ["metal-24xl", "metal-48xl"])
F["i8g"] = family(8, [0.5, 1, 2, 4, 8, 12, 16, 24, 48], ["metal-24xl", "metal-48xl"])
F["i8ge"] = family(8, [0.5, 1, 2, 3, 6, 12, 18, 24, 48], ["metal-24xl", "metal-48xl"])
F["d2"] = family(7.625, [1, 2, 4, 8])
F["d3"] = family(8, [1, 2, 4, 8])
F["d3en"] = family(4, [1, 2, 4, 6, 8, 12])
F["h1"] = family(4, [2, 4, 8, 16])


def burst(names):
    table = {"nano": (2, 0.5), "micro": (2, 1), "small": (2, 2), "medium": (2, 4), "large": (2, 8), "xlarge": (4, 16), "2xlarge": (8, 32)}
    return {"sizes": {n: {"vcpu": table[n][0], "gib": table[n][1]} for n in names}}


for name in ("t3", "t3a", "t4g"):
    F[name] = burst(["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"])
F["t2"] = burst(["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"])
F["t1"] = {"previous": "t3 or t4g", "sizes": {"micro": {"vcpu": 1, "gib": 0.613}}}
F["m1"] = {"previous": "m7i or m7g", "sizes": {"small": {}, "medium": {}, "large": {}, "xlarge": {}}}
F["m2"] = {"previous": "r7i or r7g", "sizes": sizes([1, 2, 4])}
F["m3"] = family(3.75, [0.25, 0.5, 1, 2], previous="m7i or m7g")
F["m4"] = family(4, [0.5, 1, 2, 4, 10, 16], previous="m7i or m7g")
F["c1"] = {"previous": "c7i or c7g", "sizes": {"medium": {}, "xlarge": {}}}
F["c3"] = family(1.875, [0.5, 1, 2, 4, 8], previous="c7i or c7g")
F["c4"] = family(1.875, [0.5, 1, 2, 4, 8], previous="c7i or c7g")
F["r3"] = family(7.625, [0.5, 1, 2, 4, 8], previous="r7i or r7g")
F["r4"] = family(7.625, [0.5, 1, 2, 4, 8, 16], previous="r7i or r7g")
F["i2"] = family(7.625, [1, 2, 4, 8], previous="i4i or i7i")
F["a1"] = family(2, [0.25, 0.5, 1, 2, 4], ["metal"], previous="m7g or c7g")
for name, units in (("hpc6a", [48]), ("hpc6id", [32]), ("hpc7a", [12, 24, 48, 96]), ("hpc7g", [4, 8, 16]), ("hpc8a", [96])):
    F[name] = {"sizes": sizes(units)}
for name, metals in (("mac1", ["metal"]), ("mac2", ["metal"]), ("mac2-m2", ["metal"]), ("mac2-m2pro", ["metal"]), ("mac2-m1ultra", ["metal"]), ("mac-m4", ["metal"]), ("mac-m4pro", ["metal"])):
    F[name] = {"sizes": sizes([], metals)}

# Size: GPUs, vCPUs, GiB.
F["g3s"] = accelerated("NVIDIA M60", 8, {"xlarge": (1, 4, 30.5)}, "g6 or g5")
F["g3"] = accelerated("NVIDIA M60", 8, {"4xlarge": (1, 16, 122), "8xlarge": (2, 32, 244), "16xlarge": (4, 64, 488)}, "g6 or g5")
F["g2"] = accelerated("NVIDIA K520", 4, {"2xlarge": (1, 8, 15), "8xlarge": (4, 32, 60)}, "g6 or g5")
F["g4dn"] = accelerated("NVIDIA T4", 16, {"xlarge": (1, 4, 16), "2xlarge": (1, 8, 32), "4xlarge": (1, 16, 64), "8xlarge": (1, 32, 128), "12xlarge": (4, 48, 192), "16xlarge": (1, 64, 256), "metal": (8, 96, 384)})
F["g4ad"] = accelerated(None, None, {"xlarge": (1, 4, 16), "2xlarge": (1, 8, 32), "4xlarge": (1, 16, 64), "8xlarge": (2, 32, 128), "16xlarge": (4, 64, 256)})
EIGHT = {"xlarge": (1, 4, 16), "2xlarge": (1, 8, 32), "4xlarge": (1, 16, 64), "8xlarge": (1, 32, 128), "12xlarge": (4, 48, 192), "16xlarge": (1, 64, 256), "24xlarge": (4, 96, 384), "48xlarge": (8, 192, 768)}
F["g5"] = accelerated("NVIDIA A10G", 24, EIGHT)
F["g5g"] = accelerated("NVIDIA T4G", 16, {"xlarge": (1, 4, 8), "2xlarge": (1, 8, 16), "4xlarge": (1, 16, 32), "8xlarge": (1, 32, 64), "16xlarge": (2, 64, 128), "metal": (2, 64, 128)})
F["g6"] = accelerated("NVIDIA L4", 24, EIGHT)
F["gr6"] = accelerated("NVIDIA L4", 24, {"4xlarge": (1, 16, 128), "8xlarge": (1, 32, 256)})
F["g6e"] = accelerated("NVIDIA L40S", 48, {"xlarge": (1, 4, 32), "2xlarge": (1, 8, 64), "4xlarge": (1, 16, 128), "8xlarge": (1, 32, 256), "12xlarge": (4, 48, 384), "16xlarge": (1, 64, 512), "24xlarge": (4, 96, 768), "48xlarge": (8, 192, 1536)})
F["g6f"] = accelerated("NVIDIA L4", 24, {"large": (1, 2, 8), "xlarge": (1, 4, 16), "2xlarge": (1, 8, 32), "4xlarge": (1, 16, 64)})
F["gr6f"] = accelerated("NVIDIA L4", 24, {"4xlarge": (1, 16, 128)})
F["g7e"] = accelerated("NVIDIA RTX PRO 6000", 96, {"2xlarge": (1, 8, 64), "4xlarge": (1, 16, 128), "8xlarge": (1, 32, 256), "12xlarge": (2, 48, 512), "24xlarge": (4, 96, 1024), "48xlarge": (8, 192, 2048)})
F["p2"] = accelerated("NVIDIA K80", 12, {"xlarge": (1, 4, 61), "8xlarge": (8, 32, 488), "16xlarge": (16, 64, 732)}, "g6, g6e or p4d")
F["p3"] = accelerated("NVIDIA V100", 16, {"2xlarge": (1, 8, 61), "8xlarge": (4, 32, 244), "16xlarge": (8, 64, 488)}, "g6, g6e or p4d")
F["p3dn"] = accelerated("NVIDIA V100", 32, {"24xlarge": (8, 96, 768)}, "p4d or p5")
F["p4d"] = accelerated("NVIDIA A100", 40, {"24xlarge": (8, 96, 1152)})
F["p4de"] = accelerated("NVIDIA A100", 80, {"24xlarge": (8, 96, 1152)})
F["p5"] = accelerated("NVIDIA H100", 80, {"4xlarge": (1, 16, 256), "48xlarge": (8, 192, 2048)})
F["p5e"] = accelerated("NVIDIA H200", 141, {"48xlarge": (8, 192, 2048)})
F["p5en"] = accelerated("NVIDIA H200", 141, {"48xlarge": (8, 192, 2048)})
F["p6-b200"] = accelerated("NVIDIA B200", 180, {"48xlarge": (8, 192, 2048)})
F["p6-b300"] = accelerated("NVIDIA B300", 270, {"48xlarge": (8, 192, 4096)})
F["p6e-gb200"] = accelerated("NVIDIA GB200", 185, {"36xlarge": (4, 144, 960)})
F["inf1"] = accelerated(None, None, {"xlarge": (1, 4, 8), "2xlarge": (1, 8, 16), "6xlarge": (4, 24, 48), "24xlarge": (16, 96, 192)}, neuron=True)
F["inf2"] = accelerated(None, None, {"xlarge": (1, 4, 16), "8xlarge": (1, 32, 128), "24xlarge": (6, 96, 384), "48xlarge": (12, 192, 768)}, neuron=True)
F["trn1"] = accelerated(None, None, {"2xlarge": (1, 8, 32), "32xlarge": (16, 128, 512)}, neuron=True)
F["trn1n"] = accelerated(None, None, {"32xlarge": (16, 128, 512)}, neuron=True)
F["trn2"] = accelerated(None, None, {"3xlarge": (1, 12, 128), "48xlarge": (16, 192, 2048)}, neuron=True)
F["dl1"] = accelerated(None, None, {"24xlarge": (8, 96, 768)})
F["dl2q"] = accelerated(None, None, {"24xlarge": (8, 96, 768)})
F["f1"] = accelerated(None, None, {"2xlarge": (0, 8, 122), "4xlarge": (0, 16, 244), "16xlarge": (0, 64, 976)}, "f2")
F["f2"] = accelerated(None, None, {"6xlarge": (0, 24, 256), "12xlarge": (0, 48, 512), "48xlarge": (0, 192, 2048)})
F["vt1"] = accelerated(None, None, {"3xlarge": (0, 12, 24), "6xlarge": (0, 24, 48), "24xlarge": (0, 96, 192)})

# The model names the card no further; enough to know that there is one.
F["g7"] = accelerated("NVIDIA", None, {})
F["trn2u"] = accelerated(None, None, {}, neuron=True)

wheel = zipfile.ZipFile(sys.argv[1])
name = next(n for n in wheel.namelist() if "data/ec2/2016-11-15/service-2.json" in n)
model = wheel.read(name)
model = json.loads(gzip.decompress(model) if name.endswith(".gz") else model)
real = set(model["shapes"]["InstanceType"]["enum"])
invented = {f"{f}.{s}" for f, facts in F.items() for s in facts["sizes"]} - real
if invented:
    sys.exit(f"no such types: {sorted(invented)}")
for known in real:
    family_name, size = known.split(".")
    F.setdefault(family_name, {"sizes": {}})["sizes"].setdefault(size, {})
for facts in F.values():
    facts["sizes"] = dict(sorted(facts["sizes"].items()))

out = pathlib.Path(__file__).with_name("instances.json")
lines = [f'    {json.dumps(n)}: {json.dumps(F[n])}' for n in sorted(F)]
out.write_text('{\n  "as_of": "%s",\n  "families": {\n%s\n  }\n}\n' % (AS_OF, ",\n".join(lines)))

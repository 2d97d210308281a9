from datetime import date

import pytest

import idlegpu

TODAY = date(2026, 11, 24)
QUIET = [{"hour": f"2026-11-24T{h:02d}:00:00Z", "max": 0} for h in range(12)]


def instance(environment="dev", **more):
    marked = {"Environment": environment, **more.pop("tags", {})}
    return {"InstanceId": "i-1", "Tags": [{"Key": k, "Value": v} for k, v in marked.items()], **more}


@pytest.mark.parametrize(
    ("given", "samples", "reason"),
    [
        (instance(), QUIET, None),
        (instance("prod"), QUIET, "not-dev"),
        ({"InstanceId": "i-1"}, QUIET, "not-dev"),
        (instance(tags={"aws:autoscaling:groupName": "g"}), QUIET, "in-a-group"),
        (instance(InstanceLifecycle="spot"), QUIET, "spot"),
        (instance(tags={"KeepUntil": "2026-11-24"}), QUIET, "kept-by-owner"),
        (instance(tags={"KeepUntil": "2026-11-23"}), QUIET, None),
        (instance(), QUIET[:3], "not-measured"),
        (instance(), [], "not-measured"),
        (instance(), QUIET[:-1] + [{"hour": "2026-11-24T11:00:00Z", "max": 5}], "busy"),
    ],
)
def test_each_reason(given, samples, reason):
    assert idlegpu.reason_to_keep(given, samples, TODAY) == reason

import gpuinv
import pytest


def test_unknown_is_not_zero():
    assert gpuinv.number("[N/A]") is None
    assert gpuinv.number("0 %") == 0


def test_asks_again_only_when_that_can_help():
    asked, slept = [], []

    def refuses(host):
        asked.append(host)
        raise gpuinv.Unreachable("refused")

    report = gpuinv.collect(["a"], refuses, slept.append)
    assert (len(asked), len(slept), report["exit_code"]) == (3, 2, 1)

    asked.clear()
    slept.clear()

    def babbles(host):
        asked.append(host)
        return "<nvidia_smi_log>"

    report = gpuinv.collect(["a"], babbles, slept.append)
    assert (len(asked), len(slept), report["exit_code"]) == (1, 0, 1)


def test_misuse_is_two(tmp_path):
    with pytest.raises(SystemExit) as ended:
        gpuinv.main([str(tmp_path / "missing.txt")])
    assert ended.value.code == 2

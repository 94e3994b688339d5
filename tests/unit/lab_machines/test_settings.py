from pathlib import Path

import pytest

from lab.machines.host import missing_packages
from lab.machines.settings import LabError, Settings, check_name


def test_defaults_of_the_first_lab() -> None:
    settings = Settings.from_environment({})
    assert settings.state == Path("/var/lib/roost-lab")
    assert settings.cache == Path("/var/cache/roost-lab")
    assert (settings.bridge, settings.cgroup, settings.prefix) == ("roostlab0", "roostlab", "rl0-")
    assert (settings.host_ipv4, settings.host_ipv6) == ("10.209.0.1", "fd00:209::1")
    assert (settings.ipv4(0), settings.ipv6(0)) == ("10.209.0.11", "fd00:209::11")


def test_labs_of_different_numbers_share_no_name_and_no_address() -> None:
    one, two = (Settings.from_environment({"ROOST_LAB_NUMBER": number}) for number in ("0", "12"))
    for what in ("state", "bridge", "cgroup", "prefix", "host_ipv4", "host_ipv6"):
        assert getattr(one, what) != getattr(two, what)
    assert two.ipv6(3) == "fd00:209:0:12::14"


def test_environment_wins() -> None:
    settings = Settings.from_environment({"ROOST_LAB_STATE": "/a", "ROOST_LAB_CACHE": "/b", "ROOST_LAB_NUMBER": "3"})
    assert (settings.state, settings.cache, settings.number) == (Path("/a"), Path("/b"), 3)


@pytest.mark.parametrize("number", ["-1", "100", "x", ""])
def test_a_wrong_number_is_refused_with_what_is_right(number: str) -> None:
    with pytest.raises(LabError, match="0 to 99"):
        Settings.from_environment({"ROOST_LAB_NUMBER": number})


@pytest.mark.parametrize("name", ["node1", "a", "control-plane-1", "9"])
def test_names_that_are_labels(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "Node", "a.b", "-a", "a-", "../x", "a" * 33, "a b"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(LabError, match="DNS label"):
        check_name(name)


def test_a_package_that_several_programs_need_is_named_once() -> None:
    required = {"ssh": "openssh-client", "ssh-keygen": "openssh-client", "ip": "iproute2"}
    assert missing_packages(required, ["ip"]) == ["openssh-client"]
    assert missing_packages(required, list(required)) == []

"""The data directory: where things lie, what a start decides, and errors that name path, port and remedy."""

from __future__ import annotations

import base64
import errno
import fcntl
import json
import os
import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.embedded import (
    applied,
    audit,
    components,
    encryption,
    files,
    freshness,
    lock,
    objects,
    pki,
    ports,
    record,
    service,
)
from roost.embedded.layout import Layout, default_root
from roost.embedded.ports import Ports
from roost.embedded.probe import failing
from roost.embedded.record import Record
from roost.kube.kubeconfig import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Record(kubernetes_version="1.31.4")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "data")
    files.make_directories(found.directories)
    return found


def test_default_directories() -> None:
    assert default_root({}, user_id=0) == Path("/var/lib/roost-platform")
    assert default_root({"HOME": "/home/a"}, user_id=1000) == Path("/home/a/.local/share/roost")
    assert default_root({"XDG_DATA_HOME": "/x", "HOME": "/h"}, user_id=1000) == Path("/x/roost")
    assert default_root({"ROOST_DATA_DIR": "/d"}, user_id=0) == Path("/d")


def test_everything_of_a_first_start_is_for_its_owner_alone(layout: Layout) -> None:
    pki.ensure(layout, FIRST, now=NOW)
    encryption.ensure(layout)
    audit.ensure(layout)
    record.save(layout.record, FIRST)
    found = list(layout.root.rglob("*"))
    assert len(found) > 30
    wrong = [p for p in found if stat.S_IMODE(p.stat().st_mode) != (0o700 if p.is_dir() else 0o600)]
    assert wrong == []


def test_an_open_directory_is_closed(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o755)
    files.make_directories((directory,))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(PermanentFailure, match=r"data.*--data-dir") as caught:
        files.make_directories(Layout(tmp_path / "data").directories)
    assert caught.value.reason == "DataDirectoryUnusable"


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentFailure, match="MB are free, at least") as caught:
        files.check_space(tmp_path, needed=1 << 60)
    assert caught.value.reason == "DiskFull"
    reasons = {
        code: files.explain(OSError(code, os.strerror(code)), tmp_path).reason
        for code in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
    }
    assert list(reasons.values()) == ["DiskFull"] * 2 + ["PermissionDenied"] * 2 + ["DataDirectoryUnusable"] * 2


def test_writes_are_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_private(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PermanentFailure, match="No space left"):
        files.write_private(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


class TestRecord:
    def test_is_read_as_it_was_written(self, layout: Layout) -> None:
        chosen = Record("1.31.4", port_base=9000, address="10.0.0.5")
        record.save(layout.record, chosen)
        assert record.load(layout.record) == chosen
        assert chosen.server == "https://127.0.0.1:9443"
        assert chosen.registry_address == "10.0.0.5:9501"
        assert Record("1.31.4", address="fd00::1").registry_address == "[fd00::1]:7501"

    def test_of_a_newer_roost_is_refused(self, layout: Layout) -> None:
        value = json.loads(record.encode(FIRST)) | {"schemaVersion": record.SCHEMA + 1, "roostVersion": "9.0"}
        layout.record.write_text(json.dumps(value))
        with pytest.raises(PermanentFailure, match=r"roost 9\.0 .*newer than this roost") as caught:
            record.load(layout.record)
        assert caught.value.reason == "DataDirectoryNewer"
        assert str(layout.root) in caught.value.message

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"schemaVersion": "x"}'])
    def test_that_is_damaged_is_named(self, layout: Layout, text: str) -> None:
        layout.record.write_text(text)
        with pytest.raises(PermanentFailure, match=r"platform\.json"):
            record.load(layout.record)

    def test_keeps_what_was_chosen_before(self) -> None:
        former = record.choose(None, kubernetes_version=None, port_base=9000, address="10.0.0.5", newest="1.31.4")
        again = record.choose(former, kubernetes_version=None, port_base=None, address=None, newest="1.32.0")
        assert again == former
        moved = record.choose(former, kubernetes_version="1.32.0", port_base=None, address="", newest="")
        assert (moved.kubernetes_version, moved.address, moved.port_base) == ("1.32.0", None, 9000)

    def test_never_goes_back_a_minor_version(self) -> None:
        with pytest.raises(PermanentFailure, match=r"1\.31\.4; the platform can't go back to 1\.30\.4"):
            record.choose(FIRST, kubernetes_version="1.30.4", port_base=None, address=None, newest="")

    @pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "host.example", "10.0.0.1/24", "224.0.0.1"])
    def test_refuses_addresses_that_machines_cannot_reach(self, address: str) -> None:
        with pytest.raises(PermanentFailure, match=r"--address"):
            record.choose(None, kubernetes_version=None, port_base=None, address=address, newest="1.31.4")


class TestPorts:
    def test_a_taken_port_names_port_use_holder_and_remedy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Its neighbours may be in use by something else of this computer.
        monkeypatch.setattr(Ports, "listening", lambda own, *_, **__: (("the API", "127.0.0.1", own.api),))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            base = taken.getsockname()[1] - 443
            with pytest.raises(PermanentFailure) as caught:
                ports.check_free(Ports(base), None)
        assert caught.value.reason == "PortTaken"
        for part in (str(base + 443), "the API", f"(pid {os.getpid()})", "--port-base"):
            assert part in caught.value.message

    def test_a_foreign_address_is_named(self) -> None:
        with pytest.raises(PermanentFailure, match=r"198\.51\.100\.7 is no address of this machine"):
            ports.check_free(Ports(41000), "198.51.100.7")

    def test_all_move_with_the_base_and_differ(self) -> None:
        here, there = (Ports(base).listening("10.0.0.1", gateways=4) for base in (7000, 17000))
        assert [port for _, _, port in there] == [port + 10000 for _, _, port in here]
        assert len({(host, port) for _, host, port in here}) == len(here)
        assert {host for use, host, _ in here if "TLS" not in use and "gateway" not in use} == {"127.0.0.1"}
        with pytest.raises(PermanentFailure, match="--port-base 80"):
            Ports(80)


class TestPki:
    def test_a_second_start_changes_nothing(self, layout: Layout) -> None:
        assert set(pki.ensure(layout, FIRST, now=NOW)) >= {"platform-ca", "etcd", "user-admin"}
        before = {p: p.read_bytes() for p in layout.root.rglob("*") if p.is_file()}
        assert pki.ensure(layout, FIRST, now=NOW) == ()
        assert {p: p.read_bytes() for p in layout.root.rglob("*") if p.is_file()} == before

    def test_leaves_are_renewed_and_authorities_kept(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        record.save(layout.record, FIRST)
        authority = layout.certificate("platform-ca").read_bytes()
        renewed = pki.ensure(layout, FIRST, now=NOW + timedelta(days=300))
        assert set(renewed) == {leaf.name for leaf in pki.leaves(layout, FIRST)}
        assert layout.certificate("platform-ca").read_bytes() == authority
        holders = {
            "admission",
            "registry-tls",
            "registry-front",
            "controllers",
            *components.gateways(4),
            "kube-controller-manager",
        }
        assert set(components.restart_after(renewed)) == holders

    def test_a_new_address_renews_what_listens_there_alone(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        assert pki.ensure(layout, Record("1.31.4", address="10.0.0.5"), now=NOW) == (
            "registry",
            "gateway",
        )

    def test_new_ports_reach_the_kubeconfigs(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        pki.ensure(layout, Record("1.31.4", port_base=9000), now=NOW)
        assert parse(layout.admin_kubeconfig).server == "https://127.0.0.1:9443"

    def test_a_leaf_without_its_key_is_made_anew(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        layout.key("api").unlink()
        layout.key("webhook").write_bytes(layout.key("etcd").read_bytes())
        assert pki.ensure(layout, FIRST, now=NOW) == ("api", "webhook")

    def test_a_lost_authority_is_never_replaced_silently(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        record.save(layout.record, FIRST)
        layout.key("etcd-ca").unlink()
        with pytest.raises(PermanentFailure, match=r"etcd-ca.*backup"):
            pki.ensure(layout, FIRST, now=NOW)


class TestEncryption:
    def test_the_key_is_kept_and_covers_secrets_and_roosts_kinds(self, layout: Layout) -> None:
        encryption.ensure(layout)
        first = json.loads(layout.encryption.read_text())
        encryption.ensure(layout)
        assert json.loads(layout.encryption.read_text()) == first
        block = first["resources"][0]
        assert {"secrets", "clusters.cluster.alauda.io", "machines.cluster.alauda.io"} <= set(block["resources"])
        key = block["providers"][0]["secretbox"]["keys"][0]["secret"]
        assert len(base64.b64decode(key)) == 32
        assert block["providers"][-1] == {"identity": {}}

    def test_a_new_kind_is_added_with_the_same_key(self, layout: Layout) -> None:
        files.write_private(
            layout.encryption, encryption.configuration(Masked("a2V5")).replace("machines.", "former.")
        )
        encryption.ensure(layout)
        text = layout.encryption.read_text()
        assert "machines.cluster.alauda.io" in text
        assert "a2V5" in text

    def test_a_lost_key_stops_the_start(self, layout: Layout) -> None:
        (layout.etcd / "member").mkdir()
        with pytest.raises(PermanentFailure, match=r"encryption\.json is missing.*backup"):
            encryption.ensure(layout)


class TestComponents:
    def test_everything_but_the_machines_registry_is_on_loopback(self, layout: Layout) -> None:
        chosen = Record("1.31.4", address="10.0.0.5")
        for make in (components.etcd, components.api, components.controller_manager):
            program = make(layout, chosen, Path("/bin/true"))
            listening = [
                a for a in program.arguments if a.startswith(("--listen", "--bind-address", "--secure-port"))
            ]
            assert listening
            assert all("127.0.0.1" in a or "secure-port" in a for a in listening)
            assert "10.0.0.5" not in " ".join(program.arguments)

    def test_no_argument_holds_a_secret(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        encryption.ensure(layout)
        key = json.loads(layout.encryption.read_text())["resources"][0]["providers"][0]["secretbox"]["keys"][0][
            "secret"
        ]
        for make in (components.etcd, components.api, components.controller_manager):
            words = " ".join(make(layout, FIRST, Path("/bin/true")).arguments)
            assert key not in words
            assert "PRIVATE" not in words

    def test_the_stop_order_names_every_child_once(self) -> None:
        names = [name for group in components.STOP_ORDER for name in group]
        assert len(set(names)) == len(names) == 12
        assert names[-1] == components.ETCD


def test_one_lock_holder_per_directory(layout: Layout) -> None:
    assert lock.holder(layout.lock) is None
    with lock.held(layout.lock):
        holder = lock.holder(layout.lock)
        assert holder is not None
        assert holder.pid == os.getpid()
        with (
            pytest.raises(PermanentFailure, match=rf"pid {os.getpid()}.*roost down") as caught,
            lock.held(layout.lock),
        ):
            pass
        assert caught.value.reason == "AlreadyRunning"
    assert lock.holder(layout.lock) is None


def test_asking_for_the_holder_never_keeps_a_start_out(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock.held(layout.lock):
        pass
    asking = os.open(layout.lock, os.O_RDWR)
    fcntl.flock(asking, fcntl.LOCK_EX)
    # The instant passes while the start waits.
    monkeypatch.setattr(lock.time, "sleep", lambda _seconds: os.close(asking))
    with lock.held(layout.lock):
        assert lock.holder(layout.lock) is not None


def test_the_unit_starts_exactly_this_directory() -> None:
    text = service.unit(Path("/srv/roost data"), python="/opt/roost/bin/python")
    assert "ExecStart=/opt/roost/bin/python -m roost.main up\n" in text
    assert 'Environment="ROOST_DATA_DIR=/srv/roost data"' in text
    assert "Type=notify" in text


def test_a_transition_keeps_its_time_while_nothing_changes() -> None:
    current: dict[str, object] = {"metadata": {"generation": 2}}
    first = objects.global_status(current, version="1.31.4", server="https://127.0.0.1:7443", now=NOW)
    later = objects.global_status(
        {**current, "status": first}, version="1.31.4", server="https://127.0.0.1:7443", now=NOW + timedelta(days=1)
    )
    assert first == later
    assert first["conditions"][0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"


class TestFreshness:
    """A start parses certificates only when something changed or is due."""

    def test_after_a_full_check_nothing_is_due_until_the_first_renewal(self, layout: Layout) -> None:
        assert not freshness.is_fresh(layout, FIRST, now=NOW)
        pki.ensure(layout, FIRST, now=NOW)
        assert freshness.is_fresh(layout, FIRST, now=NOW)
        assert freshness.is_fresh(layout, FIRST, now=NOW + timedelta(days=240))
        assert not freshness.is_fresh(layout, FIRST, now=NOW + timedelta(days=245))

    def test_any_change_asks_for_a_full_check(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        assert not freshness.is_fresh(layout, Record("1.31.4", address="10.0.0.5"), now=NOW)
        assert not freshness.is_fresh(layout, Record("1.31.4", port_base=9000), now=NOW)
        for change in (
            layout.key("api").unlink,
            lambda: layout.certificate("etcd").write_text("other"),
            lambda: layout.kubeconfig("admission").chmod(0o644),
            layout.admin_kubeconfig.unlink,
        ):
            pki.ensure(layout, FIRST, now=NOW)
            assert freshness.is_fresh(layout, FIRST, now=NOW)
            change()
            assert not freshness.is_fresh(layout, FIRST, now=NOW)


class TestBehind:
    """«Ready» waits for the controllers only where they have yet to say what can be installed."""

    def test_only_after_the_controllers_looked_at_these_bundles(self, layout: Layout) -> None:
        looked, bundles = layout.looked, layout.bundles
        release = bundles / "1.30.4"
        release.mkdir(parents=True)
        assert freshness.is_behind(looked, bundles)
        looked.touch()
        for changed in (bundles, release):
            for path, at in ((bundles, 1), (release, 1), (looked, 2)):
                os.utime(path, ns=(at, at))
            assert not freshness.is_behind(looked, bundles)
            os.utime(changed, ns=(3, 3))
            assert freshness.is_behind(looked, bundles)


class TestApplied:
    """A start trusts the stamp of the last one only as long as nothing that it says could be otherwise."""

    def test_a_stamp_holds_until_something_that_counts_changes(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        assert applied.kinds(layout, FIRST) is None
        applied.stamp(layout, FIRST, plurals=("machines", "clusters"))
        assert applied.kinds(layout, FIRST) == {"clusters", "machines"}
        assert applied.kinds(layout, Record("1.32.0")) is None
        assert applied.kinds(layout, Record("1.31.4", port_base=9000)) is None
        layout.certificate("platform-ca").write_text("another")
        assert applied.kinds(layout, FIRST) is None

    def test_a_damaged_stamp_is_none(self, layout: Layout) -> None:
        pki.ensure(layout, FIRST, now=NOW)
        for text in ("", "[]", '{"mark": 1}'):
            layout.applied.write_text(text)
            assert applied.kinds(layout, FIRST) is None


def test_what_readyz_complains_of_is_taken_out_of_its_text() -> None:
    text = "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/rbac failed\nreadyz check failed"
    assert failing(text) == "etcd failed: reason withheld; poststarthook/rbac failed"
    assert failing("Forbidden") == "Forbidden"

"""Writes src/roost/bundle/vip.lock.json: the Debian packages of the self-built VIP's image, pinned by digest.

Run by hand when they are to be renewed. Asks apt with lists of its own below a temporary directory, so that nothing
of the machine's package management is changed; needs Debian 12 or apt sources of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PACKAGES = """
haproxy keepalived libblkid1 libc6 libcap2 libcom-err2 libcrypt1 libffi8 libgcc-s1 libgcrypt20 libglib2.0-0
libgpg-error0 libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 liblua5.3-0 liblz4-1 liblzma5
libmnl0 libmount1 libnftnl11 libnl-3-200 libnl-genl-3-200 libnsl2 libopentracing-c-wrapper0 libopentracing1 libpci3
libpcre2-8-0 libperl5.36 libselinux1 libsensors5 libsnmp40 libssl3 libstdc++6 libsystemd0 libtirpc3 libudev1 libwrap0
libzstd1 zlib1g
""".split()  # noqa: SIM905
"""The two programs and every package that holds a library which one of them loads."""
TARGET = Path(__file__).resolve().parents[1] / "src/roost/bundle/vip.lock.json"


def rows(architecture: str, home: Path, packages: Sequence[str]) -> list[dict[str, object]]:
    """Name, version, path, digest and size of each package."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (home / folder).mkdir(parents=True)
    (home / "status").touch()
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "Dir::State": str(home),
        "Dir::State::lists": str(home / "lists"),
        "Dir::State::status": str(home / "status"),
        "Dir::Cache": str(home / "cache"),
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", *flags, "update"], check=True, stdout=subprocess.DEVNULL)
    shown = subprocess.run(
        ["apt-cache", *flags, "show", "--no-all-versions", *packages], check=True, capture_output=True, text=True
    ).stdout
    found: list[dict[str, object]] = []
    for stanza in filter(None, shown.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
        found.append(
            {
                "name": fields["Package"],
                "version": fields["Version"],
                "path": fields["Filename"],
                "sha256": fields["SHA256"],
                "size": int(fields["Size"]),
            }
        )
    return sorted(found, key=lambda row: str(row["name"]))


def write(target: Path, packages: Sequence[str]) -> int:
    """The lock of an image; 1 where a package is missing."""
    lines = ["{"]
    architectures = ("amd64", "arm64")
    with tempfile.TemporaryDirectory() as scratch:
        for architecture in architectures:
            found = rows(architecture, Path(scratch) / architecture, packages)
            if len(found) != len(packages):
                print(f"{architecture}: {len(found)} of {len(packages)} packages", file=sys.stderr)
                return 1
            lines.append(f'  "{architecture}": [')
            lines.append(",\n".join(f"    {json.dumps(row)}" for row in found))
            lines.append("  ]" if architecture == architectures[-1] else "  ],")
    target.write_text("\n".join([*lines, "}"]) + "\n")
    return 0


def main() -> int:
    return write(TARGET, PACKAGES)


if __name__ == "__main__":
    sys.exit(main())

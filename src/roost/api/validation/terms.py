"""What a text is: words in both languages, and terms that go into their placeholders. Used by texts.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Text:
    en: str
    zh: str


@dataclass(frozen=True)
class Term:
    """Words that go into the place of a placeholder; English where they are formatted as they are."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.en

    def __format__(self, spec: str) -> str:
        return format(self.en, spec)


NOTHING: Final = Term("", "")
LOOPBACK: Final = Term("a loopback", "环回")
UNSPECIFIED: Final = Term("the unspecified", "未指定")
LINK_LOCAL: Final = Term("a link-local", "链路本地")
MULTICAST: Final = Term("a multicast", "组播")
RESERVED: Final = Term("a reserved", "保留")
POD_CIDR: Final = Term("podCIDR", " podCIDR")
SERVICE_CIDR: Final = Term("serviceCIDR", " serviceCIDR")
JOIN_CIDR: Final = Term("joinCIDR", " joinCIDR")
THE_ENDPOINT: Final = Term("the endpoint", "访问端点")
OWN_ADDRESS: Final = Term("the address by which the others reach it", "其他机器访问它所用的地址")

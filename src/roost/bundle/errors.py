"""What can go wrong with a bundle. Each message names the thing, the evidence and the remedy.

RoostError
├── RetryLater
│   ├── DownloadFailed        the site could not be reached or answered 5xx, after all attempts
│   └── StorageFailed         the disk is full, read-only or closed to this user
└── PermanentFailure
    ├── VersionUnsupported    no row for this Kubernetes version
    ├── BundleMissing         no such bundle in the store
    ├── BundleDamaged         a file of a bundle is absent or is not what its digest says
    ├── BundleRefused         made by a newer roost, or not a bundle at all
    ├── ArchitectureMissing   upstream or the bundle has nothing for this architecture
    ├── UpstreamRefused       404, 401, 403: asking again will not help
    ├── ChecksumMismatch      bytes are other than upstream's own checksum says
    ├── ImageListDiffers      kubeadm asks for other images than the table holds
    ├── ProbeMissing          roost-probe was not built for this architecture
    └── PushFailed            the registry refused an upload
"""

from __future__ import annotations

from roost.api.errors import PermanentFailure, RetryLater


class DownloadFailed(RetryLater):
    def __init__(self, message: str) -> None:
        super().__init__("DownloadFailed", message)


class StorageFailed(RetryLater):
    def __init__(self, message: str) -> None:
        super().__init__("StorageFailed", message)


class VersionUnsupported(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("VersionUnsupported", message)


class BundleMissing(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("BundleMissing", message)


class BundleDamaged(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("BundleDamaged", message)


class BundleRefused(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("BundleRefused", message)


class ArchitectureMissing(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("ArchitectureMissing", message)


class UpstreamRefused(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("UpstreamRefused", message)


class ChecksumMismatch(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("ChecksumMismatch", message)


class ImageListDiffers(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("ImageListDiffers", message)


class ProbeMissing(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("ProbeMissing", message)


class PushFailed(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("PushFailed", message)

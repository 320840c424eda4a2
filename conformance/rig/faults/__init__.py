"""Every fault by name. Importing this package registers them all."""

from conformance.rig.faults import answers, connections, listening, packets, sessions, tls, upgrades
from conformance.rig.faults.base import FAULTS, Fault, Stage
from conformance.rig.faults.build import build, build_at

__all__ = [
    "FAULTS",
    "Fault",
    "Stage",
    "answers",
    "build",
    "build_at",
    "connections",
    "listening",
    "packets",
    "sessions",
    "tls",
    "upgrades",
]

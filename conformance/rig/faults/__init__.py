"""Every fault by name. Importing this package registers them all."""

from conformance.rig.faults import answers, connections, listening, sessions, tls, upgrades
from conformance.rig.faults.base import FAULTS, Fault, Stage
from conformance.rig.faults.build import build

__all__ = ["FAULTS", "Fault", "Stage", "answers", "build", "connections", "listening", "sessions", "tls", "upgrades"]

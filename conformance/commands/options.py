"""What ``conform run`` was asked to do, as data, and the defaults that depend on the machine."""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.bundle import bundled
from conformance.commands.report_files import ReportFile
from conformance.errors import InputError
from conformance.model import Level, Side
from conformance.rig.engine import RigMode
from conformance.rig.serving.wire import check_ca
from conformance.subjects import load_subject
from conformance.targets import TargetSpec, parse_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.model import Profile

OUTPUT = Path("reports/runs")
SEED_END = 2**32
_MEMINFO = Path("/proc/meminfo")
_RIG_MIB = 300  # a browser that has been through many scenarios has some 260, all its processes together
JOBS_PER_CPU = 8  # scenarios mostly wait: more rigs than cores overlap their waits
# A rig that is not warm starts a browser for each scenario, and a starved one tells little; least of all one whose
# subject begins with its browser.
JOBS_PER_CPU_COLD = {RigMode.FRESH: 3, RigMode.UNATTACHED: 1}
JOBS_PER_CPU_WITH_TARGETS = 4  # servers of its own cost a rig more, and one that counts connects is not hurried


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Everything that ``conform run`` can be told."""

    extensions: tuple[Path, ...] = ()
    subjects: tuple[Path, ...] = ()
    scenarios: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    list_only: bool = False
    level: Level = Level.MUST
    jobs: int = 0
    rig: RigMode = RigMode.WARM
    seed: int = 0
    shuffle: bool = False
    repeat: int = 1
    fail_fast: bool = False
    headed: bool = False
    reports: tuple[ReportFile, ...] = ()
    browser: str | None = None
    calibration: Path | None = None
    output: Path = OUTPUT
    targets: tuple[TargetSpec, ...] = ()
    verbose: bool = False


def targets_of(local: str | None, public: str | None, ca: Path | None, *, owned: bool) -> tuple[TargetSpec, ...]:
    """The targets that are stated. Raises InputError."""
    if ca is not None:
        if public is None:
            raise InputError("--public-target-ca is for a --public-target, and there is none; name one")
        check_ca(ca, "--public-target-ca")
    if owned and local is None and public is None:
        raise InputError("--i-own-this-target is for a --local-target or --public-target, and there is none; name one")
    stated = ((Side.LOCAL, local, ""), (Side.PUBLIC, public, str(ca) if ca else ""))
    return tuple(parse_target(side, text, ca=its, owned=owned) for side, text, its in stated if text is not None)


def default_jobs(per_cpu: int = JOBS_PER_CPU, rig: RigMode = RigMode.WARM) -> int:
    """How many rigs at once when nobody says. ``per_cpu``: what the work bears in warm rigs, if the memory is there."""
    most = min(per_cpu, JOBS_PER_CPU_COLD.get(rig, per_cpu))
    return max(1, min(most * (os.cpu_count() or 1), _available_mib() // _RIG_MIB))


def _available_mib() -> int:
    """Memory that can be had without swapping (proc(5)); a great deal where the kernel does not say."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        lines = []
    told = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return sys.maxsize if told is None else int(told) // 1024


def random_seed() -> int:
    """A seed for a run that names none; the record keeps it."""
    return secrets.randbelow(SEED_END)


def new_run_id(now: datetime | None = None) -> str:
    """UTC time and a few random letters: sorts by time, and two runs in one second differ."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    return f"{moment}-{secrets.token_hex(2)}"


def load_subjects(extensions: Sequence[Path], subjects: Sequence[Path]) -> tuple[Profile, ...]:
    """The profiles of what is to be judged; the bundled reference extension when nothing is named.

    As many ``--subject`` as ``--extension``: the first profile is of the first extension, and so on.
    """
    if extensions and subjects and len(extensions) != len(subjects):
        counts = f"{len(extensions)} --extension and {len(subjects)} --subject"
        raise InputError(f"{counts}: give one --subject for each --extension, or only one kind of the two")
    if extensions and subjects:
        loaded = [load_subject(extension, profile) for extension, profile in zip(extensions, subjects, strict=True)]
    elif subjects:
        loaded = [load_subject(None, profile) for profile in subjects]
    else:
        wanted = extensions or (bundled("fixtures", "extensions", "reference"),)
        loaded = [load_subject(extension, None) for extension in wanted]
    return with_distinct_names(loaded)


def with_distinct_names(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """Two builds of one extension have one name: tell them apart by their directories, else by numbers."""
    clashing = {name for name, count in Counter(profile.name for profile in profiles).items() if count > 1}
    taken = {profile.name for profile in profiles if profile.name not in clashing}
    named = []
    for profile in profiles:
        name = profile.name
        if name in clashing:
            name = _free(f"{name} ({Path(profile.extension).name})", taken)
        taken.add(name)
        named.append(replace(profile, name=name))
    return tuple(named)


def _free(name: str, taken: set[str]) -> str:
    number = 2
    while name in taken:
        name, number = f"{name.removesuffix(f' {number - 1}')} {number}", number + 1
    return name

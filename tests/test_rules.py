"""The project's rules as ordinary tests: who may import whom, how large, what must have a test, what no file may say.

A module is core unless it is named below as shell or front, so that a new one is held to the
strictest rule until somebody decides otherwise.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from conformance.files import load_requirements, load_scenarios

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "conformance"

# Modules that may touch clocks, sockets, files and processes.
SHELL = ("rig", "report", "store", "files", "subjects", "bundle", "gallery")
# Modules that users meet: nothing but other fronts imports them.
FRONTS = (
    "cli",
    "cli_load",
    "cli_options",
    "cli_servers",
    "commands",
    "plugin",
    "pytest_items",
    "pytest_rigs",
    "pytest_session",
    "__main__",
)

# The core computes; what it may not even import, and the three libraries it may.
IMPURE = {"asyncio", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess", "tempfile", "threading"}
IMPURE |= {"time", "uuid", "selectors", "signal", "multiprocessing", "urllib.request", "http.client", "ssl"}
CORE_LIBRARIES = {"numpy", "pydantic", "yaml"}

MODULE_LINES_MAX = 300  # lines that are not blank
TEST_MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50  # a screen

# Modules (and packages, with all that is in them) whose test module has another name, or none, and why.
TESTED_IN = {
    "__main__": "tests/test_cli.py",  # hands over to cli.main
    "cli_options": "tests/test_cli.py",  # what its commands are typed with
    "pytest_session": "tests/test_plugin.py",  # only a pytest run shows what it does
    "rig.load.locustfile": "tests/rig/load/test_generator.py",  # only locust's own processes import it
    "rig.serving.talk": "tests/servers/test_mutants.py",  # these four are sent to servers that are right and wrong
    "rig.serving.examination": "tests/servers/test_mutants.py",
    "rig.serving.checks": "tests/servers/test_mutants.py",
    "rig.serving.examine": "tests/servers/test_mutants.py",
    "rig.serving.fuzzing": "tests/servers/test_fuzzing.py",
    "rig.serving.openapi_process": "tests/rig/serving/test_openapi.py",  # only a process of its own imports it
    "rig.healthy": "tests/rig/test_fake.py",  # a fake without faults
    "rig.faults": "tests/rig/faults/test_every_fault.py",  # one test a fault, whatever its module
}
PURE_DATA = {"record"}  # dataclasses without a line of behaviour

NOT_OURS = {
    ".git",
    ".venv",
    ".venv-deploy",
    ".tox",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
}
NOT_OURS |= {"build", "dist", "node_modules"}
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".ini", ".json", ".js", ".html", ".css", ".sh", ""}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name below the package; a package's own is the package's."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def is_in(name: str, layer: tuple[str, ...]) -> bool:
    return name.partition(".")[0] in layer


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(node: ast.AST) -> Iterator[str]:
    """Every module that is imported at run time, functions' own imports included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.module or ""
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from imports(child)


def project_files() -> Iterator[Path]:
    for directory, subdirectories, files in os.walk(ROOT):
        subdirectories[:] = [name for name in subdirectories if name not in NOT_OURS and not name.endswith(".egg-info")]
        if Path(directory) == ROOT / "reports":
            subdirectories[:] = [name for name in subdirectories if name != "runs"]
        yield from (Path(directory, name) for name in files if Path(name).suffix in TEXT)


def texts() -> Iterator[tuple[str, str]]:
    """Every text file but this one, which has to spell out what it looks for."""
    for path in sorted(project_files()):
        if path != Path(__file__).resolve():
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def places(pattern: re.Pattern[str], *, where: re.Pattern[str] | None = None) -> list[str]:
    """``file:line: match`` for every match of ``pattern``."""
    return [
        f"{name}:{number}: {match.group()}"
        for name, text in texts()
        if where is None or where.search(name)
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


# --- imports -------------------------------------------------------------------------------------


@named([path for path in modules() if not is_in(name_of(path), SHELL + FRONTS)])
def test_core_is_pure(path: Path) -> None:
    wrong = []
    for name in imports(tree_of(path)):
        top = name.partition(".")[0]
        inner = name.removeprefix("conformance.")
        if top == "conformance" and is_in(inner, SHELL + FRONTS):
            wrong.append(f"{name}: the core imports neither shell nor fronts")
        if top in IMPURE or name in IMPURE:
            wrong.append(f"{name}: the core touches no clock, file, socket or chance")
    assert wrong == []


@named([path for path in modules() if not is_in(name_of(path), SHELL + FRONTS)])
def test_core_stands_on_three_libraries(path: Path) -> None:
    import sys  # noqa: PLC0415

    tops = {name.partition(".")[0] for name in imports(tree_of(path))}
    assert tops - set(sys.stdlib_module_names) - CORE_LIBRARIES - {"conformance"} == set()


@named([path for path in modules() if not is_in(name_of(path), FRONTS)])
def test_only_fronts_import_fronts(path: Path) -> None:
    inner = [name.removeprefix("conformance.") for name in imports(tree_of(path)) if name.startswith("conformance.")]
    assert [name for name in inner if is_in(name, FRONTS)] == []


def test_layers_name_what_exists() -> None:
    tops = {name_of(path).partition(".")[0] for path in modules()}
    assert [name for name in SHELL + FRONTS if name not in tops] == []


# --- size and shape ------------------------------------------------------------------------------


@named(modules() + sorted((ROOT / "benchmarks").rglob("*.py")) + sorted((ROOT / "tests").rglob("*.py")))
def test_module_fits_a_sitting(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= (TEST_MODULE_LINES_MAX if path.is_relative_to(ROOT / "tests") else MODULE_LINES_MAX)


@named(modules())
def test_functions_fit_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_MAX} == {}


@named(modules() + sorted((ROOT / "benchmarks").rglob("*.py")) + sorted((ROOT / "tests").rglob("*.py")))
def test_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@named(modules())
def test_module_has_its_test_module(path: Path) -> None:
    name = name_of(path)
    has_code = any(not isinstance(node, ast.Expr) for node in tree_of(path).body)
    if name in PURE_DATA or not has_code:
        return
    *parents, last = name.split(".")
    home = ROOT.joinpath("tests", *parents)
    candidates = [home / f"test_{last}.py", home / last / f"test_{last}.py"]  # a package's may lie inside
    candidates += [ROOT / test for module, test in TESTED_IN.items() if f"{name}.".startswith(f"{module}.")]
    assert any(each.is_file() for each in candidates), f"{candidates[0].relative_to(ROOT)} is missing"


def test_exceptions_are_still_needed() -> None:
    names = {name_of(path) for path in modules()}
    assert set(TESTED_IN) | PURE_DATA <= names
    assert [test for test in TESTED_IN.values() if not (ROOT / test).is_file()] == []
    assert [name for name in PURE_DATA if (ROOT / "tests" / f"test_{name}.py").exists()] == []


@named([path for path in modules() if name_of(path) in PURE_DATA])
def test_pure_data_has_no_behaviour(path: Path) -> None:
    assert [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)] == []


# --- ids -----------------------------------------------------------------------------------------


def test_requirement_ids_exist() -> None:
    known = {requirement.id for requirement in load_requirements()}
    prefixes = "|".join(sorted({name.partition("-")[0] for name in known}))
    pattern = re.compile(rf"\b(?:{prefixes})-\d+\b")
    used = places(pattern, where=re.compile(r"^(scenarios|conformance|docs|fixtures)/|^[A-Z]+\.md$"))
    assert len(used) > len(known)
    assert [place for place in used if place.rpartition(" ")[2] not in known] == []


def test_every_scenario_covers_known_requirements() -> None:
    known = {requirement.id for requirement in load_requirements()}
    scenarios = load_scenarios()
    assert scenarios
    assert {name for scenario in scenarios for name in scenario.covers} <= known


def test_documents_name_scenarios_that_exist() -> None:
    ids = [scenario.id for scenario in load_scenarios()]
    documents = re.compile(r"\.md$")
    cases = places(re.compile(r"`[a-z0-9]+(?:-[a-z0-9]+)*\[[^\]`]+\]`"), where=documents)
    unknown = [place for place in cases if place.rpartition(" ")[2].strip("`") not in ids]
    for place in places(re.compile(r"--scenario[ =]'?([^\s'`]+)"), where=documents):
        glob = re.split(r"--scenario[ =]", place)[1].strip("'")
        literal = glob.replace("[", "[[]")
        if glob.isupper() or any(fnmatchcase(one, glob) or fnmatchcase(one, literal) for one in ids):
            continue
        unknown.append(place)
    assert unknown == []


# --- words ---------------------------------------------------------------------------------------


def test_nothing_is_left_for_later() -> None:
    assert places(re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")) == []


def test_no_paths_of_anybodys_machine() -> None:
    assert places(re.compile(r"(?<![\w./~-])/(?:work|root|home|Users)/[\w.]+|/tmp/(?!\.)\w+")) == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-deploy.lock"])
def test_lock_names_no_host_and_pins_every_package(name: str) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in lock
    heads = [line for line in lock.splitlines() if line and line[0] not in " #"]
    assert heads
    assert [line for line in heads if not re.match(r"[\w.-]+==[\w.]+( ;.*)? \\$", line)] == []
    assert lock.count("--hash=sha256:") >= len(heads)


@pytest.mark.parametrize(
    ("name", "extras"), [("requirements.lock", ["dev"]), ("requirements-deploy.lock", ["deploy", "deploy-tests"])]
)
def test_every_dependency_is_locked(name: str, extras: list[str]) -> None:
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = project["dependencies"] + [one for extra in extras for one in project["optional-dependencies"][extra]]
    locked = set(re.findall(r"(?m)^([\w.-]+)==", (ROOT / name).read_text(encoding="utf-8")))
    names = {re.split(r"[<>=!~ ;\[]", one)[0].lower().replace("_", "-") for one in stated}
    assert names - locked == set()

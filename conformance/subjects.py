"""From a directory on disk to a ``Profile`` that can be run.

Shell: reads files and nothing else. Whatever would keep the browser from loading the extension, or
its worker from starting, is found here, before a browser is started: one ``SubjectError`` that names
the file and the next step. What a ``subject.toml`` may say is profiles.py's business.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from conformance.errors import DataError, SubjectError, did_you_mean
from conformance.files import load_requirements
from conformance.model import TriggerKind
from conformance.profiles import parse_profile, stated_extension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from conformance.model import Profile

PROFILE_NAME = "subject.toml"
MANIFEST_NAME = "manifest.json"

_BUILD_DIRECTORIES = ("dist", "build", "extension", "src", "public", "out", "app")
_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,3}")
_MESSAGE = re.compile(r"__MSG_\w+__")

# Chrome takes comments in a manifest, JSON does not. Strings are matched first, so that "http://…" stays.
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)

# Names that Chrome reserves at the top of an extension, and those of them that it takes.
_RESERVED_PREFIX = "_"
_RESERVED_ALLOWED = frozenset({"_locales", "_platform_specific"})

# What a worker's script pulls in as it starts, where it can be told without parsing JavaScript.
_IMPORT = re.compile(
    r"""^\s*(?:import\s*|(?:import|export)\b[^'"();=.]*?\bfrom\s*)['"](\.{0,2}/[^'"]+)['"]""", re.MULTILINE
)
_IMPORT_SCRIPTS = re.compile(r"""^\s*importScripts\(([^)]*)\)""", re.MULTILINE)
_QUOTED = re.compile(r"""['"]([^'"]+)['"]""")


def load_subject(
    extension_dir: Path | None, profile: Path | None, *, features: Collection[str] | None = None
) -> Profile:
    """The profile of the extension in ``extension_dir``, or where ``profile`` says that it is.

    Without ``profile``, the ``subject.toml`` next to the manifest speaks, or the defaults. ``features``:
    what a profile may declare absent; None: what the bundled requirements know.
    """
    try:
        return _load(extension_dir, profile, features)
    except OSError as error:
        raise SubjectError(f"{error.filename} cannot be read: {error.strerror}; check who may read it") from error


def _load(extension_dir: Path | None, profile: Path | None, features: Collection[str] | None) -> Profile:
    text = None if profile is None else _text(profile, "profile")
    if extension_dir is None:
        if profile is None or text is None:
            raise SubjectError("no subject: give an extension's directory or a profile")
        extension_dir = profile.parent / stated_extension(text, str(profile))
    manifest = _manifest(extension_dir)
    source = profile or extension_dir / PROFILE_NAME
    if text is None:
        text = _text(source, "profile") if source.exists() else ""
    if features is None:
        features = {requirement.feature for requirement in load_requirements() if requirement.feature}
    directory = str(extension_dir.resolve())
    found = parse_profile(text, str(source), directory=directory, manifest=manifest, features=features)
    _check_trigger(found, extension_dir, manifest)
    return found


def _text(path: Path, what: str) -> str:
    if path.is_dir():
        raise SubjectError(f"{path} is a directory, not a {what}; to judge the extension in it, give it as one")
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SubjectError(f"{path}: no such {what}{did_you_mean(path.name, _names_in(path.parent))}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error


def _names_in(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()] if directory.is_dir() else []


# --- the manifest --------------------------------------------------------------------------------


def _manifest(directory: Path) -> dict[str, Any]:
    """The manifest, once it is known that Chrome will load what it describes."""
    _check_directory(directory)
    path = directory / MANIFEST_NAME
    manifest = _parse(_text(path, "manifest"), path)
    _check_head(manifest, path)
    _check_locales(manifest, directory)
    for key, file, may_be_empty in _files_named(manifest):
        _check_file(directory, key, file, may_be_empty=may_be_empty)
    for name in sorted(_names_in(directory)):
        if name.startswith(_RESERVED_PREFIX) and name not in _RESERVED_ALLOWED:
            raise SubjectError(f"{directory / name}: Chrome loads no extension with a name in _ at its top; remove it")
    worker = _worker(manifest)
    if isinstance(worker, str) and worker:
        _check_imports(directory, _inside(directory, worker))
    return manifest


def _check_directory(directory: Path) -> None:
    if not directory.exists():
        siblings = [name for name in _names_in(directory.parent) if (directory.parent / name).is_dir()]
        raise SubjectError(f"{directory}: no such directory{did_you_mean(directory.name, siblings)}")
    if not directory.is_dir():
        kind = "a packed extension; unpack it and" if directory.suffix in (".crx", ".zip") else "a file;"
        raise SubjectError(f"{directory} is {kind} give the directory that holds {MANIFEST_NAME}")
    if not (directory / MANIFEST_NAME).exists():
        built = [name for name in _BUILD_DIRECTORIES if (directory / name / MANIFEST_NAME).exists()]
        step = f"; there is one in {directory / built[0]}: give that" if built else "; is this the built extension?"
        raise SubjectError(f"{directory} has no {MANIFEST_NAME}{step}")


def _parse(text: str, path: Path) -> dict[str, Any]:
    def blank(match: re.Match[str]) -> str:
        found = match[0]
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    try:
        manifest = json.loads(_STRING_OR_COMMENT.sub(blank, text))
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise SubjectError(f"{where} is not JSON: {error.msg}; correct it there or just before") from error
    if not isinstance(manifest, dict):
        raise SubjectError(f"{path} holds no JSON object; a manifest is one: {{…}}")
    return manifest


def _check_head(manifest: dict[str, Any], path: Path) -> None:
    version = manifest.get("manifest_version")
    if version != 3 or isinstance(version, bool):  # noqa: PLR2004 - Manifest V3
        is_old = version == 2  # noqa: PLR2004 - Manifest V2
        step = "Chrome loads Manifest V2 no longer; move the extension to V3" if is_old else "set it to 3"
        raise SubjectError(f"{path}: 'manifest_version' is {json.dumps(version)}; {step}")
    name = manifest.get("name")
    if not isinstance(name, str) or not name:
        raise SubjectError(f"{path}: 'name' is missing or no text; Chrome loads no extension without one")
    stated = manifest.get("version")
    if not isinstance(stated, str) or not _VERSION.fullmatch(stated):
        raise SubjectError(f"{path}: 'version' is {json.dumps(stated)}; write one to four numbers, such as \"1.0.0\"")


def _check_locales(manifest: dict[str, Any], directory: Path) -> None:
    locale = manifest.get("default_locale")
    messages = directory / "_locales" / str(locale) / "messages.json"
    if locale is not None and not messages.is_file():
        raise SubjectError(f"{messages} is missing, but 'default_locale' in {MANIFEST_NAME} needs it; add it")
    if locale is None and (directory / "_locales").is_dir():
        raise SubjectError(f"{directory / MANIFEST_NAME}: 'default_locale' is missing, but there is _locales; add it")


def _files_named(manifest: dict[str, Any]) -> Iterator[tuple[str, object, bool]]:
    """Every file the manifest promises: key, path, and whether the file may be empty."""
    yield "background.service_worker", _worker(manifest), True
    action = _table(manifest, "action")
    for key, icons in (("icons", manifest.get("icons")), ("action.default_icon", action.get("default_icon"))):
        for file in icons.values() if isinstance(icons, dict) else [icons]:
            yield key, file, False  # Chrome refuses an empty icon
    yield "action.default_popup", action.get("default_popup"), True
    yield "options_page", manifest.get("options_page"), True
    yield "options_ui.page", _table(manifest, "options_ui").get("page"), True
    yield "side_panel.default_path", _table(manifest, "side_panel").get("default_path"), True
    scripts = manifest.get("content_scripts")
    for script in scripts if isinstance(scripts, list) else []:
        for kind in ("js", "css"):
            files = script.get(kind) if isinstance(script, dict) else None
            for file in files if isinstance(files, list) else []:
                yield f"content_scripts.{kind}", file, True


def _table(manifest: dict[str, Any], key: str) -> dict[str, Any]:
    value = manifest.get(key)
    return value if isinstance(value, dict) else {}


def _worker(manifest: dict[str, Any]) -> object:
    return _table(manifest, "background").get("service_worker")


# --- the files -----------------------------------------------------------------------------------


def _inside(directory: Path, file: str) -> Path:
    return directory / re.split(r"[?#]", file, maxsplit=1)[0].lstrip("/")


def _check_file(directory: Path, key: str, file: object, *, may_be_empty: bool) -> None:
    if not file:
        return
    manifest = directory / MANIFEST_NAME
    if not isinstance(file, str):
        raise SubjectError(f"{manifest}: '{key}' is {json.dumps(file)}; write the path of a file")
    path = _inside(directory, file)
    if _MESSAGE.search(file):
        return  # named by a locale: Chrome resolves it
    if not path.resolve().is_relative_to(directory.resolve()):
        raise SubjectError(f"{manifest}: '{key}' names {file!r}, outside the extension; move the file into it")
    if not path.is_file():
        known = [str(each.relative_to(directory)) for each in directory.rglob(f"*{path.suffix}")]
        raise SubjectError(f"{path} is missing, but '{key}' in {MANIFEST_NAME} names it{did_you_mean(file, known)}")
    if not may_be_empty and path.stat().st_size == 0:
        raise SubjectError(f"{path} is empty, but '{key}' in {MANIFEST_NAME} names it; put an image there")


def _check_imports(directory: Path, worker: Path) -> None:
    """Follow the worker's static imports: Chrome loads an extension whose worker then dies of a missing one."""
    waiting, seen = [worker], {worker.resolve()}
    while waiting:
        script = waiting.pop()
        for line, name, beside in _imports(script, worker):
            base = directory if name.startswith("/") else beside
            path = base / re.split(r"[?#]", name, maxsplit=1)[0].lstrip("/")
            if not path.is_file():
                raise SubjectError(f"{script}:{line} imports {name!r}, but {path} is missing; add it or build first")
            if path.resolve() not in seen:
                seen.add(path.resolve())
                waiting.append(path)


def _imports(script: Path, worker: Path) -> Iterator[tuple[int, str, Path]]:
    """Line, name, and the directory that the name is seen from."""
    text = script.read_text(encoding="utf-8", errors="replace")
    for match in _IMPORT.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match[1], script.parent
    for call in _IMPORT_SCRIPTS.finditer(text):
        for match in _QUOTED.finditer(call[1]):
            if "://" not in match[1]:
                yield text.count("\n", 0, call.start(1) + match.start()) + 1, match[1], worker.parent


def _check_trigger(profile: Profile, directory: Path, manifest: dict[str, Any]) -> None:
    if profile.trigger.kind in (TriggerKind.CLICK, TriggerKind.MESSAGE):
        page = _inside(directory, profile.trigger.page)
        if not page.is_file():
            known = [str(each.relative_to(directory)) for each in directory.rglob("*.html")]
            raise SubjectError(
                f"{page} is missing, but the trigger needs it{did_you_mean(profile.trigger.page, known)}"
            )
    elif not _worker(manifest) and profile.trigger.kind is TriggerKind.START:
        raise SubjectError(
            f"{directory / MANIFEST_NAME}: 'background.service_worker' is missing, so nothing starts the extension; "
            f"add it, or state in {PROFILE_NAME} how it is triggered: [trigger] kind = 'click', 'message' or 'visit'"
        )

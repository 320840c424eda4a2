"""An extension's directory: taken, or refused with one message that names the file and the next step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import ConformError, DataError, SubjectError
from conformance.model import Profile, TriggerKind
from conformance.subjects import load_subject

MANIFEST: dict[str, Any] = {
    "manifest_version": 3,
    "name": "A subject",
    "version": "1.2",
    "background": {"service_worker": "worker.js"},
}


def extension(directory: Path, manifest: dict[str, Any] | str | None = None, **files: str) -> Path:
    """An extension in ``directory``; files by path, ``__`` for a slash and ``_`` before the suffix for its dot."""
    write(directory / "worker.js", "//")
    if not isinstance(manifest, str):
        merged = {**MANIFEST, **(manifest or {})}
        manifest = json.dumps({key: value for key, value in merged.items() if value is not None})
    write(directory / "manifest.json", manifest)
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        write(directory / f"{stem}.{suffix}", text)
    return directory


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def refused(extension_dir: Path | None, profile: Path | None = None) -> str:
    with pytest.raises(ConformError) as caught:
        load_subject(extension_dir, profile)
    assert isinstance(caught.value, SubjectError | DataError)
    return str(caught.value)


# --- what is taken -------------------------------------------------------------------------------


def test_an_extension_alone_gets_the_defaults(tmp_path: Path) -> None:
    assert load_subject(extension(tmp_path), None) == Profile("A subject", "1.2", str(tmp_path.resolve()))


def test_the_subject_toml_beside_the_manifest_speaks(tmp_path: Path) -> None:
    assert load_subject(extension(tmp_path, subject_toml="name = 'mine'"), None).name == "mine"


def test_a_profile_beside_its_extension_needs_no_directory(tmp_path: Path) -> None:
    directory = extension(tmp_path, subject_toml="name = 'mine'")
    assert load_subject(None, directory / "subject.toml").extension == str(tmp_path.resolve())


def test_a_profile_elsewhere_says_where_its_extension_is(tmp_path: Path) -> None:
    extension(tmp_path / "dist")
    write(tmp_path / "conformance" / "mine.toml", "extension = '../dist'")
    found = load_subject(None, tmp_path / "conformance" / "mine.toml")
    assert (found.name, found.extension) == ("A subject", str((tmp_path / "dist").resolve()))


def test_a_stated_directory_wins_over_the_profiles_own_word(tmp_path: Path) -> None:
    extension(tmp_path / "build")
    write(tmp_path / "mine.toml", "extension = 'nowhere'\nname = 'mine'")
    found = load_subject(tmp_path / "build", tmp_path / "mine.toml")
    assert (found.name, found.extension) == ("mine", str((tmp_path / "build").resolve()))


def test_a_name_from_a_locale_becomes_the_directorys(tmp_path: Path) -> None:
    manifest = {"name": "__MSG_app__", "default_locale": "en"}
    directory = extension(tmp_path / "my-ext", manifest, _locales__en__messages_json="{}")
    assert load_subject(directory, None).name == "my-ext"


@pytest.mark.parametrize(
    "text",
    [
        '// here\n{/* and */"manifest_version": 3, "name": "http://x /*", "version": "1", "background": %s}',
        '\ufeff{"manifest_version": 3, "name": "x", "version": "1", "background": %s}',
    ],
)
def test_a_manifest_that_chrome_takes_is_taken(tmp_path: Path, text: str) -> None:
    assert load_subject(extension(tmp_path, text % json.dumps(MANIFEST["background"])), None).version == "1"


@pytest.mark.parametrize("worker", ["/worker.js", "./worker.js", "worker.js?x=1"])
def test_a_path_that_chrome_takes_is_taken(tmp_path: Path, worker: str) -> None:
    assert load_subject(extension(tmp_path, {"background": {"service_worker": worker}}), None).name == "A subject"


def test_an_extension_without_a_worker_is_taken_when_something_else_triggers_it(tmp_path: Path) -> None:
    manifest = {"background": None, "action": {"default_popup": "popup.html"}}
    profile = "[trigger]\nkind = 'click'\nselector = '#go'"
    directory = extension(tmp_path, manifest, popup_html="<p>", subject_toml=profile)
    assert load_subject(directory, None).trigger.kind is TriggerKind.CLICK


# --- the directory -------------------------------------------------------------------------------


def test_nothing_named_at_all() -> None:
    assert refused(None) == "no subject: give an extension's directory or a profile"


def test_no_such_directory(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    assert refused(tmp_path / "refrence") == f"{tmp_path / 'refrence'}: no such directory; did you mean 'reference'?"


def test_a_packed_extension(tmp_path: Path) -> None:
    write(tmp_path / "mine.crx", "Cr24")
    assert "is a packed extension; unpack it and give the directory" in refused(tmp_path / "mine.crx")


def test_a_file_instead_of_a_directory(tmp_path: Path) -> None:
    assert "is a file; give the directory" in refused(extension(tmp_path) / "manifest.json")


def test_no_manifest(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} has no manifest.json; is this the built extension?"


def test_no_manifest_here_but_in_the_build(tmp_path: Path) -> None:
    extension(tmp_path / "dist")
    assert refused(tmp_path) == f"{tmp_path} has no manifest.json; there is one in {tmp_path / 'dist'}: give that"


@pytest.mark.parametrize("name", ["__pycache__", "_metadata"])
def test_a_name_that_chrome_reserves(tmp_path: Path, name: str) -> None:
    (extension(tmp_path) / name).mkdir()
    assert refused(tmp_path) == f"{tmp_path / name}: Chrome loads no extension with a name in _ at its top; remove it"


# --- the manifest --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "name": "x",\n}', ":3:1 is not JSON: Expecting property name enclosed in double quotes; correct it"),
        ('{\n// {\n  "name" "x"}', ":3:10 is not JSON: Expecting ':' delimiter; correct it"),
        ("", ":1:1 is not JSON: Expecting value; correct it"),
        ("[]", " holds no JSON object"),
    ],
)
def test_a_manifest_that_is_no_json_object(tmp_path: Path, text: str, message: str) -> None:
    assert f"{tmp_path / 'manifest.json'}{message}" in refused(extension(tmp_path, text))


def test_a_manifest_that_is_not_utf_8(tmp_path: Path) -> None:
    (extension(tmp_path) / "manifest.json").write_bytes(b'{"name": "\xff"}')
    assert "byte 10 is not UTF-8" in refused(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifest_version": 2}, "'manifest_version' is 2; Chrome loads Manifest V2 no longer; move the extension"),
        ({"manifest_version": None}, "'manifest_version' is null; set it to 3"),
        ({"manifest_version": "3"}, "'manifest_version' is \"3\"; set it to 3"),
        ({"name": None}, "'name' is missing or no text"),
        ({"version": None}, "'version' is null; write one to four numbers"),
        ({"version": "v1.0"}, "'version' is \"v1.0\"; write one to four numbers"),
        ({"background": None}, "'background.service_worker' is missing, so nothing starts the extension"),
        ({"background": {"scripts": ["worker.js"]}}, "'background.service_worker' is missing"),
        ({"background": {"service_worker": ["worker.js"]}}, "'background.service_worker' is [\"worker.js\"]"),
        ({"icons": {"16": 5}}, "'icons' is 5; write the path of a file"),
        ({"icons": {"16": "../icon.png"}}, "'icons' names '../icon.png', outside the extension"),
    ],
)
def test_a_manifest_that_chrome_would_refuse(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    assert refused(extension(tmp_path / "x", change)).startswith(f"{tmp_path / 'x' / 'manifest.json'}: {message}")


@pytest.mark.parametrize(
    ("change", "key", "file"),
    [
        ({"background": {"service_worker": "wroker.js"}}, "background.service_worker", "wroker.js"),
        ({"icons": {"16": "icons/16.png"}}, "icons", "icons/16.png"),
        ({"action": {"default_icon": "icon.png"}}, "action.default_icon", "icon.png"),
        ({"action": {"default_icon": {"16": "icon.png"}}}, "action.default_icon", "icon.png"),
        ({"action": {"default_popup": "popup.html"}}, "action.default_popup", "popup.html"),
        ({"options_page": "options.html"}, "options_page", "options.html"),
        ({"options_ui": {"page": "options.html"}}, "options_ui.page", "options.html"),
        ({"side_panel": {"default_path": "side.html"}}, "side_panel.default_path", "side.html"),
        ({"content_scripts": [{"matches": [], "js": ["page.js"]}]}, "content_scripts.js", "page.js"),
        ({"content_scripts": [{"matches": [], "css": ["page.css"]}]}, "content_scripts.css", "page.css"),
    ],
)
def test_a_file_that_the_manifest_names_and_is_not_there(
    tmp_path: Path, change: dict[str, Any], key: str, file: str
) -> None:
    message = f"{tmp_path / file} is missing, but '{key}' in manifest.json names it"
    assert refused(extension(tmp_path, change)).startswith(message)


def test_a_missing_file_gets_the_nearest_one_that_is_there(tmp_path: Path) -> None:
    message = refused(extension(tmp_path, {"background": {"service_worker": "wroker.js"}}))
    assert message.endswith("names it; did you mean 'worker.js'?")


def test_an_empty_icon(tmp_path: Path) -> None:
    directory = extension(tmp_path, {"icons": {"16": "icon.png"}}, icon_png="")
    assert refused(directory).startswith(f"{tmp_path / 'icon.png'} is empty, but 'icons' in manifest.json names it")


def test_a_locale_that_is_not_there(tmp_path: Path) -> None:
    messages = tmp_path / "_locales" / "en" / "messages.json"
    assert refused(extension(tmp_path, {"default_locale": "en"})).startswith(f"{messages} is missing, but")


def test_locales_without_a_default(tmp_path: Path) -> None:
    directory = extension(tmp_path, _locales__en__messages_json="{}")
    assert "'default_locale' is missing, but there is _locales" in refused(directory)


# --- the worker's imports ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("import './gone.js';", 1),
        ("//\nimport { a, b } from './gone.js';", 2),
        ("import {\n  a,\n  b,\n} from './gone.js';", 4),
        ("export * from '/gone.js';", 1),
        ("importScripts('gone.js');", 1),
        ("importScripts(\n  'worker.js',\n  'gone.js');", 3),
        ("import './part.js';", 1),
    ],
)
def test_an_import_that_is_not_there(tmp_path: Path, script: str, line: int) -> None:
    directory = extension(tmp_path, worker_js=script, part_js="import '../gone.js'" if "part" in script else "//")
    where = "part.js" if "part" in script else "worker.js"
    assert refused(directory).startswith(f"{tmp_path / where}:{line} imports ")


@pytest.mark.parametrize(
    "script",
    [
        "import { a } from './part.js';\nimport './part.js?x';",
        "// import './gone.js';\n/**\n * import './gone.js'\n */",
        "export const page = './gone.js';",
        "importScripts('https://example.org/x.js');",
        "import './worker.js';",
        "const a = `import ${'./gone.js'}`;",
    ],
)
def test_what_is_no_missing_import_is_not_taken_for_one(tmp_path: Path, script: str) -> None:
    assert load_subject(extension(tmp_path, worker_js=script, part_js="//"), None).name == "A subject"


# --- the profile ---------------------------------------------------------------------------------


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", "")
    message = refused(None, tmp_path / "mien.toml")
    assert message == f"{tmp_path / 'mien.toml'}: no such profile; did you mean 'mine.toml'?"


def test_a_directory_instead_of_a_profile(tmp_path: Path) -> None:
    assert f"{tmp_path} is a directory, not a profile" in refused(None, extension(tmp_path))


def test_a_profile_whose_extension_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", "extension = 'dist'")
    assert refused(None, tmp_path / "mine.toml").startswith(f"{tmp_path / 'dist'}: no such directory")


def test_a_mistake_in_a_profile_has_its_file_and_line(tmp_path: Path) -> None:
    directory = extension(tmp_path, subject_toml="\nnaem = 'x'")
    message = f"{tmp_path / 'subject.toml'}:2 'naem': no such key; did you mean 'name'?"
    assert refused(directory) == message


def test_absent_features_are_those_that_requirements_have(tmp_path: Path) -> None:
    directory = extension(tmp_path, subject_toml="absent = ['reconect']")
    assert refused(directory).endswith("no requirement has a feature 'reconect'; did you mean 'reconnect'?")
    assert load_subject(directory, None, features={"reconect"}).absent == ("reconect",)


def test_a_trigger_page_that_is_not_there(tmp_path: Path) -> None:
    profile = "[trigger]\nkind = 'message'\nmessage = 1\npage = 'pop.html'"
    directory = extension(tmp_path, popup_html="<p>", subject_toml=profile)
    message = f"{tmp_path / 'pop.html'} is missing, but the trigger needs it; did you mean 'popup.html'?"
    assert refused(directory) == message


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = extension(tmp_path)

    def read_text(path: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", read_text)
    message = f"{tmp_path / 'manifest.json'} cannot be read: Permission denied; check who may read it"
    assert refused(directory) == message

"""The rules of the house that a program can hold: sizes, names, languages, the map."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIMIT = 600
FORBIDDEN = {"utils", "util", "helpers", "common", "misc", "manager"}


def tracked() -> list[Path]:
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).is_file()]


def test_modules_are_small_and_named_for_what_they_do() -> None:
    code = [p for p in tracked() if p.suffix in {".py", ".go", ".sh"}]
    assert len(code) > 20
    too_long = {str(p.relative_to(ROOT)): n for p in code if (n := len(p.read_text().splitlines())) > LIMIT}
    assert too_long == {}
    assert [str(p) for p in code if p.stem in FORBIDDEN] == []


def test_import_rules() -> None:
    run = subprocess.run(
        [ROOT / ".venv/bin/lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_docs_have_the_same_pages_in_both_languages() -> None:
    pages = {
        lang: {str(p.relative_to(ROOT / "docs" / lang)) for p in tracked() if (ROOT / "docs" / lang) in p.parents}
        for lang in ("en", "zh")
    }
    assert pages["en"], "docs/en is empty"
    assert pages["en"] == pages["zh"]


def test_chinese_pages_are_chinese() -> None:
    for page in (ROOT / "docs" / "zh").rglob("*.md"):
        text = page.read_text()
        assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 20, f"{page} has hardly any Chinese"


def test_architecture_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {p.parent.name for p in (ROOT / "src/roost").glob("*/__init__.py")}
    rooms |= {f"providers/{p.parent.name}" for p in (ROOT / "src/roost/providers").glob("*/__init__.py")}
    rooms -= {"providers"}
    named = set(re.findall(r"^\| `([a-z0-9_/]+)/?` \|", text, flags=re.MULTILINE))
    assert rooms <= named, f"ARCHITECTURE.md lacks {sorted(rooms - named)}"
    gone = {room for room in named if not (ROOT / "src/roost" / room).is_dir() and not (ROOT / room).is_dir()}
    assert gone == set(), f"ARCHITECTURE.md names rooms that are gone: {sorted(gone)}"


def test_readme_names_the_commands_that_set_everything_up() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text


def test_no_todo_without_a_number() -> None:
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\()")
    here = Path(__file__).resolve()
    found = [
        f"{p.relative_to(ROOT)}:{n}"
        for p in tracked()
        if p.suffix in {".py", ".go", ".sh"} and p != here
        for n, line in enumerate(p.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_lock_files_name_no_host() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in re.sub(r"^#.*$", "", lock.read_text(), flags=re.MULTILINE), lock

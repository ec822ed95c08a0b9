"""`mikey methods` says what the use-case matrix says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mikey.cli.main import main
from mikey.cli.method_table import method_table
from mikey.methods import dhhmac, dhsign, pke, psk, rsar, sakke

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance" / "usecases.md"
COLUMNS = {
    "one-to-one": "one_to_one",
    "conference": "conference",
    "group broadcast": "broadcast",
    "call divert: redirect": "redirect",
    "call divert: retarget": "retarget",
    "call forking": "forking",
    "delayed delivery": "voicemail",
    "forward secrecy": "forward_secrecy",
    "needs PKI": "pki",
}


def matrix() -> dict[tuple[str, str], str]:
    """The first word of each cell of the page, by method and name of our row."""
    verdicts = {}
    header: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "mode":
            header = cells
        for title, cell in zip(header, cells, strict=False):
            for begin, row in COLUMNS.items():
                if title.startswith(begin):
                    verdicts[cells[0].partition(" ")[0], row] = re.split(r"[ :,]", cell)[0]
    return verdicts


def test_the_verdicts_are_those_of_the_page() -> None:
    table, page = method_table(), matrix()
    for method in table.methods:
        for row in COLUMNS.values():
            assert table.cell(method, row).verdict == page[method, row], (method, row)


def test_every_method_that_is_built_has_every_row() -> None:
    table = method_table()
    assert list(table.methods) == [each.NAME for each in (psk, pke, dhsign, dhhmac, rsar, sakke)]
    assert {tuple(cells) for cells in table.methods.values()} == {tuple(table.rows)}


def test_the_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    text = capsys.readouterr().out
    for title in method_table().rows.values():
        assert f"\n{title} " in text
    numbers = set(re.findall(r"\w \((\d+)\)", text))
    assert numbers == set(re.findall(r"^\((\d+)\) \w", text, re.MULTILINE)) != set()


def test_the_table_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["methods"]["DH-SIGN"]["forward_secrecy"] == {"verdict": "yes", "note": ""}
    assert "certificate" in table["methods"]["PKE"]["redirect"]["note"]
    assert table["rows"]["forking"] == "forking"

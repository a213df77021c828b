"""Hostile workbooks and archives: refused, and the parent process lives on."""

import gzip
import io
import zipfile

import openpyxl
import pytest

from core.errors import ImportFileError

HEAD = "保单号,投保人,被保险人,签单保费,签单日期,保险起期,保险止期"


def rebuilt(change=None, add=None) -> bytes:
    """A plain workbook whose parts went through ``change(name, data)`` and got ``add`` parts."""
    book = openpyxl.Workbook()
    book.active.append(HEAD.split(","))
    plain, target = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(name, data) if change else data)
        for name, data in (add or {}).items():
            new.writestr(name, data)
    return target.getvalue()


def sparse_cell() -> bytes:
    cell = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    return rebuilt(lambda name, data: data.replace(b"</sheetData>", cell) if "sheet1" in name else data)


def entities() -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    return rebuilt(
        lambda name, data: data.replace(b"<worksheet", bomb + b"<worksheet", 1) if "sheet1" in name else data
    )


def lying_size() -> bytes:
    content = bytearray(rebuilt(add={"xl/media/a.bin": b"a" * 100_000}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(content)


BOMBS = {
    "sparse cell": (sparse_cell, {"file_too_large"}),
    "strings that unpack to 300 MB": (
        lambda: rebuilt(add={"xl/sharedStrings2.xml": b"a" * (300 << 20)}),
        {"workbook_refused"},
    ),
    "ten thousand parts": (lambda: rebuilt(add={f"x/{n}": b"" for n in range(10_000)}), {"workbook_refused"}),
    "nested archive": (lambda: rebuilt(add={"xl/embeddings/a.zip": b"PK\x03\x04"}), {"workbook_refused"}),
    "macros": (lambda: rebuilt(add={"xl/vbaProject.bin": b"x"}), {"workbook_refused"}),
    "entities": (entities, {"workbook_refused"}),
    "lying size": (lying_size, {"workbook_refused"}),
    "zip that is no workbook": (lambda: zip_of({"a.txt": b"x"}), {"workbook_refused"}),
}


def zip_of(parts) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_hostile_workbook_is_refused(stage, shipped, tmp_path, bomb):
    build, codes = BOMBS[bomb]

    with pytest.raises(ImportFileError) as problem:
        stage(build(), shipped("policy"), name="list.xlsx")

    assert problem.value.code in codes
    assert not (tmp_path / "staging.sqlite").exists()


def test_a_gzip_bomb_is_refused(stage, shipped):
    with pytest.raises(ImportFileError) as problem:
        stage(gzip.compress(b"a,b\n" * (80 << 18)), shipped("policy"), name="list.csv.gz")

    assert problem.value.code == "file_too_large"


def test_a_child_out_of_memory_is_an_error_of_the_file(stage, shipped):
    line = "x" * (60 << 20)

    with pytest.raises(ImportFileError) as problem:
        stage(f"{HEAD}\n{line}", shipped("policy"), memory_bytes=150 << 20)

    assert problem.value.code in {"file_too_large", "csv_broken"}

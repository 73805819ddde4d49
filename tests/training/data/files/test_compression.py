import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from backports import zstd

from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

TEXT = b"user,item\n" + b"".join(b"u%d,i%d\n" % (n % 7, n % 11) for n in range(500))


def make_zip(*names, content=TEXT):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


PACKED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "gzip, two members": gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0),
    "zstd": zstd.compress(TEXT),
    "zstd, two frames": zstd.compress(TEXT[:100]) + zstd.compress(TEXT[100:]),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zip": make_zip("logs/clicks.csv"),
    "zip of a Mac": make_zip("clicks.csv", "__MACOSX/._clicks.csv", ".DS_Store"),
}


def read(path):
    return load_dataset(path, ReadOptions(split=Split.NONE)).train


def write(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a"])
def test_reads_compressed_text_under_any_name(tmp_path, packed, name):
    expected = read(write(tmp_path, TEXT, "plain.csv")).sha256()
    assert read(write(tmp_path, packed, name)).sha256() == expected


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_rejects_truncated_files(tmp_path, packed):
    for end in (12, len(packed) // 2, len(packed) - 4):
        with pytest.raises(DataError, match=r"a\.csv: (is compressed, and damaged|looks like)"):
            read(write(tmp_path, packed[:end]))


def make_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("clicks.csv"))
    return file.getvalue()


def make_npz():
    file = io.BytesIO()
    np.savez(file, a=np.arange(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (make_zip("a.csv", "b.csv"), r"zip archive of 2 files: a\.csv, b\.csv; .* unpack it"),
        (make_zip(), "zip archive of 0 files"),
        (make_zip("xl/workbook.xml", "[Content_Types].xml"), "an Excel workbook; save the sheet"),
        (make_npz(), r"a NumPy archive \(\.npz\)"),
        (make_zip("model/data.pkl"), "a PyTorch file"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "a 7-Zip archive; unpack it first"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"\x04\x22\x4d\x18" + bytes(9), "compressed with LZ4"),
        (b"\xff\x06\x00\x00sNaPpY", "compressed with Snappy"),
        (b"ORC\x0a\x0b", "an ORC file; save its table as CSV or Parquet"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"ARROW1\x00\x00", "an Arrow or Feather file"),
        (b"SQLite format 3\x00", "a SQLite database; give its URL, sqlite:///PATH, and --query"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (pickle.dumps([("u", "i")]), "a Python pickle"),
        (pickle.dumps(np.arange(3), protocol=2), "a Python pickle"),
        (make_tar(), "a tar archive"),
        (gzip.compress(make_tar(), mtime=0), "a tar archive"),
        (
            gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0),
            "contains gzip data inside its compression",
        ),
        (gzip.compress(b"PAR1....", mtime=0), "contains Parquet data inside its compression"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "Git LFS .* git lfs pull"),
        (b"ERROR 1045 (28000): Access denied for user shop\n", "an error message"),
        (b"Traceback (most recent call last):\n  File 1\n", "an error message"),
        (b"404 Not Found\n", "an error message"),
        (b"INSERT INTO `clicks` VALUES (1,2,3),(2,3,4);\n", "an SQL dump"),
        (b"-- MySQL dump 10.13\n--\nDROP TABLE x;\n", "an SQL dump"),
        (b"--\n-- PostgreSQL database dump\n--\nSET statement_timeout = 0;\n", "an SQL dump"),
        (b"<!DOCTYPE html>\n<html><body>404", "a web page"),
        (b"\n<HTML><head>", "a web page"),
        (b"<?xml version='1.0'?><clicks/>", "XML"),
        (b"@relation clicks\n", "an ARFF file"),
        (b"1:\n1488844,3,2005-09-06\n", "the Netflix Prize format"),
        (b"| user_id | item_id |\n|---|---|\n| 1 | 2 |\n", "a table drawn with lines"),
        (b" user_id | item_id \n---------+---------\n 1 | 2\n", "a table drawn with lines"),
        (b"user_id   item_id\n1         2\n", "columns aligned with spaces"),
        (b"1\tCaf\xe9\t5\n2\tCaf\xe9\t5\n", "line 1: byte 0xE9 at position 6 .*--encoding"),
        (
            b"{'user_id': 'u', 'item_id': 'i'}\n",
            "look like Python dicts: write them",
        ),
        (b"%%MatrixMarket matrix coordinate\n", "a Matrix Market file"),
        (bytes(range(256)) * 4, "binary data"),
        ("1 2\n2 3 4\n".encode("utf-16-le"), "UTF-16, pass --encoding utf-16-le"),
        (b"u1 loves i1\nu2 hates i2 and i3\n", "has an unknown format: .* --format lightgcn"),
        (b"just text", "has an unknown format"),
        (b"b y\na x y\n", "has an unknown format"),
        (b"", "is empty"),
        (b"\n  \n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.log"])
def test_rejects_and_names_unsupported_content(tmp_path, content, message, name):
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, content, name))


def test_limits_the_memory_for_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("bitrecall.training.data.files.text_file.MAX_LINE_BYTES", 1 << 20)
    path = write(tmp_path, b"user,item\na," + b"x" * (3 << 20))
    with pytest.raises(DataError, match="has a line of more than 1 MiB"):
        read(path)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "utf-16-le", "shift_jis"])
def test_reads_a_requested_encoding(tmp_path, encoding):
    item = "ラーメン" if encoding == "shift_jis" else "Café 33"
    path = write(tmp_path, f"user,item\nu1,{item}\n".encode(encoding))
    train = load_dataset(path, ReadOptions(encoding=encoding, split=Split.NONE)).train
    assert train.item_ids == [item]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_detects_the_encoding_by_a_byte_order_mark(tmp_path, encoding):
    path = write(tmp_path, "user,item\r\nu1,Café 33\r\n".encode(encoding))
    assert read(path).item_ids == ["Café 33"]


def test_rejects_bytes_that_are_not_utf8_and_suggests_an_encoding(tmp_path):
    path = write(tmp_path, "user,item\nu1,x\nu2,Café 33\n".encode("latin-1"))
    with pytest.raises(
        DataError,
        match=r"line 3: byte 0xE9 at position 7 is not UTF-8; .*--encoding latin-1",
    ):
        read(path)


def test_rejects_a_wrong_encoding(tmp_path):
    path = write(tmp_path, b"user,item\nu1,\xff\xfe\xfd\n")
    with pytest.raises(DataError, match="cannot be decoded as shift_jis"):
        load_dataset(path, ReadOptions(encoding="shift_jis"))

"""Which encoding a text is taken for: the right one, or none, and never another one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from babel import Locale

from pipeline.common.errors import SourceUnavailable
from tests.profiles import examples
from tests.unit.support import files_source, read

# Languages in the encodings that they were written in before UTF-8.
WRITTEN_IN = [
    ("zh", "gb18030"), ("zh_Hant", "big5"), ("ko", "cp949"), ("ja", "euc_jp"),
    ("ja", "shift_jis"), ("ru", "cp1251"), ("ru", "koi8-r"), ("ru", "cp866"),
    ("uk", "cp1251"), ("el", "cp1253"), ("he", "cp1255"), ("ar", "cp1256"),
    ("th", "cp874"), ("hu", "cp1250"), ("pl", "iso8859-2"), ("pl", "cp1250"),
    ("cs", "cp1250"), ("sk", "cp1250"), ("hr", "cp1250"), ("ro", "iso8859-2"),
    ("tr", "cp1254"), ("lt", "cp1257"), ("lv", "cp1257"), ("et", "iso8859-15"),
    ("de", "latin-1"), ("de", "cp850"), ("fr", "latin-1"), ("fr", "iso8859-15"),
    ("es", "latin-1"), ("pt", "latin-1"), ("it", "latin-1"), ("sv", "latin-1"),
    ("da", "latin-1"), ("is", "latin-1"), ("nl", "latin-1"), ("fi", "latin-1"),
]  # fmt: skip


def names(language: str, encoding: str) -> list[str]:
    """Names of countries, languages and currencies that need the encoding."""
    locale = Locale.parse(language)
    found = [
        *locale.territories.values(),
        *locale.languages.values(),
        *locale.currencies.values(),
    ]
    kept = []
    for name in found:
        try:
            if not name.isascii() and not set("\"'\xa0’") & set(name):
                name.encode(encoding)
                kept.append(name)
        except UnicodeEncodeError:
            continue
    return kept


def taken_for(folder: Path, listed: list[str], encoding: str) -> list[str] | None:
    """The names as they are read, or nothing where the reader refuses to guess."""
    lines = "".join(f'{n},"{name}"\n' for n, name in enumerate(listed))
    (folder / "a.csv").write_bytes(f"id,name\n{lines}".encode(encoding))
    try:
        table, rejected = read(files_source(folder))
    except SourceUnavailable as error:
        assert "its encoding is ambiguous" in str(error)
        assert "Declare `encoding`" in str(error)
        return None
    assert rejected == []
    return [str(name) for name in table["name"].to_pylist()]


# The campaign asks for more samples, as of a property.
@pytest.mark.hypothesis
@pytest.mark.parametrize(("language", "encoding"), WRITTEN_IN)
def test_no_language_is_taken_for_another(
    tmp_path: Path, language: str, encoding: str
) -> None:
    pick = random.Random(7)
    listed = names(language, encoding)
    for count in (1, 2, 3, 5, 10, 30, 100):
        for _ in range(examples(4, fast=2)):
            sample = pick.sample(listed, min(count, len(listed)))
            assert taken_for(tmp_path, sample, encoding) in (None, sample), sample


@pytest.mark.parametrize(
    ("language", "encoding", "letters"),
    [("zh", "gb18030", ""), ("de", "latin-1", "äöüß"), ("pt", "latin-1", "ãõçáéíóú")],
)
def test_what_is_clear_is_read(
    tmp_path: Path, language: str, encoding: str, letters: str
) -> None:
    clear = [
        name
        for name in names(language, encoding)
        if not letters
        or {one for one in name.lower() if not one.isascii()} <= {*letters}
    ]
    sample = random.Random(7).sample(clear, 40)
    assert taken_for(tmp_path, sample, encoding) == sample


COMPANIES = [
    "北京科技有限公司",
    "上海贸易公司",
    "广州市天河区",
    "王小明",
    "李娜",
    "张伟",
]


@pytest.mark.parametrize(
    "listed",
    [
        COMPANIES,
        [*COMPANIES, "聚氯乙烯 5 kg", "№ 12 ½ ℃"],
        ["客户编号", "公司名称", "订货日期"],
        [
            "王" + name
            for name in ["建国", "志强", "淑芬", "晓燕", "俊杰", "雅婷", "鑫磊", "梓涵"]
        ],
    ],
)
def test_chinese_is_read(tmp_path: Path, listed: list[str]) -> None:
    assert taken_for(tmp_path, listed, "gb18030") == listed


@pytest.mark.parametrize(
    ("listed", "encoding"),
    [
        (["Müller", "Zoë", "Café Orléans"], "latin-1"),
        (["Österreich", "Dänemark", "Großhandel"], "latin-1"),
        (["Hélène", "François", "Forêt", "à la carte"], "latin-1"),
        (["España", "Muñoz", "Pérez", "García", "Málaga", "Jesús"], "latin-1"),
        # Alike in every encoding that fits, and so no guess.
        (["Kovács", "Németh", "Tóth"], "cp1250"),
        (["Gül", "Öz", "Çelik"], "cp1254"),
    ],
)
def test_western_is_read(tmp_path: Path, listed: list[str], encoding: str) -> None:
    assert taken_for(tmp_path, listed, encoding) == listed


@pytest.mark.parametrize(
    ("listed", "encoding", "fits"),
    [
        (
            ["한국무역", "서울상사", "대한전자"],
            "cp949",
            ["cp949", "한국무역", "gb18030"],
        ),
        (
            ["東京商事", "大阪工業", "山田電機"],
            "euc_jp",
            ["euc_jp", "東京商事", "gb18030"],
        ),
        (["カタカナ商事"], "shift_jis", ["cp932", "カタカナ商事"]),
        (["İstanbul", "Şişli", "Beyoğlu"], "cp1254", ["cp1254", "İstanbul"]),
        (["Győr", "Szűcs"], "iso8859-2", ["cp1250 or iso8859-2", "Győr"]),
        (["Győr"], "iso8859-2", ["latin-1", "Gyõr", "cp1250", "Győr"]),
        (["cœur", "5 €"], "iso8859-15", ["iso8859-15", "cœur"]),
        (["Gdańsk", "Wałbrzych"], "cp1250", ["cp1250", "Gdańsk"]),
        (["Москва", "Казань"], "cp1251", ["cp1251", "Москва"]),
        (["O’Neil", "5 €"], "cp1252", ["cp1252", "O’Neil"]),
        (["李"], "gb18030", ["gb18030", "李"]),
    ],
)
def test_what_fits_is_named_and_can_be_declared(
    tmp_path: Path, listed: list[str], encoding: str, fits: list[str]
) -> None:
    assert taken_for(tmp_path, listed, encoding) is None
    with pytest.raises(SourceUnavailable) as error:
        read(files_source(tmp_path))
    for word in fits:
        assert word in str(error.value)
    table, rejected = read(files_source(tmp_path, encoding=encoding))
    assert (table["name"].to_pylist(), rejected) == (listed, [])


@pytest.mark.slow
def test_what_the_end_of_a_large_file_holds_counts(tmp_path: Path) -> None:
    """A hundred thousand German rows, and one Hungarian far behind the sample."""
    german = ["Müller"] * 200_000
    assert taken_for(tmp_path, german, "cp1250") == german
    assert taken_for(tmp_path, [*german, "Szűcs", "Zoltán ő"], "cp1250") is None

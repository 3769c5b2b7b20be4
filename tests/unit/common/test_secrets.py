"""Which values are secret, how they stand in a URL, and that no text shows them."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import secrets, yaml_file
from pipeline.common.errors import ConfigurationError
from pipeline.sources.database.connection import parse_url
from tests.unit.support import full_text

ODD = "p@ss$w/ord#%41 x\"y'z?&=:\\"


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_REMEMBERED", set())


def url_of(folder: Path, url: str, **environment: str) -> str:
    path = folder / "sources.yaml"
    path.write_text(json.dumps({"url": url}))
    return str(yaml_file.read(path, environment, otherwise="")["url"])


@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1
    )
    | st.just(ODD)
)
def test_any_password_arrives_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    folder = tmp_path_factory.mktemp("urls")
    written = url_of(folder, "postgresql://reader:${PW}@db:5432/erp", PW=password)
    url = parse_url(written, "erp")
    assert (url.username, url.password) == ("reader", password)
    assert (url.host, url.port, url.database) == ("db", 5432, "erp")


def test_what_stands_elsewhere_in_a_url(tmp_path: Path) -> None:
    template = "mysql://${USER}:${PW}@${PLACE}/${NAME}?password=${PW}&charset=utf8mb4"
    written = url_of(
        tmp_path, template, USER="a@b", PW=ODD, PLACE="db.example:3306", NAME="erp"
    )
    url = sa.make_url(written)
    assert (url.username, url.password, url.host) == ("a@b", ODD, "db.example")
    assert (url.port, url.database, url.query["password"]) == (3306, "erp", ODD)
    whole = "postgresql://reader:p%40ss@db/erp"
    assert url_of(tmp_path, "${URL}", URL=whole) == whole
    several = url_of(tmp_path, "postgresql://a:b@db/erp?${MORE}", MORE="x=1&y=2")
    assert several.endswith("?x=1&y=2")


def test_what_is_secret_is_known_by_its_place(tmp_path: Path) -> None:
    raw = {
        "sources": [
            {
                "url": "postgresql://${LOGIN}:${PW}@${PLACE}/${NAME}?sslpassword=${KEY}",
                "path": "${FOLDER}",
            },
            {"url": "${WHOLE}"},
            {
                "url": "https://hooks.example/${HOOK}",
                "headers": {"a": "Bearer ${TOKEN}"},
            },
            {"note": "${CUSTOMER_TIERS_HOME} ${SHORT} ${UNSET}"},
        ]
    }
    environment = {
        "LOGIN": "reader", "PW": "password-1", "PLACE": "db.example", "NAME": "customers",
        "KEY": "password-2", "FOLDER": "/srv/in", "HOOK": "hook-4711", "TOKEN": "token-8",
        "WHOLE": "mysql://a:p%40ss@db/erp?ssl_key_password=more%21",
        "CUSTOMER_TIERS_HOME": "/srv/home", "SHORT": "abc",
    }  # fmt: skip
    assert secrets.values(raw, environment) == {
        "password-1", "password-2", "hook-4711", "token-8",
        environment["WHOLE"], "p%40ss", "p@ss", "more%21", "more!",
    }  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        quote(ODD),
        quote(ODD, ""),
        quote_plus(ODD),
        quote(ODD, "").replace("%2F", "%2f").replace("%40", "%40"),
        json.dumps(ODD),
        json.dumps({"a": ODD}, ensure_ascii=False),
        repr(ODD),
        ODD.replace("'", "''"),
        html.escape(ODD),
        base64.b64encode(ODD.encode()).decode(),
        str(
            sa.make_url(f"postgresql://a:{quote(ODD, '')}@db/erp").render_as_string(
                False
            )
        ),
    ],
)
def test_a_text_is_cleared_however_a_secret_is_written(written: str) -> None:
    secrets.remember([ODD])
    text = secrets.cleared(f"before {written} after")
    assert text.startswith("before ")
    assert text.endswith(" after")
    for piece in ("p@ss", "p%40ss", "ord#", "w/ord", "ord%23", "cEBzcyR3"):
        assert piece not in text


def test_an_error_and_its_causes_are_cleared() -> None:
    secrets.remember([ODD])
    try:
        try:
            raise ValueError(f"no such host: {ODD}", ODD, 7)
        except ValueError as error:
            raise ConfigurationError(f"cannot connect: {error}") from error
    except ConfigurationError as error:
        secrets.clear_error(error)
        assert "ord#" not in full_text(error)
        assert str(error).startswith("cannot connect: ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:hunter2@rest-of-it@db/erp",
        "postgresql://reader:hunter2@rest-of-it/more@db/erp",
        "postgresql://reader:hunter2@rest-of-it?more@db/erp",
    ],
)
def test_a_password_with_a_bare_at_is_refused_unseen(url: str) -> None:
    """Its rest would be taken for the host, and be shown as such."""
    with pytest.raises(Exception, match="not one SQLAlchemy understands") as error:
        parse_url(url, "erp")
    assert "rest-of-it" not in full_text(error.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite:////srv/a@b/erp.sqlite", "postgresql://a@db/erp?application_name=a@b"],
)
def test_an_at_elsewhere_is_none_of_a_password(url: str) -> None:
    assert parse_url(url, "erp")


def test_yaml_that_is_none_is_reported_without_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text("version: 1\nurl: 'postgresql://reader:hunter2@db/erp\n")
    with pytest.raises(ConfigurationError, match="is not valid YAML in line") as error:
        yaml_file.read(path, {}, otherwise="")
    assert "hunter2" not in full_text(error.value)

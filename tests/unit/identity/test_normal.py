"""Normal forms: what is the same must be equal, what says nothing must be null."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity import company_names, normal
from tests.unit.identity.ground import vocabulary

VOCABULARY = vocabulary()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "北京华信科技有限公司",
            "北京市華信科技有限責任公司",
        ),  # traditional, city's 市
        ("北京华信科技有限公司", "华信科技（北京）有限公司"),  # place in brackets
        ("深圳华信科技有限公司", "广东省深圳市华信科技股份有限公司"),  # province before
        ("Ｈｕａｘｉｎ　Ｔｅｃｈ Ｃｏ．， Ｌｔｄ．", "HUAXIN TECH"),  # full width
        ("The Smith & Sons Ltd.", "Smith and Sons Limited"),
        ("Müller Maschinenbau GmbH & Co. KG", "Muller Maschinenbau"),
        ("Induschim S.à r.l.", "INDUSCHIM SARL"),
        ("O'Brien Foods, Inc.", "OBrien Foods Incorporated"),
    ],
)
def test_one_company_in_two_spellings(one: str, other: str) -> None:
    assert (
        company_names.company(one, VOCABULARY).key
        == company_names.company(other, VOCABULARY).key
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("北京华信科技有限公司", "上海华信科技有限公司"),
        ("北京华信科技有限公司", "北京华信科技发展有限公司"),
        ("Northwind Trading Ltd", "Northwind Transport Ltd"),
        ("华信科技有限公司长沙复兴路分公司", "华信科技有限公司"),
        ("Genne Packaging Inc. - Chicago", "Genne Packaging Inc."),
    ],
)
def test_two_companies_stay_two(one: str, other: str) -> None:
    assert (
        company_names.company(one, VOCABULARY).key
        != company_names.company(other, VOCABULARY).key
    )


@pytest.mark.parametrize(
    ("chinese", "latin"),
    [
        ("北京华信科技有限公司", "Beijing Huaxin Keji Youxian Gongsi"),
        ("长沙优润纺织有限公司", "Changsha You Run Fangzhi Co., Ltd."),
    ],
)
def test_pinyin_sounds_like_the_name(chinese: str, latin: str) -> None:
    one, other = (company_names.company(name, VOCABULARY) for name in (chinese, latin))
    assert (one.sound, one.place) == (other.sound, other.place)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("91110108592366240 0", "911101085923662400"),
        ("hrb 12-345", "HRB12345"),
        ("n/a", None),
        ("00000000", None),
        ("1234", None),
        ("unknown", None),
    ],
)
def test_registration(value: str, expected: str | None) -> None:
    assert normal.registration(value) == expected


@pytest.mark.parametrize(
    ("key", "proves_itself"),
    [
        ("911101085923662400", True),  # a published 统一社会信用代码
        ("91110000802100433B", True),
        ("911101085923662401", False),
        ("11010519491231002X", True),  # the example of GB 11643-1999
        ("110105194912310021", False),
        ("HRB12345", False),
    ],
)
def test_a_number_proves_itself(key: str, proves_itself: bool) -> None:
    assert normal.is_checked_registration(key) is proves_itself


@given(st.integers(0, 16), st.sampled_from("0123456789"))
def test_a_wrong_digit_is_always_noticed(place: int, digit: str) -> None:
    key = "911101085923662400"
    wrong = key[:place] + digit + key[place + 1 :]
    assert normal.is_checked_registration(wrong) is (wrong == key)


@pytest.mark.parametrize(
    ("one", "country", "other", "other_country"),
    [
        ("+86 10 6552 9988", None, "010-65529988", "CN"),
        ("0086-10-65529988", None, "(010) 6552 9988", "CN"),
        ("+1 (245) 555-0173", "US", "245-555-0173", None),
        ("+44 20 7946 0123", None, "020 7946 0123 ext 4", "GB"),
        ("138-0639-8285", None, "+86 13806398285", "CN"),
    ],
)
def test_one_phone_in_two_spellings(
    one: str, country: str | None, other: str, other_country: str | None
) -> None:
    form = normal.phone(one, country)
    assert form is not None
    assert form == normal.phone(other, other_country)


@pytest.mark.parametrize("value", ["无", "000000000", "12345", "n/a", ""])
def test_no_phone(value: str) -> None:
    assert normal.phone(value, "CN") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" Mailto:Jane.Doe+news@Example.COM ", "jane.doe@example.com"),
        ("nobody", None),
        ("a b@example.com", None),
        ("@example.com", None),
        ("x@localhost", None),
    ],
)
def test_email(value: str, expected: str | None) -> None:
    assert normal.email(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://www.Example.com/about?x=1", "example.com"),
        ("example.com.", "example.com"),
        ("sales@example.co.uk", "example.co.uk"),
        ("none", None),
    ],
)
def test_domain(value: str, expected: str | None) -> None:
    assert normal.domain(value) == expected


@pytest.mark.parametrize("value", ["China", "中国", "CN", "P.R. China", "cn"])
def test_country(value: str) -> None:
    assert normal.country(value) == "CN"


def table(**columns: list[str | None]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table(
        {
            name: pa.array(columns.get(name, [None] * rows), pa.string())
            for name in normal.INPUTS
        }
    )


def test_a_free_mail_domain_is_no_companys_domain() -> None:
    found = normal.forms(
        table(
            customer_type=["company"] * 3,
            email=["a@qq.com", "b@acme.example", None],
            website=[None, None, "http://gmail.com"],
        ),
        VOCABULARY,
    )
    assert found.column("domain_key").to_pylist() == [None, "acme.example", None]
    assert found.column("email_key").to_pylist() == ["a@qq.com", "b@acme.example", None]


def test_a_city_in_two_scripts_is_one() -> None:
    found = normal.forms(
        table(customer_type=["company"] * 3, city=["长沙市", "Changsha", "長沙"]),
        VOCABULARY,
    )
    assert set(found.column("city_key").to_pylist()) == {"changsha"}


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "customer_type": st.sampled_from(["company", "person"]),
                **{
                    name: st.none() | st.text(max_size=20)
                    for name in normal.INPUTS
                    if name != "customer_type"
                },
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_has_a_form_and_a_row_keeps_its_own(
    rows: list[dict[str, str | None]],
) -> None:
    together = normal.forms(
        pa.Table.from_pylist(
            rows, schema=pa.schema([(name, pa.string()) for name in normal.INPUTS])
        ),
        VOCABULARY,
    )
    assert together.schema == normal.FORMS
    alone = [
        normal.forms(
            pa.Table.from_pylist(
                [row], schema=pa.schema([(name, pa.string()) for name in normal.INPUTS])
            ),
            VOCABULARY,
        ).to_pylist()[0]
        for row in rows
    ]
    assert together.to_pylist() == alone

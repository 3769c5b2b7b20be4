"""Pairs of records, and whether they are one customer: the table that matching answers to.

Each case says what its records are, what is wanted of the first two, and why. They are
resolved together in one refresh, so no two cases may share a name, a telephone number or a
mailbox. Not here: populations with a truth of their own (`tests/populations`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final, Literal

Wanted = Literal["same", "different", "asked"]
Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Records, the first two of which are judged.

    Attributes:
        name: What the case is called.
        wanted: `same`: one customer. `different`: two. `asked`: two, and the pair is listed
            for a person.
        why: The reason, for who reads a failure.
        records: The first two are judged; others are there for what they share.
        reason: What the list for a person must say, where it must.
    """

    name: str
    wanted: Wanted
    why: str
    records: tuple[Record, ...]
    reason: str | None = None


def _person(given: str | None, family: str | None, **rest: Any) -> Record:
    name = " ".join(part for part in (given, family) if part) or None
    return {
        "customer_type": "person",
        "customer_name": name,
        "given_name": given,
        "family_name": family,
        **rest,
    }


def _whole(name: str, **rest: Any) -> Record:
    """A person of whom only the whole name is recorded."""
    return {"customer_type": "person", "customer_name": name, **rest}


def _company(name: str | None, **rest: Any) -> Record:
    return {"customer_type": "company", "customer_name": name, **rest}


def _born(year: int, month: int = 3, day: int = 14) -> dt.date:
    return dt.date(year, month, day)


def _home(number: int, **rest: Any) -> Record:
    """An address and a telephone of one case only."""
    return {
        "street": f"{number} Quince Terrace",
        "city": "Fairhaven",
        "postal_code": f"9{number:04d}",
        "country": "US",
        "phone": f"+1 415 2{number:02d} {4000 + 7 * number:04d}",
        **rest,
    }


_BIRTH = "their birth dates contradict"
_NUMBER = "their registration numbers contradict"
_SUFFIX = "their generation suffixes contradict"
_GENDER = "their genders contradict"
_DIGITS = "the numbers in their names differ"
_HOUSE = "a household: one family name, two given names"

VETOES: Final = (
    Case("born 1950 and 1982, one door and phone", "different",
         "a father and a son",
         (_person("Oskar", "Lindqvist", birth_date=_born(1950), **_home(1)),
          _person("Oskar", "Lindqvist", birth_date=_born(1982), **_home(1))), _BIRTH),
    Case("born 1950 and 1982, one mailbox", "different",
         "a mailbox does not make two births one",
         (_person("Ines", "Carvalho", birth_date=_born(1950), email="ines@carv1.example"),
          _person("Ines", "Carvalho", birth_date=_born(1982), email="ines@carv1.example")),
         _BIRTH),
    Case("a birth date with two figures swapped", "same",
         "a slip of the pen",
         (_person("Tomas", "Havranek", birth_date=dt.date(1971, 4, 12), **_home(2)),
          _person("Tomas", "Havranek", birth_date=dt.date(1971, 4, 21), **_home(2)))),
    Case("a birth date with day and month swapped", "same",
         "8 March and 3 August of one year: two ways to write one day",
         (_person("Vilma", "Okonkwo", birth_date=dt.date(1966, 3, 8), **_home(3)),
          _person("Vilma", "Okonkwo", birth_date=dt.date(1966, 8, 3), **_home(3)))),
    *(Case(f"a birth date and {what}", "same", why,
           (_person("Osvaldo", family, birth_date=one, **_home(number)),
            _person("Osvaldo", family, birth_date=other, **_home(number))))
      for what, why, family, number, one, other in (
          ("the day before", "a time zone moved midnight", "Brightwater", 41,
           dt.date(1973, 5, 1), dt.date(1973, 4, 30)),
          ("a workbook of 1904", "four years and a day, in every row", "Cullompton", 42,
           dt.date(1969, 8, 21), dt.date(1973, 8, 22)),
          ("another century", "a year of two figures", "Duntisbourne", 43,
           dt.date(1926, 11, 9), dt.date(2026, 11, 9)),
          ("its year alone", "the first of January stands for a year", "Egglestone", 44,
           dt.date(1981, 7, 23), dt.date(1981, 1, 1)),
          ("its month alone", "the first of a month stands for it", "Fotheringay", 45,
           dt.date(1958, 10, 17), dt.date(1958, 10, 1)))),
    *(Case(f"a birth date and {day}, which stands for none", "same",
           "a system that wants a date gets one",
           (_person("Perpetua", family, birth_date=_born(1984), **_home(number)),
            _person("Perpetua", family, birth_date=day, **_home(number))))
      for family, number, day in (
          ("Grimsthorpe", 46, dt.date(1900, 1, 1)),
          ("Hawkesbury", 47, dt.date(1970, 1, 1)),
          ("Inchmahome", 48, dt.date(9999, 12, 31)))),
    *(Case(f"born {one} and {other}, one name, door and phone", "different",
           "dates that no slip makes of one another",
           (_person("Sigismund", family, birth_date=one, **_home(number)),
            _person("Sigismund", family, birth_date=other, **_home(number))), _BIRTH)
      for family, number, one, other in (
          ("Jesmond", 49, dt.date(1950, 3, 14), dt.date(1982, 7, 2)),
          ("Kirkstall", 50, dt.date(1961, 12, 30), dt.date(1989, 12, 30)),
          ("Lindisfarne", 51, dt.date(1994, 7, 24), dt.date(1985, 3, 28)),
          ("Mountgrace", 52, dt.date(1975, 1, 9), dt.date(1975, 10, 30)),
          ("Netherbury", 53, dt.date(1981, 1, 1), dt.date(1958, 1, 1)))),
    Case("one number under two given names, and one of the names again", "same",
         "a person who is known under both is not refused for the other name",
         (_person("Filippa", "Oxwich", registration_number="70314558", **_home(54)),
          _person("Filippa", "Oxwich", registration_number="28893106", **_home(54),
                  birth_date=_born(1977)),
          _person("Tatiana", "Oxwich", registration_number="70314558", **_home(54),
                  birth_date=_born(1977)))),
    Case("one number under two birth dates, and one of the dates again", "same",
         "what the number forgave is not held against who has the right date",
         (_person("Gottlieb", "Pembrey", registration_number="61175902",
                  birth_date=_born(1962), **_home(55)),
          _person("Gottlieb", "Pembrey", registration_number="19934457",
                  birth_date=_born(1962), **_home(55)),
          _person("Gottlieb", "Pembrey", registration_number="61175902",
                  birth_date=_born(1937), **_home(55)))),
    Case("a third record without a birth date", "different",
         "what holds between two must hold in their group",
         (_person("Radek", "Novotny", birth_date=_born(1948), **_home(4)),
          _person("Radek", "Novotny", birth_date=_born(1979), **_home(4)),
          _person("Radek", "Novotny", **_home(4)))),
    Case("two identity numbers that prove themselves", "different",
         "two persons of one name at one telephone",
         (_person("小明", "钱", registration_number="11010519491231002X", **_home(5)),
          _person("小明", "钱", registration_number="440524198001010013", **_home(5))),
         _NUMBER),
    Case("two tax numbers of one name at one switchboard", "different",
         "two companies of one group",
         (_company("Tarnwick Foundry", registration_number="12-3456701", **_home(6)),
          _company("Tarnwick Foundry", registration_number="98-7654302", **_home(6))),
         _NUMBER),
    Case("junior and senior", "different", "father and son",
         (_person("Edgar", "Whitlock Jr.", **_home(7)),
          _person("Edgar", "Whitlock Sr.", **_home(7))), _SUFFIX),
    Case("the second and the third", "different", "two generations",
         (_whole("Alden Prescott II", **_home(8)),
          _whole("Alden Prescott III", **_home(8))), _SUFFIX),
    Case("junior beside none", "asked", "it may be the father",
         (_whole("Lionel Abernethy Jr", **_home(9)),
          _whole("Lionel Abernethy", **_home(9)))),
    Case("Mr and Mrs of one initial", "different", "a couple",
         (_whole("Mr. J. Castellane", **_home(10)),
          _whole("Mrs. J. Castellane", **_home(10))), _GENDER),
    Case("Herr and Frau", "different", "a couple",
         (_whole("Herr Toni Zimmerling", **_home(11)),
          _whole("Frau Toni Zimmerling", **_home(11))), _GENDER),
    Case("先生 and 女士", "different", "a couple of one given name",
         (_whole("欧阳平先生", **_home(12)), _whole("欧阳平女士", **_home(12))), _GENDER),
    Case("a recorded gender", "different", "M and 女, in two systems",
         (_person("Robin", "Falkenberg", gender="M", **_home(14)),
          _person("Robin", "Falkenberg", gender="女", **_home(14))), _GENDER),
    Case("Mr and Dr of one name", "same", "a title that says no gender",
         (_whole("Mr. Casimir Blom", **_home(13)),
          _whole("Dr. Casimir Blom", **_home(13)))),
    Case("Store 1012 and Store 1021, one domain", "different", "two stores of a chain",
         (_company("Plumfield Store 1012", website="plumfield.example"),
          _company("Plumfield Store 1021", website="plumfield.example")), _DIGITS),
    Case("Hotel 21 and Hotel 12, one telephone", "different", "two hotels",
         (_company("Marwick Hotel 21", phone="+1 415 300 4101"),
          _company("Marwick Hotel 12", phone="+1 415 300 4101")), _DIGITS),
    Case("No. 1 and No. 2 hospital", "different", "第一 and 第二 are two hospitals",
         (_company("临泽县第一人民医院", phone="0936-5521188"),
          _company("临泽县第二人民医院", phone="0936-5521188")), _DIGITS),
    Case("the third and the fifth school", "different", "三中 and 五中",
         (_company("高台县第三中学", website="gaotai.example"),
          _company("高台县第五中学", website="gaotai.example")), _DIGITS),
    Case("fund II and fund III", "different", "Roman numbers are numbers",
         (_company("Ashgrove Growth Fund II LP", website="ashgrove.example"),
          _company("Ashgrove Growth Fund III LP", website="ashgrove.example")), _DIGITS),
    Case("First and Second National Bank", "different", "an ordinal is a number",
         (_company("First National Bank of Dunmorrow", phone="+1 415 300 4102"),
          _company("Second National Bank of Dunmorrow", phone="+1 415 300 4102"))),
    Case("Buyer 1-2 and Buyer 2-1", "different", "the same numbers in another order",
         (_company("Buyer 1-2", phone="+1 415 300 4192"),
          _company("Buyer 2-1", phone="+1 415 300 4192")), _DIGITS),
    Case("No. 7 and #07", "same", "one number, two ways to write it",
         (_company("Wexcombe Depot No. 7", phone="+1 415 300 4103"),
          _company("Wexcombe Depot #07", phone="+1 415 300 4103"))),
    Case("a third store without a number", "different",
         "a name that may be either must not join both",
         (_company("Larchmere Outlet 301", phone="+1 415 300 4104"),
          _company("Larchmere Outlet 302", phone="+1 415 300 4104"),
          _company("Larchmere Outlet", phone="+1 415 300 4104"))),
    Case("north and south", "different", "two words, not a slip of the pen",
         (_company("Northgate Ferrous Recycling", website="gateferrous.example"),
          _company("Southgate Ferrous Recycling", website="gateferrous.example"))),
    Case("two branches", "different", "each has its own books",
         (_company("瑞昌汇电子有限公司长沙分公司", phone="0731-85520011"),
          _company("瑞昌汇电子有限公司武汉分公司", phone="0731-85520011"))),
)  # fmt: skip

SHARED: Final = (
    Case("info@ of two persons", "different", "a mailbox of a role is nobody's own",
         (_person("Anselm", "Weidner", email="info@portal-one.example"),
          _person("Bettina", "Weidner", email="info@portal-one.example"))),
    Case("sales@ under one surname", "different", "two persons behind one counter",
         (_person("Carlo", "Benedetti", email="sales@portal-two.example"),
          _person("Dario", "Benedetti", email="sales@portal-two.example"))),
    Case("客服@ of two persons", "different", "the mailbox of the help desk",
         (_person("建国", "龚", email="客服@portal-three.example"),
          _person("建军", "龚", email="客服@portal-three.example"))),
    Case("noreply@ of two persons", "different", "a system writes from it",
         (_person("Emeric", "Valois", email="noreply@mailer-four.example"),
          _person("Emeric", "Vasseur", email="noreply@mailer-four.example"))),
    Case("none@none.com", "different", "a placeholder",
         (_person("Greta", "Sandoval", email="none@none.com"),
          _person("Hanna", "Sandoval", email="none@none.com"))),
    Case("test@test.com", "different", "a placeholder",
         (_person("Igor", "Petkov", email="test@test.com"),
          _person("Igor", "Dimitrov", email="test@test.com"))),
    Case("telephone 123456789", "different", "a placeholder",
         (_person("Janek", "Wolski", phone="123456789"),
          _person("Janek", "Borowski", phone="123456789"))),
    Case("telephone 000000000", "different", "a placeholder",
         (_person("Karin", "Ostberg", phone="000000000"),
          _person("Karin", "Sundin", phone="000000000"))),
    Case("telephone 11111111", "different", "a placeholder",
         (_company("Brackenfell Tools", phone="11111111"),
          _company("Brackenfell Taxis", phone="11111111"))),
    Case("telephone 999-9999999", "different", "a placeholder behind an area code",
         (_person("Lars", "Ekdahl", phone="415 9999999"),
          _person("Lars", "Ekberg", phone="415 9999999"))),
    Case("registration number N/A", "different", "a placeholder",
         (_company("Cindermoor Glass", registration_number="N/A"),
          _company("Duskwater Glass", registration_number="N/A"))),
    Case("registration number 123456789", "different", "a placeholder",
         (_company("Eddystone Wire", registration_number="123456789"),
          _company("Foxmoor Cable", registration_number="123456789"))),
    Case("the name 无", "different", "a word for nothing",
         (_company("无", phone="+1 415 300 4201"), _company("无", city="Yreka"))),
    Case("a switchboard of many names", "different", "it serves a whole tower",
         (_company("Glimmerstone Media", phone="+1 415 300 4202"),
          _company("Glimmerstone Medic", phone="+1 415 300 4202"),
          *(_company(f"{name} Advisory", phone="+1 415 300 4202")
            for name in ("Hartwell", "Jessamine", "Kittering", "Lowick", "Mandeville",
                         "Netherby", "Orrington", "Pemberley")))),
    Case("a mailbox of many persons", "different", "no role, but ten use it",
         (_person("Nadia", "Rahmani", email="desk7@portal-five.example"),
          _person("Nadia", "Haddad", email="desk7@portal-five.example"),
          *(_person(given, family, email="desk7@portal-five.example")
            for given, family in (("Omar", "Sayegh"), ("Petra", "Kline"),
                                  ("Quentin", "Moreau"), ("Rosa", "Ibarra"),
                                  ("Sven", "Hallberg"), ("Tariq", "Nasser"))))),
    Case("one mailbox, two given names, one surname", "asked", "a household",
         (_person("Ulrika", "Brandvold", email="brandvold@hush.example"),
          _person("Viggo", "Brandvold", email="brandvold@hush.example")), _HOUSE),
    Case("one telephone and door, two given names", "asked", "a household",
         (_person("Wanda", "Eskelund", **_home(21)),
          _person("Xaver", "Eskelund", **_home(21))), _HOUSE),
    Case("twins", "asked", "one birth date, one door, two given names",
         (_person("Yannick", "Delacourt", birth_date=_born(1999), **_home(22)),
          _person("Zelie", "Delacourt", birth_date=_born(1999), **_home(22))), _HOUSE),
    Case("a household and an initial", "different",
         "J. may be either, so it must not join both",
         (_person("Jasper", "Tolliver", email="tolliver@hush.example"),
          _person("Judith", "Tolliver", email="tolliver@hush.example"),
          _person("J.", "Tolliver", email="tolliver@hush.example"))),
    Case("one own mailbox, one person", "same", "a mailbox of her own",
         (_person("Aurelia", "Fontaine", email="aurelia.f@hush.example"),
          _person("Aurelia", "Fontaine", email="AURELIA.F@hush.example"))),
    Case("a new surname, one own mailbox", "same", "she married",
         (_person("Beatrix", "Holloway", email="bea.h@hush.example"),
          _person("Beatrix", "Marchetti", email="bea.h@hush.example"))),
    Case("info@ of one company", "same", "a role of this very company",
         (_company("Quillfeather Paper", email="info@quillfeather.example"),
          _company("Quillfeather Paper Ltd", email="info@quillfeather.example"))),
    Case("two companies at one free-mail domain", "different", "anybody has one",
         (_company("Ravensworth Linen", email="rw@gmail.com"),
          _company("Ravensworth Lines", email="lines@gmail.com"))),
)  # fmt: skip

FORMS: Final = (
    Case("ü and ue", "same", "two spellings of one letter",
         (_person("Jürgen", "Müllerschön", **_home(31)),
          _person("Juergen", "Muellerschoen", **_home(31)))),
    Case("ö without dots", "same", "a system without umlauts",
         (_company("Köhlerbräu GmbH", city="Ulm"), _company("Kohlerbrau", city="Ulm"))),
    Case("ß and ss", "same", "Swiss spelling",
         (_company("Weißgerber Straßenbau GmbH", city="Köln"),
          _company("Weissgerber Strassenbau", city="Koeln"))),
    Case("ø and oe", "same", "Danish on an English keyboard",
         (_company("Bjørnskov Møbler ApS"), _company("Bjoernskov Moebler"))),
    Case("å and aa", "same", "as it was written before 1948",
         (_company("Aalsgårde Skibsværft A/S"), _company("Ålsgaarde Skibsvaerft"))),
    Case("ł and l", "same", "a stroke that a keyboard lacks",
         (_company("Wróbłewska Hurtownia Sp. z o.o."),
          _company("Wroblewska Hurtownia"))),
    Case("đ and d", "same", "a stroke that a keyboard lacks",
         (_company("Đorđević Mašine d.o.o."), _company("Dordevic Masine"))),
    Case("Cyrillic and Latin", "same", "one name in two alphabets",
         (_company("ООО «Ромашкин Двор»"), _company("Romashkin Dvor OOO"))),
    Case("株式会社 in front", "same", "a Japanese company's form stands in front",
         (_company("株式会社北斗山製作所"), _company("北斗山製作所"))),
    Case("有限会社 in front and behind", "same", "one form in two places",
         (_company("有限会社松葉屋本舗"), _company("松葉屋本舗有限会社"))),
    Case("合同会社 and ㈱-like signs", "same", "the sign is the word",
         (_company("合同会社青海波企画"), _company("（同）青海波企画"))),
    Case("㈱", "same", "one character for four",
         (_company("㈱鶴亀堂印刷"), _company("鶴亀堂印刷株式会社"))),
    Case("PT in front", "same", "Indonesia",
         (_company("PT Sinar Kencana Abadi"), _company("Sinar Kencana Abadi"))),
    Case("PT … Tbk", "same", "Indonesia, listed",
         (_company("PT. Gunung Merpati Tbk"), _company("Gunung Merpati"))),
    Case("SARL in front", "same", "France",
         (_company("SARL Boulangerie Tréguier"), _company("Boulangerie Treguier"))),
    Case("S.A. de C.V.", "same", "Mexico",
         (_company("Tejidos Xochimilpa S.A. de C.V."), _company("Tejidos Xochimilpa"))),
    Case("Sdn. Bhd.", "same", "Malaysia",
         (_company("Kejora Palmindah Sdn. Bhd."), _company("KEJORA PALMINDAH"))),
    Case("Pty Ltd", "same", "Australia",
         (_company("Wollemi Ridgeline Pty. Ltd."), _company("Wollemi Ridgeline"))),
    Case("Ltda and S.A.", "same", "Brazil; a form may change",
         (_company("Ipanduva Metais Ltda."), _company("Ipanduva Metais S.A."))),
    Case("Kft.", "same", "Hungary",
         (_company("Zsombolyai Kertészet Kft."), _company("Zsombolyai Kerteszet"))),
    Case("Oy and Ab", "same", "Finland writes both",
         (_company("Hiidenlampi Konepaja Oy"), _company("Hiidenlampi Konepaja Oy Ab"))),
    Case("a.s. and s.r.o.", "same", "Czechia",
         (_company("Krkavčí Strojírny, a.s."), _company("KRKAVCI STROJIRNY"))),
    Case("A.Ş.", "same", "Turkey",
         (_company("Yıldızoğlu Tekstil A.Ş."), _company("Yildizoglu Tekstil"))),
    Case("UAB in front", "same", "Lithuania",
         (_company("UAB Gintarėlis Baldai"), _company("Gintarelis Baldai"))),
    Case("주식회사", "same", "Korea's form stands in front or behind",
         (_company("주식회사 한별누리상사"), _company("한별누리상사"))),
    Case("swapped given and family name", "same", "two fields, filled the other way round",
         (_person("Ottilie", "Krahwinkel", **_home(32)),
          _person("Krahwinkel", "Ottilie", **_home(32)))),
    Case("swapped names, and slips in all else", "same",
         "two names in common, in whatever order, are worth a comparison",
         (_person("Ludmila", "Ravenglass", registration_number="6619336",
                  birth_date=dt.date(1921, 2, 22), street="264 Ainsworth Street",
                  city="Camden", postal_code="3500"),
          _person("Ravenglass", "Ludmila", registration_number="6619346",
                  birth_date=dt.date(1922, 2, 22), street="264 Ainsworthstreet",
                  city="Camden", postal_code="3500"))),
    Case("Family, Given", "same", "as a register writes it",
         (_whole("Quastenberg, Leopold", **_home(33)),
          _person("Leopold", "Quastenberg", **_home(33)))),
    Case("a whole name and its parts", "same", "one system has one field",
         (_whole("Mirabel Osterhagen", **_home(34)),
          _person("Mirabel", "Osterhagen", **_home(34)))),
    Case("a Chinese name and its parts", "same", "the family name stands in front",
         (_whole("司马远航", **_home(35)), _person("远航", "司马", **_home(35)))),
    Case("parts without a whole name", "same", "the whole name is composed of its parts",
         ({**_person("Torvald", "Nyquistad", **_home(36)), "customer_name": None},
          _whole("Torvald Nyquistad", **_home(36)))),
    Case("an initial at one door and phone", "same", "an initial contradicts nothing",
         (_person("F.", "Glasenapp", **_home(37)),
          _person("Ferdinand", "Glasenapp", **_home(37)))),
    Case("an initial and a surname alone", "different", "there are many",
         (_person("G.", "Hohenfels", city="Bremen"),
          _person("Gustav", "Hohenfels", city="Lindau"))),
    Case("an acronym and its words, names only", "asked", "weak evidence",
         (_company("Nordwick Brine Mining"), _company("NBM"))),
    Case("an acronym and its words, one domain", "same", "weak evidence, and a domain",
         (_company("Quarrington Zinc Vault", website="qzv.example", phone="4153004301"),
          _company("QZV", website="qzv.example", phone="4153004301"))),
    Case("& and and", "same", "one word, two ways to write it",
         (_company("Thistledown & Merriweather"),
          _company("Thistledown and Merriweather"))),
    Case("full width", "same", "a Chinese keyboard",
         (_company("Ｋｅｓｔｒｅｌｆａｒｍ　Ｏｒｇａｎｉｃ"),
          _company("Kestrelfarm Organic"))),
    Case("traditional and simplified", "same", "one name in two scripts",
         (_company("鴻圖遠達貿易有限公司"), _company("鸿图远达贸易有限公司"))),
)  # fmt: skip

NAMES: Final = (
    Case("one long, rare name in two places", "same",
         "a known but different place must not say more than no place at all",
         (_company("Zwicklbauer Obermoser Holzverarbeitung", city="Passau",
                   country="DE"),
          _company("Zwicklbauer Obermoser Holzverarbeitung", city="Linz",
                   country="AT"))),
    Case("one long, rare name, no place", "same", "nothing but the name",
         (_company("Obersulzbacher Feinmechanik Werkstaetten"),
          _company("Obersulzbacher Feinmechanik Werkstaetten"))),
    Case("one common name of many holders", "different",
         "a name that six others carry at their own domains identifies nobody",
         (_company("Sunrise Cafe", website="sunrise-a.example", city="Boise"),
          _company("Sunrise Cafe", website="sunrise-b.example", city="Tampa"),
          *(_company("Sunrise Cafe", website=f"sunrise-{place}.example",
                     city=f"{place}ville") for place in "cdefgh"))),
    Case("word order", "same", "the same words",
         (_company("Instrument Corporation Veltrassian"),
          _company("Veltrassian Instrument Corporation"))),
    Case("abbreviations", "same", "Intl, Mfg and Tech stand for words",
         (_company("Brandishaw International Manufacturing Technologies"),
          _company("Brandishaw Intl Mfg Tech"))),
    Case("a slip in a long name", "same", "a letter among thirty",
         (_company("Continental Hydrographic Laboratories"),
          _company("Continental Hydorgraphic Laboratories"))),
    Case("a slip in a short name", "asked", "a letter among seven may be another name",
         (_company("Tessaro"), _company("Tesaro"))),
    Case("a department behind the name", "same", "the customer is the company",
         (_company("Harrowgate Polymer Sciences"),
          _company("Harrowgate Polymer Sciences, Legal Department"))),
    Case("a department in front of the name", "same", "the customer is the university",
         (_company("University of Wendlemere"),
          _company("Department of Physics, University of Wendlemere"))),
    Case("two universities", "different", "the place is the name",
         (_company("University of Aldersham"), _company("University of Bexcliffe"))),
    Case("two colours", "different", "what differs is a known word",
         (_company("Blue Heron Logistics Partners"),
          _company("Gray Heron Logistics Partners"))),
    Case("a parent and a subsidiary", "different",
         "a line of business makes another customer",
         (_company("Stonebridge Meridian"), _company("Stonebridge Meridian Insurance"))),
    Case("run together", "same", "a blank says nothing",
         (_company("Silverthread Needleworks"), _company("Silver Thread Needle Works"))),
)  # fmt: skip

CASES: Final = (*VETOES, *SHARED, *FORMS, *NAMES)

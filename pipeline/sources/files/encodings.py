"""Which encodings fit the bytes of a text that is no UTF-8, and what speaks for each.

An encoding *fits* when the bytes become what people of one language write in it:

- One byte a character, Latin script: letters of one language's alphabet, each mostly
  alone among plain ones, no capital within a word, no fraction or accent beside a letter.
- One byte a character, another script: nine tenths are letters of that script.
- Several bytes a character: nearly all are in the everyday part of its character set
  (GB 2312; KS X 1001's syllables; JIS level 1 and kana; Big5's first plane).

Fitting proves little for the last kind: every Korean syllable is an everyday Chinese
character, too. What is *clear* Chinese in GB18030 is known by what mojibake does not have:
characters that Chinese uses often, and a spread over the whole of GB 2312's first part,
which is in the order of the pronunciation. Korean syllables fill its first half only,
Japanese kanji its first two thirds, Cyrillic its second part. Not here: who decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# The letters of a language beyond a to z, in lower case.
_WEST = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúüªº",
    "Portuguese": "àáâãçéêíóôõúüªº",
    "Italian": "àèéìíîòóùúªº",
    "Dutch": "áéèëíïóöúü",
    "Danish, Norwegian": "æøåéòôü",
    "Swedish, Finnish": "åäöéü",
    "Icelandic": "áðéíóúýþæö",
    "Catalan": "àçèéíïòóúü",
    "Estonian": "äõöüšž",
}
_CENTRE = {
    "Hungarian": "áéíóöőúüű",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Croatian, Slovene": "čćđšž",
    "Romanian": "âăîşţ",
}
_TURKEY = {"Turkish": "âçğıîöşüû"}
_BALTIC = {
    "Lithuanian": "ąčęėįšųūž",
    "Latvian": "āčēģīķļņšūž",
    "Estonian": "äõöüšž",
}

# Of systems that are no more: named where nothing else fits, no reason to doubt what does.
LEGACY = ("cp850", "mac-roman")

SIGNS = "signs only"

# Names that decode most bytes alike stand together; the first is the one to declare.
LATIN = {
    "latin-1": _WEST,
    "cp1252": _WEST,
    "iso8859-15": _WEST,
    "cp1250": _CENTRE,
    "iso8859-2": _CENTRE,
    "cp1254": _TURKEY,
    "iso8859-9": _TURKEY,
    "cp1257": _BALTIC,
    "iso8859-13": _BALTIC,
    "cp850": _WEST,
    "mac-roman": _WEST,
}
SCRIPTS = {
    "cp1251": "CYRILLIC",
    "koi8-r": "CYRILLIC",
    "cp866": "CYRILLIC",
    "cp1253": "GREEK",
    "cp1255": "HEBREW",
    "cp1256": "ARABIC",
    "cp874": "THAI",
}

# Beside a letter they are none of these but a letter of another encoding.
_NEVER_BESIDE_LETTERS = re.compile(
    r"[^\W\d_][¨´¸¹²³¼½¾±¬¯¶×÷¢£¥¦¤]|[¨´¸¼½¾±¬¯¶¦¤][^\W\d_]"
)
_NEVER = re.compile(r"[\x80-\x9f¤¦\ue000-\uf8ff\ufffd]")
_WITHIN = re.compile(r"(?<=[a-z])[^\W\d_\x00-\x7f]")

# The most frequent characters of written Chinese, and those of names of persons,
# companies, places and of the words of trade.
FREQUENT_HAN = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工"
    "也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物"
    "现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全"
    "表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无"
    "系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基"
    "资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取"
    "据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权"
    "收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离"
    "华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低"
    "持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历"
    "市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却"
    "专状育厂京识适属圆包火住调满县局照参红细引听该铁价严"
    "李刘陈杨赵黄吴徐孙胡朱郭罗梁宋郑谢韩唐冯董萧曹袁邓傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜"
    "戴夏钟汪田姜范姚谭廖邹熊陆郝孔崔康邱秦顾侯邵孟龙雷钱汤尹黎武乔贺龚"
    "伟芳娜秀英敏静丽磊洋勇艳杰娟涛超霞刚桂兰梅玲燕辉峰斌波鹏宇浩鑫婷雪琳慧莉萍云永春玉珍凤"
    "祥福德荣昌盛兴旺隆泰顺瑞嘉佳宝宏鸿亿汇恒源润腾飞翔星辰诚"
    "司限份责贸铺超户编址邮箱订货牌注城镇乡村街巷弄栋楼室座厦园苑庄港湾桥店仓库银账付款票税"
    "折扣退换费递服售诉咨询修培训医校酒饭餐饮食鞋帽械材钢筑饰印刷纸塑橡胶玻璃陶瓷汽配零批销"
    "购供杭宁汉都沈连岛沙昆贵阳原庄哈尔滨肥赣浙河陕甘肃川黑辽蒙疆藏台香澳粤琼闽皖豫鲁冀晋鄂"
    "湘渝沪津"
)


@dataclass(frozen=True)
class Evidence:
    """What of a file's bytes the decision rests on.

    Attributes:
        lines: Lines with bytes above 0x7f, as many as fit into a sample.
        high: Every byte above 0x7f that the whole file has.
        decodes_gb18030: Whether the whole file does.
    """

    lines: bytes
    high: frozenset[int]
    decodes_gb18030: bool


@dataclass
class Candidate:
    """Encodings that make the same text of the bytes, and whose language that is.

    Attributes:
        letters: What becomes of every byte above 0x7f that the file has anywhere.
    """

    names: list[str]
    language: str
    text: str
    letters: str

    def __str__(self) -> str:
        return f"{' or '.join(self.names[:2])} ({self.language}: {self.example!r})"

    @property
    def example(self) -> str:
        """The first word with a character that is no ASCII."""
        pattern = r"""[^\s,;|"'\x00-\x1f]*[^\x00-\x7f][^,;|"'\x00-\x1f]{0,9}"""
        found = re.search(pattern, self.text)
        return found[0][:20] if found else ""


def candidates(evidence: Evidence) -> list[Candidate]:
    """The encodings that fit, those of several bytes a character first.

    Those of systems that are no more are left out where another one fits.
    """
    found: list[Candidate] = []
    for codec, language, fits in _WIDE:
        text = _decoded(evidence.lines, codec)
        whole = codec != "gb18030" or evidence.decodes_gb18030
        if text is not None and whole and fits(_beyond_ascii(text)):
            found.append(Candidate([codec], language, text, ""))
    stand_alone = _stand_alone(evidence.lines)
    for codec in (*LATIN, *SCRIPTS):
        text = _decoded(evidence.lines, codec)
        letters = _decoded(bytes(sorted(evidence.high)), codec)
        if text is None or letters is None:
            continue
        named = None
        if codec in SCRIPTS:
            named = _script_of(SCRIPTS[codec], text)
        elif stand_alone:
            named = _language_of(codec, text, letters, evidence)
        alike = (item for item in found if (item.text, item.letters) == (text, letters))
        same = next(alike, None)
        if same is None:
            found.append(Candidate([codec], named or "", text, letters))
        else:
            same.names.append(codec)
            same.language = same.language or named or ""
    found = [item for item in found if item.language]
    living = [item for item in found if item.names[0] not in LEGACY]
    return living or found


def is_clear_western(found: Sequence[Candidate]) -> bool:
    """Whether Latin-1 fits, and every other encoding that fits makes the same text."""
    return (
        len(found) == 1 and "latin-1" in found[0].names and found[0].language != SIGNS
    )


def is_clear_chinese(evidence: Evidence) -> bool:
    """Whether the bytes are Chinese in GB18030 and cannot well be anything else."""
    text = _decoded(evidence.lines, "gb18030")
    if not evidence.decodes_gb18030 or text is None:
        return False
    beyond = _beyond_ascii(text)
    han = [character for character in beyond if "\u4e00" <= character <= "\u9fff"]
    if not han or not _fits_gb18030(beyond) or _share(beyond, _is_kana) > 0.02:
        return False
    leads = [character.encode("gb18030")[0] for character in han]
    count = len(han)
    frequent = _share(han, FREQUENT_HAN.__contains__)
    # Beyond Korean's syllables, beyond JIS level 1, and in GB 2312's second part.
    later = sum(lead >= 0xC9 for lead in leads) / count
    last = sum(0xD0 <= lead < 0xD8 for lead in leads) / count
    rare = sum(lead >= 0xD8 for lead in leads) / count
    return rare <= 0.2 and (
        (count >= 6 and frequent >= 0.75 and later > 0)
        or (count >= 20 and frequent >= 0.45 and later >= 0.2 and last >= 0.1)
        or (count >= 40 and frequent >= 0.3 and later >= 0.3 and last >= 0.15)
    )


def _decoded(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def _beyond_ascii(text: str) -> str:
    return re.sub(r"[\x00-\x7f]+", "", text)[:50_000]


def _share(text: Sequence[str], is_one: Callable[[str], bool]) -> float:
    return sum(map(is_one, text)) / max(len(text), 1)


# Several bytes a character -------------------------------------------------------------


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30fe"


def _fits_gb18030(beyond: str) -> bool:
    everyday = len(beyond.encode("gb2312", errors="ignore")) / 2
    return everyday / max(len(beyond), 1) >= 0.95


def _fits_korean(beyond: str) -> bool:
    def is_usual(character: str) -> bool:
        return len(character.encode("euc_kr", errors="ignore")) == 2 and (
            "\uac00" <= character <= "\ud7a3" or not "\u4e00" <= character <= "\u9fff"
        )

    return _share(beyond, is_usual) >= 0.9


def _fits_japanese(beyond: str) -> bool:
    def is_usual(character: str) -> bool:
        lead = character.encode("euc_jp", errors="ignore")[:1]
        return b"\xa1" <= lead < b"\xd0"

    return _share(beyond, is_usual) >= 0.9


def _fits_big5(beyond: str) -> bool:
    def is_usual(character: str) -> bool:
        lead = character.encode("big5", errors="ignore")[:1]
        return b"\xa1" <= lead <= b"\xc6"

    return _share(beyond, is_usual) >= 0.9


_WIDE: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("gb18030", "Chinese", _fits_gb18030),
    ("big5", "Chinese of Taiwan and Hong Kong", _fits_big5),
    ("cp949", "Korean", _fits_korean),
    ("euc_jp", "Japanese", _fits_japanese),
    ("cp932", "Japanese", _fits_japanese),
)


# One byte a character ------------------------------------------------------------------


def _stand_alone(lines: bytes) -> bool:
    """Whether most characters beyond ASCII have none beside them, as in Latin script."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", lines)]
    return sum(run == 1 for run in runs) >= 0.6 * sum(runs)


def _language_of(codec: str, text: str, letters: str, evidence: Evidence) -> str | None:
    """The languages that the letters are of, if the text is plausible; else None.

    All letters count where Latin-1 makes the same of them. Where it does not, those do
    that it reads otherwise, and half of all: a foreign name must not hide what a text is.
    """
    if _NEVER.search(letters) or _NEVER_BESIDE_LETTERS.search(text):
        return None
    if any(map(str.isupper, set(_WITHIN.findall(text)))):
        return None
    western = bytes(sorted(evidence.high)).decode("latin-1")
    own = {one.lower()[0] for one in letters if one.isalpha()}
    differing = {
        one.lower()[0]
        for one, other in zip(letters, western, strict=True)
        if one.isalpha() and one != other
    }
    if not own:
        return SIGNS
    written = [one.lower()[0] for one in _beyond_ascii(text) if one.isalpha()]
    found = [
        language
        for language, alphabet in LATIN[codec].items()
        # The small letter of the Turkish İ is a plain one.
        if (differing or own) <= {*alphabet, "i"}
        and _share(written, {*alphabet, "i"}.__contains__) >= 0.5
    ]
    return "; ".join(found[:2]) or None


def _script_of(script: str, text: str) -> str | None:
    beyond = _beyond_ascii(text)
    own = _share(beyond, lambda one: unicodedata.name(one, "").startswith(script))
    words = [
        word for word in re.findall(r"[^\s\d,;|\"'.()/-]+", text) if not word.isascii()
    ]
    if own < 0.9 or sum(map(_is_odd, words)) > 0.1 * len(words):
        return None
    return script.capitalize()


def _is_odd(word: str) -> bool:
    """Of two scripts, or with capitals within, as KOI8 has them in texts of Windows."""
    has_two = re.search(r"[A-Za-z]", word) is not None
    return has_two or (any(map(str.isupper, word[1:])) and not word.isupper())

"""Codes of languages as other toolkits write them, and as the server names them: two letters where there are two."""

from collections.abc import Iterable, Mapping

# ISO 639: three letters, then two.
_STANDARD = (
    "aar aa abk ab afr af aka ak amh am ara ar arg an asm as ava av ave ae aym ay aze az bak ba bam bm bel be ben bn "
    "bis bi bod bo bos bs bre br bul bg cat ca ces cs cha ch che ce chu cu chv cv cor kw cos co cre cr cym cy dan da "
    "deu de div dv dzo dz ell el eng en epo eo est et eus eu ewe ee fao fo fas fa fij fj fin fi fra fr fry fy ful ff "
    "gla gd gle ga glg gl glv gv grn gn guj gu hat ht hau ha heb he her hz hin hi hmo ho hrv hr hun hu hye hy ibo ig "
    "ido io iii ii iku iu ile ie ina ia ind id ipk ik isl is ita it jav jv jpn ja kal kl kan kn kas ks kat ka kau kr "
    "kaz kk khm km kik ki kin rw kir ky kom kv kon kg kor ko kua kj kur ku lao lo lat la lav lv lim li lin ln lit lt "
    "ltz lb lub lu lug lg mah mh mal ml mar mr mkd mk mlg mg mlt mt mon mn mri mi msa ms mya my nau na nav nv nbl nr "
    "nde nd ndo ng nep ne nld nl nno nn nob nb nor no nya ny oci oc oji oj ori or orm om oss os pan pa pli pi pol pl "
    "por pt pus ps que qu roh rm ron ro run rn rus ru sag sg san sa sin si slk sk slv sl sme se smo sm sna sn snd sd "
    "som so sot st spa es sqi sq srd sc srp sr ssw ss sun su swa sw swe sv tah ty tam ta tat tt tel te tgk tg tgl tl "
    "tha th tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug ukr uk urd ur uzb uz ven ve vie vi vol vo wln wa "
    "wol wo xho xh yid yi yor yo zha za zho zh zul zu"
)
# What stands for a language of these: the form of it that is written most, and what OPUS calls Brazilian Portuguese.
_FORMS = (
    "als sq arb ar azj az cmn zh cn zh ekk et gaz om khk mn kmr ku lvs lv npi ne ory or pbt ps pes fa plt mg "
    "pob pt-br pt_br pt-br swh sw uzn uz ydd yi zhs zh-hans zht zh-hant zlm ms zsm ms"
)
# ISO 639-5: families, which no text is in.
_GROUPS = (
    "aav afa alg alv apa aqa aql art ath auf aus awd azc bad bai bat ber bih bnt btk cai cau cba ccn ccs cdc cdd "
    "cel cmc cpe cpf cpp crp csu cus day dmn dra egx esx euq fiu fox gem gme gmq gmw grk hmx hok hyx iir ijo inc "
    "ine ira iro itc jpx kar kdo khi kro map mkh mno mul mun myn nah nai ngf nic nub omq omv oto paa phi plf poz "
    "pqe pqw pra qwe roa sai sal sdv sem sgn sio sit sla smi son sqj ssa syd tai tbq trk tup tut tuw urj wak wen "
    "xgn xnd ypk zhx zle zls zlw znd"
)


def _pair_up(words: str) -> dict[str, str]:
    """Every second of `words` by the one before it."""
    listed = words.split()
    return dict(zip(listed[::2], listed[1::2], strict=True))


STANDARD: Mapping[str, str] = _pair_up(_STANDARD)
FORMS: Mapping[str, str] = _pair_up(_FORMS)
GROUPS = frozenset(_GROUPS.split())
# Chinese has no usual script, so that it is always said.
_SCRIPTS = {
    **dict.fromkeys(("zh_hans", "zh_cn", "zh_sg"), "zh-hans"),
    **dict.fromkeys(("zh_hant", "zh_tw", "zh_hk", "zh_mo"), "zh-hant"),
}
# The script of a language that has several, where it is not Latin.
_USUAL = {**dict.fromkeys(("kk", "mn", "sr", "tg", "tt"), "cyrl"), **dict.fromkeys(("ks", "ota", "sd", "ug"), "arab")}


def served_code(code: str) -> str:
    """The server's code of a language that somebody calls `code`; what is not known stays.

    deu, eng_Latn, cmn_Hans and pob become de, en, zh-hans and pt-br.
    """
    code = code.lower().replace("-", "_")
    if code in FORMS:
        return FORMS[code]
    language, _, script = code.partition("_")
    short = STANDARD.get(language) or FORMS.get(language, language)
    scripted = _SCRIPTS.get(f"{short}_{script}")
    return scripted or (short if not script or len(script) == 4 else f"{short}-{script}")


def served_codes(codes: Iterable[str]) -> dict[str, str]:
    """Those of `codes` by what the server calls them, where no two may be called the same.

    Of several with one name the one has it that says no script, or the usual one; of such the language itself before a
    form of it. The others are told by their script (sr-latn), or keep their own names.
    """
    named: dict[str, list[str]] = {}
    for code in dict.fromkeys(codes):
        named.setdefault(served_code(code), []).append(code)
    found = {short: min(rivals, key=lambda code: _distance(short, code)) for short, rivals in named.items()}
    for short, rivals in named.items():
        for code in (each for each in rivals if each != found[short]):
            script = _script(code)
            longer = f"{short}-{script}" if script and script != _script(found[short]) else code
            found.setdefault(longer.lower().replace("_", "-"), code)
    return found


def is_group(code: str) -> bool:
    """Whether `code` names several languages: a family, or what OPUS-MT writes in capitals, such as NORTH_EU."""
    return code.lower() in GROUPS or (len(code) > 3 and code.isupper())


def _distance(short: str, code: str) -> tuple[bool, bool]:
    """How far the language `code` is from what `short` says by itself."""
    return _script(code) not in ("", _USUAL.get(short, "latn")), code.lower().partition("_")[0] in FORMS


def _script(code: str) -> str:
    """What four letters behind the language tell, if they are there."""
    script = code.lower().replace("-", "_").partition("_")[2]
    return script if len(script) == 4 else ""

"""Names that no corpus holds: copied letter by letter, or not at all."""

from random import Random

from training.data.noise.pair import Linker, Pair, find_copies

# Beginnings and ends of names, by their spelling: any two make a name, rare or unheard of.
SPELLINGS = tuple(
    (beginnings.split(), ends.split())
    for beginnings, ends in (
        ("Dvo Nová Kří Hrub Štěp Žiž Čer Buř", "řák ková žek ánek ička ný šil tík"),
        ("Kowal Wiśn Szcz Łuk Brzę Żół Gór Mał", "czyk iewski ęsny asz owski kowska ń ecka"),
        ("Er Öz Yıl Gü Şa Çe Tür Bağ", "doğan demir maz neş hin lik kmen cı"),
        ("Nguy Tr Ph Đặ Ngữ Lê Hồ Vũ", "ễn ần ạm ng anh ịnh ường ức"),
        ("Sø Bjø Kjæ Å Hå Øst Vå Grø", "rensen rnsson rgaard strand kansson ergaard ge nvold"),
        ("Ionesc Văcăr Țepe Șerb Dragomir Brân", "u escu ș ănescu oiu covean"),
        ("Ferre Muñ Ibáñ Gonçal Araúj Peñ Zúñ", "ira oz ez ves o a iga"),
        ("Szab Nagy Kőszeg Erdő Gyö Hör", "ó né i s rgy váth"),
        ("Xhe Gjer Tish Kral Mbop Ngu Okw Chim", "mail gji thaj jević e gi uosa amanda"),
        ("Quil Wroth Thax Brack Ygg Zan Fen Cald", "ldrick gar by nock ted tworth rix owell"),
        ("Krü Schö Mäu Grö Pfl Zwie Knöp Häu", "ger nwald ßner bel üger bach ßler fle"),
        ("Ива Петро Соло Куз Яро Чер", "нов вич вьёв нецов слав ныш"),
        ("Шев Грице Коваль Ющ Забо", "ченко нко чук енко лотний"),
        ("Παπα Γεωρ Κων Θεο Αλεξ", "δόπουλος γίου σταντίνου δωράκης ίου"),
        ("山 田 小 高 佐", "本 中 林 橋 藤"),
        ("محم أحم عبد يوس", "د الله ف ود"),
    )
)
LATIN = 11  # of these are in Latin letters
LATIN_SHARE = 0.75


def draw_name(rng: Random) -> str:
    """A name of one spelling, in Latin letters most of the time."""
    spellings = SPELLINGS[:LATIN] if rng.random() < LATIN_SHARE else SPELLINGS[LATIN:]
    beginnings, ends = rng.choice(spellings)
    return rng.choice(beginnings) + rng.choice(ends)


def rename(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    """Other names for all those that are spelled alike in both lines; `linker` is not asked."""
    one, _ = pair.texts
    links = [link for link in find_copies(pair) if _is_name(one[slice(*link.one)])]
    if not links:
        return None
    names = [draw_name(rng) + (f" {draw_name(rng)}" if rng.random() < 0.2 else "") for _ in links]
    return pair.edit(
        [(*link.one, name) for link, name in zip(links, names, strict=True)],
        [(*link.other, name) for link, name in zip(links, names, strict=True)],
    )


def _is_name(word: str) -> bool:
    return len(word) > 2 and word[0].isupper() and word[1:].islower()

"""Codes of languages as other toolkits write them, and as the server names them: two letters where there are two."""

from collections.abc import Mapping, Sequence

from export.errors import ExportError
from export.sources.pieces import is_target_tag
from server.bundle import LanguagePair

_TWO_LETTERS = (
    "afr af amh am ara ar aze az bel be ben bn bos bs bul bg cat ca ces cs cym cy dan da deu de ell el eng en epo eo "
    "est et eus eu fas fa fin fi fra fr gle ga glg gl guj gu hau ha heb he hin hi hrv hr hun hu hye hy ibo ig ind id "
    "isl is ita it jpn ja kan kn kat ka kaz kk khm km kor ko lao lo lat la lav lv lit lt ltz lb mal ml mar mr mkd mk "
    "mlg mg mlt mt mon mn msa ms mya my nep ne nld nl nno nn nob nb nor no pan pa pes fa pol pl por pt pob pt-br pus "
    "ps ron ro rus ru sin si slk sk slv sl som so spa es sqi sq srp sr swa sw swe sv swh sw tam ta tel te tgl tl tha "
    "th tur tr ukr uk urd ur uzb uz vie vi xho xh yid yi yor yo zho zh cmn zh zsm ms zul zu arb ar ekk et lvs lv"
)
_WORDS = _TWO_LETTERS.split()
CODES: Mapping[str, str] = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))
_SCRIPTS = {"zh_hans": "zh-hans", "zh_hant": "zh-hant"}


def served_code(code: str) -> str:
    """The server's code of a language that somebody calls `code`; what is not known stays.

    deu, eng_Latn, cmn_Hans and pob become de, en, zh-hans and pt-br.
    """
    language, _, script = code.lower().partition("_")
    short = CODES.get(language, language)
    scripted = _SCRIPTS.get(f"{short}_{script}")
    return scripted or (short if not script or len(script) == 4 else f"{short}-{script}")


def choose_pairs(
    pieces: Sequence[str], said: tuple[str, str] | None, asked: Sequence[tuple[str, str]]
) -> tuple[LanguagePair, ...]:
    """The directions to serve: those asked for, or those that the model says.

    Args:
        pieces: of the source side by id. Where some are `>>xxx<<`, one goes before the source and names the target.
        said: source and target language by the model's own words, if it has any; only the source counts with several
            targets.
        asked: by the user.

    Raises:
        ExportError: a target that the model does not have, or nothing says what it translates.
    """
    tags: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        if is_target_tag(piece):
            tags.setdefault(served_code(piece[2:-2]), number)
            tags.setdefault(piece[2:-2].lower(), number)
    if not asked:
        if said is None:
            raise ExportError("nothing says which languages the model translates; give --pair, such as --pair de-en")
        shown = dict.fromkeys(served_code(piece[2:-2]) for piece in pieces if is_target_tag(piece))
        asked = [(said[0], target) for target in shown] or [said]
        asked = [(source, target) for source, target in asked if source != target]
    missing = [target for _, target in asked if tags and target not in tags]
    if missing:
        raise ExportError(f"the model has no target language {missing[0]!r}; it has {', '.join(sorted(tags))}")
    return tuple(LanguagePair(source, target, (tags[target],) if tags else ()) for source, target in asked)

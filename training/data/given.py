"""The tokenizer that a run must use, because its settings name one or its weights were trained with it."""

from pathlib import Path

from training.data.tokenizer import NAME, Tokenizer, TokenizerError, find_tokenizer
from training.settings import TrainSettings


def given_tokenizer(settings: TrainSettings) -> Tokenizer | None:
    """That of `run.init_from`, or `tokenizer.path`; None if the run trains its own.

    Raises:
        TokenizerError: it does not exist or fit, or both are given and differ.
        ConfigError: what an imported model has beside it is damaged.
    """
    given = {}
    if settings.tokenizer.path:
        given["tokenizer.path"] = Path(settings.tokenizer.path)
    if settings.run.init_from:
        given["run.init_from"] = Path(settings.run.init_from) / NAME
    for name, path in given.items():
        if not path.is_file():
            raise TokenizerError(f"{name}: there is no {path.name} in {path.parent}")
    if len({path.read_bytes() for path in given.values()}) > 1:
        raise TokenizerError(
            f"tokenizer.path = {settings.tokenizer.path} is another tokenizer than the one that the weights of "
            f"run.init_from = {settings.run.init_from} were trained with; leave tokenizer.path out"
        )
    if settings.run.init_from:
        tokenizer = find_tokenizer(Path(settings.run.init_from), settings.languages())
        if not tokenizer.is_ours:
            _refuse_what_it_lacks(settings, tokenizer)
        return tokenizer
    return Tokenizer(Path(settings.tokenizer.path), settings.languages()) if given else None


def _refuse_what_it_lacks(settings: TrainSettings, tokenizer: Tokenizer) -> None:
    """Name all that an imported model cannot be trained for."""
    known, where = tokenizer.scheme.pairs, f"run.init_from = {settings.run.init_from}"
    translated = ", ".join(f"{source}-{target}" for source, target in known)
    faults = [
        f"{kind} {corpus.name!r}: direction {source}-{target}; the model of {where} translates {translated}; "
        f'give the corpus its directions, such as directions = ["{next(iter(known))[0]}-{next(iter(known))[1]}"]'
        for kind, corpora in (("corpora", settings.corpora), ("validation", settings.validation))
        for corpus in corpora
        for source, target in corpus.pairs()
        if (source, target) not in known
    ]
    if settings.formality.targets:
        faults.append(
            f"formality.targets = {list(settings.formality.targets)}: the model of {where} was imported and has no ids "
            "that mark forms of address; leave [formality] out"
        )
    if faults:
        raise TokenizerError("\n".join(faults))

"""Evaluating: figures with known answers, every kind of system, and clear words for what cannot be done."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from export.cli import read_quality
from export.comparison import compare
from export.evaluate import main
from export.manifest import ExportSettings
from export.pack import Material, pack
from export.scores import build_metrics, score, score_by_length
from export.sources.own import from_checkpoint
from export.symptoms import find_symptoms, find_worst, repeats
from export.systems import Decoding, find_system
from export.testset import read_test_sets
from tests.corpus import sentences, write_corpus
from tests.export.toy import build_checkpoint
from training.checkpoint import Draft, RunState, Sample, read_checkpoint, write_checkpoint
from training.data.tokenizer import Tokenizer
from training.decode import greedy_decode

PAIRS = sentences(40, seed=5)
REFERENCES = [en for _, en in PAIRS]
METRICS = ["bleu", "chrf", "ter"]
# Of the corpus that is translated: a random model goes on to the longest length.
NUM_LINES = 9


@pytest.fixture(scope="module")
def folders(
    tokenizer: Tokenizer, samples: tuple[Sample, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Path]:
    """A checkpoint, its fp32 bundle with beam 3 as default, and a corpus."""
    torch.set_num_threads(1)
    samples = (*samples[:4], *samples[-4:])
    root = tmp_path_factory.mktemp("systems")
    checkpoint = build_checkpoint(vocab_size=tokenizer.vocab_size, tokenizer=tokenizer.path, samples=samples)
    settings, position, weights = checkpoint.settings, checkpoint.position, checkpoint.model.state_dict()
    draft = Draft(settings, replace(position, step=7), RunState(), tokenizer, weights, {}, {}, samples)
    write_checkpoint(root / "checkpoint", draft)
    config = json.loads((root / "checkpoint" / "config.json").read_text())
    # The settings name no corpora, and so no directions.
    (root / "checkpoint" / "config.json").write_text(json.dumps(config | {"pairs": checkpoint.pairs}))
    pack(from_checkpoint(checkpoint), root / "bundle", ExportSettings(beam_size=3), Material(), lambda message: None)
    write_corpus(root, "toy", PAIRS[:NUM_LINES])
    return root / "checkpoint", root / "bundle", root


def flags(root: Path, source: str = "de", target: str = "en", name: str = "toy") -> list[str]:
    return ["--test", name, source, target, str(root / f"toy.{source}.gz"), str(root / f"toy.{target}.gz")]


def damaged(lines: list[str]) -> list[str]:
    return [line.replace(" the ", " ferry ") if i % 2 else "" for i, line in enumerate(lines)]


def test_scores_of_known_lines() -> None:
    metrics = build_metrics(METRICS, "en", False)
    assert score(metrics, REFERENCES, REFERENCES) == pytest.approx({"BLEU": 100, "chrF": 100, "TER": 0})
    assert score(metrics, ["zzz"] * 40, REFERENCES)["BLEU"] == 0
    # Right are 9 of 10 words, 6 of 8 pairs, 4 of 6 triples and 2 of 4 quadruples; one edit in ten words.
    found = score(metrics, ["a b c d .", "a b c x ."], ["a b c d .", "a b c d ."])
    assert found["BLEU"] == pytest.approx(100 * (9 / 10 * 6 / 8 * 4 / 6 * 2 / 4) ** 0.25)
    assert found["TER"] == pytest.approx(10)


def test_lowercase_is_in_the_signature() -> None:
    for lowercase, case, perfect in ((True, "case:lc", True), (False, "case:mixed", False)):
        metrics = build_metrics(["bleu", "chrf"], "en", lowercase)
        scores = score(metrics, [line.upper() for line in REFERENCES], REFERENCES)
        assert all((value == pytest.approx(100)) == perfect for value in scores.values())
        assert all(case in str(metric.get_signature()) for metric in metrics.values())


def test_length_buckets_share_out_all_lines() -> None:
    metrics = build_metrics(["bleu"], "en", False)
    sources = ["w " * n for n in (1, 5, 6, 10, 11, 41, 90)]
    right = ["a b c d e"] * 7
    buckets = score_by_length(metrics, sources, [*right[:5], "x", "x"], right)
    assert [(bucket.words, bucket.num_lines) for bucket in buckets] == [
        ("1-5", 2),
        ("6-10", 2),
        ("11-20", 1),
        ("41+", 2),
    ]
    assert [round(bucket.scores["BLEU"]) for bucket in buckets] == [100, 100, 100, 0]


def test_symptoms_are_counted() -> None:
    sources = ["eins zwei", "drei", "vier", "fünf"]
    hypotheses = ["", "drei ", "ha ha ha ha ha ha", "five"]
    found = find_symptoms(sources, ["one two", "three", "four", "five"], hypotheses, [False, False, True, False])
    assert (found.empty, found.copied, found.repeating, found.cut) == (0.25, 0.25, 0.25, 0.25)
    assert found.length_ratio == pytest.approx((0 + 5 + 17 + 4) / (7 + 5 + 4 + 4))


def test_repeats_needs_three_times() -> None:
    assert repeats("x a b c d y a b c d z a b c d")
    assert not repeats("x a b c d y a b c d z a b c")
    assert not repeats("ha ha")


def test_worst_are_the_lowest_of_those_long_enough() -> None:
    references = ["three words here", "two words", "more than three words", "a b c"]
    worst = find_worst(["s"] * 4, references, ["three words here", "zz", "qq", "a b d"], False)
    assert [line.line for line in worst] == [3, 4, 1]
    assert (worst[0].chrf, worst[2].chrf) == (0, pytest.approx(100))


def test_a_system_is_not_better_than_itself() -> None:
    """sacrebleu alone gives p = 0.001 here: no resample beats a difference of 0."""
    for found in compare(build_metrics(METRICS, "en", False), damaged(REFERENCES), damaged(REFERENCES), REFERENCES):
        assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_a_damaged_system_is_worse() -> None:
    comparisons = compare(build_metrics(METRICS, "en", False), damaged(REFERENCES), REFERENCES, REFERENCES)
    assert [each.metric for each in comparisons] == ["BLEU", "chrF", "TER"]
    for found in comparisons:
        assert found.p_value < 0.01
        assert found.low < found.difference < found.high
        assert (found.low > 0) if found.metric == "TER" else (found.high < 0)
        assert "bs:1000" in found.signature
        assert "seed:12345" in found.signature


def test_an_accident_is_not_significant() -> None:
    """One line better, another worse."""
    one, other = (["wrong here", *REFERENCES[1:]], [REFERENCES[0], "wrong here", *REFERENCES[2:]])
    for found in compare(build_metrics(["bleu", "chrf"], "en", False), one, other, REFERENCES):
        assert found.low < 0 < found.high
        assert found.p_value > 0.05


def test_checkpoint_bundle_and_their_report_say_the_same(
    folders: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, bundle, root = folders
    tests = flags(root) + flags(root, "en", "de")
    report, quality = tmp_path / "new" / "report", tmp_path / "quality.json"
    outputs = ["--report", str(report), "--json", str(quality)]
    common = [*tests, "--num-threads", "1", "--metrics", *METRICS]
    assert main([str(checkpoint), *common, "--beam-size", "3", "--against", str(bundle), *outputs]) == 0
    shown = capsys.readouterr().out
    assert f"System: checkpoint {checkpoint} (step 7, as an fp32 bundle), beam 3" in shown
    assert f"Other: bundle {bundle} (bundle " in shown
    assert shown.count("+0.00 to +0.00 | 1.000") == 6

    assert sorted(path.name for path in report.iterdir()) == [
        "report.json",
        "report.md",
        "toy.de-en.txt",
        "toy.en-de.txt",
    ]
    text = (report / "report.md").read_text()
    assert shown in text
    assert text.count(", chrF ") == 2 * NUM_LINES
    data = json.loads((report / "report.json").read_text())
    assert data["evaluations"][0]["num_lines"] == NUM_LINES
    assert len(data["evaluations"][1]["worst"]) == NUM_LINES
    assert data["evaluations"][0]["symptoms"]["cut"] is not None
    (first, second) = read_quality(quality)
    assert (first.test_set, first.source, second.source) == ("toy", "de", "en")
    assert first.signature.endswith("; beam 3")

    assert main([str(report), *tests, "--against", str(bundle), "--num-threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert f"System: translations in {report}" in shown
    assert shown.count("+0.00 to +0.00 | 1.000") == 4


def test_translations_are_those_of_the_oracle(folders: tuple[Path, Path, Path], tokenizer: Tokenizer) -> None:
    folder, bundle, root = folders
    (test_set,) = read_test_sets([flags(root)[1:]])
    checkpoint = read_checkpoint(folder)
    sources = [[checkpoint.tag_ids["en"], *ids, 3] for ids in tokenizer.encode(list(test_set.sources))]
    limits = [min(2 * len(ids) + 16, checkpoint.max_target_length) for ids in sources]
    expected = greedy_decode(checkpoint.model, sources, limits, checkpoint.suppressed_ids)
    decoding = Decoding(beam_size=1, num_threads=1)
    translated = find_system(bundle).translate([test_set], decoding, lambda message: None)
    # The models are random, so that byte pieces may spell anything; the server makes spaces of control characters.
    plain = [text for text in tokenizer.decode(expected) if text.isprintable()]
    assert len(plain) > NUM_LINES // 2
    assert set(plain) <= set(translated.outputs[0].hypotheses)


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    (tmp_path / "de.gz").write_bytes(gzip.compress("a\u2028b\x0cc\r\nd".encode()))
    (tmp_path / "en").write_text("1\n2\n")
    (test_set,) = read_test_sets([["t", "DE", "en", str(tmp_path / "de.gz"), str(tmp_path / "en")]])
    assert test_set.sources == ("a\u2028b\x0cc", "d")
    assert str(test_set) == "t.de-en"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "fr"}, "toy.fr.gz cannot be opened"),
        ({"name": "../toy"}, "'../toy': a test set's name has letters"),
        ({"target": "e/n"}, "'e/n' is not a language code"),
    ],
)
def test_faults_of_test_sets(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], change: dict[str, str], message: str
) -> None:
    _, bundle, root = folders
    assert main([str(bundle), *flags(root, **change)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ferry-evaluate: ")
    assert message in error


@pytest.mark.parametrize(
    ("source", "reference", "message"),
    [
        ("a\nb\n", "1\n", r"en ends after 1 lines, .*de goes on"),
        ("", "", r"de is empty"),
        ("a\n \n", "1\n2\n", r"de, line 2 of 2, is blank"),
        ("a\nb\n", "\n2\n", r"en, line 1 of 2, is blank"),
    ],
)
def test_faults_of_lines(
    folders: tuple[Path, Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    reference: str,
    message: str,
) -> None:
    (tmp_path / "de").write_text(source)
    (tmp_path / "en").write_text(reference)
    test = ["--test", "t", "de", "en", str(tmp_path / "de"), str(tmp_path / "en")]
    assert main([str(folders[1]), *test]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_faults_of_systems(
    folders: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, bundle, root = folders
    (tmp_path / "toy.de-en.txt").write_text("one line\n")
    unknown = ["--test", "toy", "de", "fr", str(root / "toy.de.gz"), str(root / "toy.en.gz")]
    for arguments, message in [
        ([str(root), *flags(root)], "holds nothing to evaluate: a bundle has manifest.json, a checkpoint config.json"),
        ([str(root / "none"), *flags(root)], "none does not exist"),
        ([str(tmp_path), *flags(root)], "toy.de-en.txt ends after 1 lines"),
        ([str(tmp_path), *flags(root, "en", "de")], "toy.en-de.txt cannot be opened"),
        ([str(bundle), *flags(root), "--against", str(tmp_path)], "toy.de-en.txt ends after 1 lines"),
        ([str(bundle), *unknown], "bundle translates de-en, en-de; it cannot do toy.de-fr"),
        ([str(checkpoint), *unknown], "checkpoint translates de-en, en-de; it cannot do toy.de-fr"),
        ([str(bundle), *flags(root), *flags(root)], "toy.de-en more than once"),
        ([str(bundle), *flags(root), "--beam-size", "0"], "beam_size is 0"),
        ([str(checkpoint), *flags(root), "--beam-size", "99"], "beam_size is 99"),
        ([str(bundle), *flags(root), "--report", str(tmp_path)], "exists, and ferry-evaluate never overwrites"),
        ([str(bundle), *flags(root), "--json", str(tmp_path / "toy.de-en.txt")], "never overwrites"),
        ([str(bundle), *flags(root), "--json", str(tmp_path / "no" / "file")], "the folder"),
        ([str(bundle), *flags(root), "--json", str(tmp_path / "q"), "--metrics", "bleu"], "--json holds BLEU and chrF"),
    ]:
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert "packing" not in error

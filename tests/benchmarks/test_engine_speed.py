"""The engine's benchmark: the same work for all systems, figures with known answers, and clear words for what is wrong.

Nothing here looks at a time.
"""

import gzip
import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.bundle import read_bundle
from tests.benchmarks.conftest import NUM_LINES, Folders
from tests.export.toy import CONFIGURATIONS, SSRU, build_checkpoint, random_sources
from training.checkpoint import Checkpoint, read_checkpoint
from training.data.tokenizer import EOS
from training.decode import greedy_decode

engine_speed = importlib.import_module("engine_speed")
fresh = importlib.import_module("engine.fresh")
report = importlib.import_module("engine.report")
systems = importlib.import_module("engine.systems")
work = importlib.import_module("engine.work")
eager = importlib.import_module("engine.eager")

LENGTHS = [2, 9, 4, 17, 3, 9]
SOURCES = tuple(map(tuple, random_sources(LENGTHS)))
LIMIT = 23
# What the other systems here compute: attention, Marian's positions and one table.
USUAL = [
    name
    for name, each in CONFIGURATIONS.items()
    if (each.decoder_mixing, each.positions, each.tie_source_target) == ("attention", "marian", True)
]


def flags(folders: Folders, output: Path, **changes: Any) -> list[str]:
    """A short run of Ferry and PyTorch, with `changes`; a flag changed to None is left out."""
    given = {
        "checkpoint": folders.checkpoint,
        "bundle": folders.bundle,
        "source": "de",
        "target": "en",
        "lines": folders.source,
        "output": output,
        "threads": 1,
        "sentences": ["3", "stream"],
        "beam_sizes": ["1", "2"],
        "rounds": 2,
        "systems": ["torch", "ferry"],
        "fresh": 0,
    } | changes
    words = []
    for name, value in given.items():
        if value is not None:
            values = value if isinstance(value, list) else [value]
            words += ["--" + name.replace("_", "-"), *map(str, values)]
    return words


def measured(seconds: Sequence[float], target_tokens: int = 100) -> Any:
    turns = tuple(report.Turn(each, each * 0.9, 0.1) for each in seconds)
    return report.Measured("defaults", 10, target_tokens, None, turns)


def build_report(*rows: Any) -> Any:
    setting = {
        "machine": {"cpu": "A Processor", "flags": ["avx2"], "cores": 2},
        "versions": {"onnxruntime": "1.2"},
        "model": {"bundle": "toy 1", "precision": "int8", "shape": "3+2 layers", "length_penalty": 1.0},
        "text": {"file": "a.de", "direction": "de-en", "sentences": 10, "left_out": 1, "mean_source_tokens": 8.25},
    }
    lives = {"ferry": work.Fresh(0.5, (0.4, 0.5, 0.9), 90_000_000, 80_000_000)}
    return report.Report(setting, ("A note.",), tuple(rows), lives, (report.Quality(1, "ferry", 31.416, 50.0),))


def as_eos_free(found: Sequence[Sequence[int]]) -> list[list[int]]:
    """As the oracle gives them; EOS may only be last."""
    assert not any(EOS in ids[:-1] for ids in found)
    return [[id_ for id_ in ids if id_ != EOS] for ids in found]


def oracle(checkpoint: Checkpoint, sources: Sequence[Sequence[int]] = SOURCES, limit: int = LIMIT) -> list[list[int]]:
    return greedy_decode(checkpoint.model, sources, [limit] * len(sources), checkpoint.suppressed_ids)


@pytest.fixture(scope="module")
def output(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of Ferry and PyTorch wrote."""
    folder = tmp_path_factory.mktemp("output")
    assert engine_speed.main(flags(folders, folder, references=folders.target, fresh=1)) == 0
    return folder


class TestWork:
    def test_groups_keep_the_order_and_the_longest_source_sets_the_limit(self) -> None:
        groups = work.cut(SOURCES, 4, lambda length: 10 * length)
        assert [group.sources for group in groups] == [SOURCES[:4], SOURCES[4:]]
        assert [group.limit for group in groups] == [170, 90]

    def test_a_stream_is_one_group(self) -> None:
        [group] = work.cut(SOURCES, None, lambda length: length)
        assert (group.sources, group.limit) == (SOURCES, 17)

    def test_lines_without_text_and_too_long_ones_are_left_out_and_counted(self) -> None:
        lines = ["a b", "", "a b c d", "  ", "c", "d e"]
        found = work.choose_sentences(lines, lambda line: tuple(map(ord, line.split())), 3, num_lines=2)
        assert found == work.Sentences(lines=(0, 4), sources=((97, 98), (99,)), num_left_out=3)

    def test_no_usable_line_is_an_error(self) -> None:
        with pytest.raises(work.BenchmarkError, match="none of 2 lines"):
            work.choose_sentences(["", "abc"], lambda line: tuple(range(9)), 8, None)

    def test_lines_are_read_plain_and_zipped(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("eins\u2028zwei\ndrei\n", encoding="utf-8")
        (tmp_path / "a.gz").write_bytes(gzip.compress("eins\u2028zwei\ndrei\n".encode()))
        expected = ["eins\u2028zwei", "drei"]
        assert work.read_lines(tmp_path / "a.txt") == work.read_lines(tmp_path / "a.gz") == expected

    @pytest.mark.parametrize(("name", "data"), [("a.txt", b"\xff\n"), ("a.gz", b"no gzip"), ("none.txt", None)])
    def test_a_file_that_cannot_be_read_is_named(self, name: str, data: bytes | None, tmp_path: Path) -> None:
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(work.BenchmarkError, match=name):
            work.read_lines(tmp_path / name)


class TestReport:
    def test_a_ratio_is_the_median_of_rounds_and_not_the_ratio_of_medians(self) -> None:
        row = report.Row(work.Cell(1, 1, 4), {"ferry": measured([1, 2, 4]), "ctranslate2": measured([4, 2, 3])})
        assert row.ratio("ferry") == report.Spread(1.0, 0.75, 4.0)
        assert row.ratio("ctranslate2") == report.Spread(1.0, 1.0, 1.0)

    def test_the_first_system_is_the_reference_where_ctranslate2_is_left_out(self) -> None:
        row = report.Row(work.Cell(1, 1, 4), {"ferry": measured([1, 1]), "torch": measured([2, 4])})
        assert row.ratio("torch") == report.Spread(0.375, 0.25, 0.5)

    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        rows = [report.Row(work.Cell(2, 4, None), {"ferry": measured([1, 2])})]
        found = build_report(*rows)
        report.write(found, tmp_path / "new")
        assert report.read(tmp_path / "new" / "engine_speed.json") == found
        assert (tmp_path / "new" / "engine_speed.png").read_bytes().startswith(b"\x89PNG")

    def test_the_page_has_every_figure(self) -> None:
        both = {"ferry": measured([1.0, 2.0, 4.0]), "ctranslate2": measured([4.0, 2.0, 3.0], 120)}
        page = report.to_markdown(build_report(report.Row(work.Cell(2, 4, None), both)))
        assert "| 2 | 4 | stream | Ferry | 50 | 5.0 | 200.00 | 1.00 (0.75 to 4.00) |" in page
        assert "| 2 | 4 | stream | CTranslate2 | 40 | 3.3 | 300.00 | 1.00 (1.00 to 1.00) |" in page
        assert "| Ferry | 0.50 s | 80 MB | 90 MB |" in page
        assert "| 1 | Ferry | 31.42 | 50.00 |" in page
        assert "A note." in page

    def test_joining_replaces_measured_cells_and_keeps_the_others_in_order(self) -> None:
        def row(cell: Any, seconds: float) -> Any:
            return report.Row(cell, {"ferry": measured([seconds])})

        one, four, stream = (work.Cell(1, 1, at_once) for at_once in (1, 4, None))
        old = replace(build_report(row(one, 1), row(stream, 2)), notes=("Old.", "A note."))
        new = replace(build_report(row(stream, 3), row(four, 4)), fresh={}, quality=())
        found = report.join(old, new)
        assert found.rows == (row(one, 1), row(four, 4), row(stream, 3))
        assert found.notes == ("Old.", "A note.")
        assert (found.fresh, found.quality) == (old.fresh, old.quality)

    def test_other_systems_of_a_cell_measured_again_are_not_kept(self) -> None:
        # Rounds of different runs are no pairs, and a ratio of them would mean nothing.
        cell = work.Cell(1, 1, 4)
        old = build_report(report.Row(cell, {"ferry": measured([1]), "ctranslate2": measured([2])}))
        new = build_report(report.Row(cell, {"ferry": measured([1, 1])}))
        assert report.join(old, new).rows == new.rows


class TestSystems:
    def test_ferry_gives_the_oracles_ids(self, folders: Folders) -> None:
        checkpoint, bundle = read_checkpoint(folders.checkpoint), read_bundle(folders.bundle)
        ferry = systems.Ferry(bundle, 2, 1.0)
        group = work.Group(SOURCES, LIMIT)
        assert "defaults" in ferry.prepare([group], 4, 1)
        found = ferry.read(ferry.translate(group, 1))
        ferry.close()
        assert as_eos_free(found) == oracle(checkpoint)

    def test_ferry_waits_where_the_queue_is_full(self, folders: Folders) -> None:
        ferry = systems.Ferry(read_bundle(folders.bundle), 1, 1.0)
        sources = SOURCES * 900  # more ids than the queue's 32,768
        assert sum(map(len, sources)) > 36_000
        found = ferry.read(ferry.translate(work.Group(sources, 2), 1))
        ferry.close()
        assert found == found[: len(SOURCES)] * 900

    @pytest.mark.parametrize("name", USUAL)
    def test_the_eager_decoder_gives_the_oracles_ids(self, name: str) -> None:
        checkpoint = build_checkpoint(CONFIGURATIONS[name])
        system = eager.Eager(checkpoint.model, 1, checkpoint.suppressed_ids)
        group = work.Group(SOURCES, LIMIT)
        system.prepare([group], 4, 1)
        found = system.read(system.translate(group, 1))
        assert as_eos_free(found) == oracle(checkpoint)
        assert system.beam_sizes([1, 4]) == [1]

    def test_choosing_leaves_out_what_cannot_compute_an_ssru(self) -> None:
        names, notes = engine_speed.choose_systems(["torch", "ferry"], build_checkpoint(SSRU))
        assert names == ["ferry"]
        assert notes == ["PyTorch eager, fp32 is left out: it has no decoder with SSRU here."]
        with pytest.raises(work.BenchmarkError, match="no system is left"):
            engine_speed.choose_systems(["ctranslate2"], build_checkpoint(SSRU))

    def test_same_ids_are_counted_against_the_reference_alone(self) -> None:
        outputs = {"ferry": [(1, 2), (3,), (4,)], "ctranslate2": [(1, 2), (3, 3), (4,)]}
        assert engine_speed.count_same(outputs, "ferry") == 2
        assert engine_speed.count_same(outputs, "ctranslate2") is None
        assert engine_speed.count_same({"ferry": []}, "ferry") is None


class TestCTranslate2:
    @pytest.fixture(autouse=True)
    def _needs_it(self) -> None:
        pytest.importorskip("ctranslate2")

    def open(self, checkpoint: Checkpoint, folder: Path, quantization: str = "float32") -> Any:
        convert = importlib.import_module("engine.convert")
        convert.convert(checkpoint, folder / quantization, quantization)
        pieces = convert.read_pieces(checkpoint.tokenizer)
        ct2 = importlib.import_module("engine.ct2")
        return ct2.CTranslate2(folder / quantization, quantization, 1, pieces, checkpoint.suppressed_ids, 1.0)

    @pytest.mark.parametrize("name", USUAL)
    def test_a_converted_model_gives_the_oracles_ids(self, name: str, folders: Folders, tmp_path: Path) -> None:
        checkpoint = build_checkpoint(CONFIGURATIONS[name], 380, read_checkpoint(folders.checkpoint).tokenizer)
        system = self.open(checkpoint, tmp_path)
        group = work.Group(SOURCES, LIMIT)
        system.prepare([group], 4, 1)
        assert as_eos_free(system.read(system.translate(group, 1))) == oracle(checkpoint)

    def test_quantising_leaves_the_checkpoint_as_it_was(self, folders: Folders, tmp_path: Path) -> None:
        # CTranslate2 scales weights in place; the other systems would go on with integers.
        checkpoint = read_checkpoint(folders.checkpoint)
        before = oracle(checkpoint)
        self.open(checkpoint, tmp_path, "int8_float32")
        assert oracle(checkpoint) == before

    def test_beams_are_scored_as_ferry_scores_them(self, folders: Folders, tmp_path: Path) -> None:
        group = work.Group(SOURCES, LIMIT)
        system = self.open(read_checkpoint(folders.checkpoint), tmp_path)
        system.prepare([group], 4, 3)
        ferry = systems.Ferry(read_bundle(folders.bundle), 1, 1.0)
        ours, theirs = ferry.read(ferry.translate(group, 3)), system.read(system.translate(group, 3))
        ferry.close()
        # What the limit cuts off is no hypothesis to Ferry so long as another one has ended; to CTranslate2 it is.
        ended = [i for i in range(len(SOURCES)) if theirs[i][-1] == EOS]
        assert len(ended) >= 2
        assert [ours[i] for i in ended] == [theirs[i] for i in ended]

    def test_an_ssru_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="SSRU"):
            self.open(build_checkpoint(SSRU), tmp_path)

    def test_positions_and_tables_that_the_conversion_does_not_know_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"positions is not marian; .*tie_source_target is not True"):
            self.open(build_checkpoint(CONFIGURATIONS["transformers"]), tmp_path)

    @pytest.mark.parametrize("threads", [1, 2, 5])
    @pytest.mark.parametrize("at_once", [1, 3, 64, None])
    def test_no_choice_takes_more_threads_than_asked(self, threads: int, at_once: int | None) -> None:
        found = importlib.import_module("engine.ct2").choices(threads, at_once)
        assert found
        assert all(each.inter_threads * each.intra_threads == threads for each in found)
        assert len(set(found)) == len(found)


class TestRun:
    def test_every_cell_is_there_with_the_same_work_for_both(self, output: Path) -> None:
        found = report.read(output / "engine_speed.json")
        cells = [(row.cell.threads, row.cell.beam_size, row.cell.at_once) for row in found.rows]
        assert cells == [(1, 1, 3), (1, 1, None), (1, 2, 3), (1, 2, None)]
        # PyTorch has no beam search here, and says so by its absence.
        assert [list(row.systems) for row in found.rows] == [["ferry", "torch"]] * 2 + [["ferry"]] * 2
        for row in found.rows:
            assert len({each.target_tokens for each in row.systems.values()}) == 1
            assert all(each.sentences == NUM_LINES and len(each.turns) == 2 for each in row.systems.values())

    def test_it_says_on_what_it_was_measured(self, output: Path) -> None:
        setting = report.read(output / "engine_speed.json").setting
        assert setting["text"]["direction"] == "de-en"
        assert setting["model"]["length_penalty"] == 0.7
        assert list(setting["versions"]) == ["ferry-nmt", "onnxruntime", "torch"]

    def test_equal_translations_have_equal_quality(self, output: Path) -> None:
        quality = report.read(output / "engine_speed.json").quality
        assert [(each.beam_size, each.system) for each in quality] == [(1, "ferry"), (1, "torch"), (2, "ferry")]
        assert (quality[0].bleu, quality[0].chrf) == (quality[1].bleu, quality[1].chrf)

    def test_fresh_processes_tell_memory_and_cold_start(self, output: Path) -> None:
        lives = report.read(output / "engine_speed.json").fresh
        assert list(lives) == ["ferry", "torch"]
        for each in lives.values():
            assert 10e6 < each.resident_bytes <= each.peak_bytes
            assert each.cold_start_s == each.cold_starts[0] > 0

    def test_cells_can_be_added(self, folders: Folders, output: Path, tmp_path: Path) -> None:
        (tmp_path / "engine_speed.json").write_bytes((output / "engine_speed.json").read_bytes())
        words = flags(folders, tmp_path, sentences=2, beam_sizes=1, rounds=1)
        assert engine_speed.main([*words, "--add"]) == 0
        labels = [row.cell.label for row in report.read(tmp_path / "engine_speed.json").rows]
        assert labels == ["2", "3", "stream", "3", "stream"]

    def test_cells_of_other_text_are_not_added(
        self, folders: Folders, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = (output / "engine_speed.json").read_bytes()
        (tmp_path / "engine_speed.json").write_bytes(before)
        assert engine_speed.main([*flags(folders, tmp_path, num_lines=3), "--add"]) == 2
        assert "another setting" in capsys.readouterr().err
        assert (tmp_path / "engine_speed.json").read_bytes() == before


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"bundle": "nowhere"}, "nowhere cannot be served"),
            ({"checkpoint": "nowhere"}, "nowhere is not a checkpoint"),
            ({"lines": "nowhere.de"}, "nowhere.de cannot be read"),
            ({"source": "en", "target": "de"}, "translates de-en; it cannot do en-de"),
            ({"references": "nowhere.en"}, "nowhere.en cannot be read"),
        ],
    )
    def test_what_is_missing_is_named(
        self,
        changes: dict[str, Any],
        message: str,
        folders: Folders,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert engine_speed.main(flags(folders, tmp_path / "out", **changes)) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_references_have_a_line_each(
        self, folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "short.en").write_text("One.\n")
        assert engine_speed.main(flags(folders, tmp_path / "out", references=tmp_path / "short.en")) == 2
        assert f"short.en has 1 lines, {folders.source} has {NUM_LINES}" in capsys.readouterr().err

    def test_other_weights_are_noticed(
        self, folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert engine_speed.main(flags(folders, tmp_path / "out", checkpoint=folders.other)) == 2
        assert "have different weights" in capsys.readouterr().err

    def test_another_shape_is_noticed(self, folders: Folders) -> None:
        checkpoint = build_checkpoint(replace(CONFIGURATIONS["plain"], num_decoder_layers=1), 380)
        with pytest.raises(work.BenchmarkError, match="num_decoder_layers is 2 and 1"):
            engine_speed.check_same(read_bundle(folders.bundle), checkpoint)

    def test_another_tokenizer_is_noticed(self, folders: Folders, tmp_path: Path) -> None:
        checkpoint = read_checkpoint(folders.checkpoint)
        (tmp_path / "tokenizer.model").write_bytes(checkpoint.tokenizer.read_bytes() + b" ")
        with pytest.raises(work.BenchmarkError, match="different tokenizers"):
            engine_speed.check_same(
                read_bundle(folders.bundle), replace(checkpoint, tokenizer=tmp_path / "tokenizer.model")
            )

    @pytest.mark.parametrize(
        ("flag", "value"),
        [("sentences", "0"), ("sentences", "all"), ("threads", "0"), ("rounds", "-1"), ("beam_sizes", "x"),
         ("num_lines", "1.5"), ("fresh", "-1"), ("systems", "sockeye")],
    )  # fmt: skip
    def test_numbers_that_make_no_sense_are_refused(
        self, flag: str, value: str, folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stop:
            engine_speed.main(flags(folders, tmp_path, **{flag: value}))
        assert stop.value.code == 2
        assert "--" + flag.replace("_", "-") in capsys.readouterr().err

    def test_a_fresh_process_that_fails_is_quoted(self, folders: Folders, tmp_path: Path) -> None:
        job = fresh.Job("ferry", str(tmp_path), 1, 1, 1.0, 9, (), SOURCES, "float32", ())
        with pytest.raises(work.BenchmarkError, match=r"process of its own(.|\n)*manifest"):
            fresh.measure(job, 1, tmp_path)

    def test_jobs_survive_their_file(self, tmp_path: Path) -> None:
        job = fresh.Job("ctranslate2", "model", 1, 4, 1.0, 9, (0, 1), SOURCES, "float32", ("a", "b"))
        path = tmp_path / "job.json"
        path.write_text(json.dumps(fresh.asdict(job)))
        assert fresh.read_job(path) == job

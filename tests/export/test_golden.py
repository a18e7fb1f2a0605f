"""Golden lines: clear choices first, short and long, every direction."""

from pathlib import Path

from export.arithmetic import Float32
from export.golden import MIN_MARGIN, choose_golden, search_lines
from export.lines import Line, gather_lines
from server.text.tokenizer import Tokenizer
from tests.export.toy import write_graphs
from training.checkpoint import Checkpoint
from training.decode import greedy_decode


def test_order_of_lines_is_kept(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Batches are made by length; each line must get its own answer back."""
    runtime, manifest = write_graphs(tmp_path, checkpoint, Float32())
    lines = gather_lines({}, checkpoint.samples, manifest, Tokenizer.load(checkpoint.tokenizer))
    together = search_lines(runtime, manifest, lines)
    assert len({each.ids for each in together}) > 10
    for line, found in list(zip(lines, together, strict=True))[:6]:
        assert search_lines(runtime, manifest, [line])[0] == found


def test_choice(checkpoint: Checkpoint, tmp_path: Path) -> None:
    runtime, manifest = write_graphs(tmp_path, checkpoint, Float32())
    lines = gather_lines({}, checkpoint.samples, manifest, Tokenizer.load(checkpoint.tokenizer))
    golden = choose_golden(runtime, manifest, lines)
    assert [line.source for line in golden] == ["de"] * 8 + ["en"] * 8
    assert len({line.text for line in golden}) == 16
    for line in golden[::5]:
        limit = 2 * len(line.source_ids) + 16
        ids = greedy_decode(checkpoint.model, [line.source_ids], [limit], manifest.suppressed_ids)[0]
        assert list(line.target_ids) == ids


def test_margin_is_the_smallest_lead(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Lines whose margin is over the bound keep their ids under noise of half of it."""
    runtime, manifest = write_graphs(tmp_path, checkpoint, Float32())
    lines = [Line("de", "en", "", (5, 40, 41, 42, 3)), Line("de", "en", "", (5, 60, 3))]
    margins = [each.margin for each in search_lines(runtime, manifest, lines)]
    assert all(0 < margin < 10 for margin in margins)
    assert MIN_MARGIN["int8"] > MIN_MARGIN["fp32"] > 1e-3

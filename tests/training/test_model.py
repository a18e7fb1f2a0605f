"""The model against what is written in the papers, with a different size on every axis."""

from itertools import product

import pytest
import torch

from training.decode import encode, greedy_decode
from training.loss import CHUNK_ROWS, smoothed_cross_entropy, smoothed_cross_entropy_slow
from training.model import SSRU, ElementDropout, FeatureDropout, ModelSettings, Transformer, padding_mask, sinusoids

TINY = ModelSettings(d_model=24, d_ff=40, num_heads=3, num_encoder_layers=2, num_decoder_layers=2, dropout=0.0)
VARIANTS = [
    ModelSettings(**{**vars(TINY), "decoder_mixing": mixing, "norm": norm, "norm_place": place, "biases": biases})
    for mixing, norm, place, biases in product(
        ("attention", "ssru"), ("rmsnorm", "layernorm"), ("pre", "post"), (False, True)
    )
]


@pytest.fixture(params=VARIANTS, ids=lambda s: f"{s.decoder_mixing}-{s.norm}-{s.norm_place}-{s.biases}")
def model(request: pytest.FixtureRequest) -> Transformer:
    torch.manual_seed(3)
    return Transformer(request.param, vocab_size=50).eval()


def states(model: Transformer, sources: torch.Tensor, lengths: list[int], targets: torch.Tensor) -> torch.Tensor:
    encoded, mask = encode(model, sources, torch.tensor(lengths))
    return model.decode(targets, encoded, mask)


def test_padding_changes_nothing(model: Transformer) -> None:
    source, target = torch.randint(6, 50, (1, 5)), torch.randint(6, 50, (1, 4))
    alone = states(model, source, [5], target)
    padded = torch.cat([torch.cat([source, torch.zeros(1, 3, dtype=torch.long)], 1), torch.randint(6, 50, (1, 8))])
    together = states(model, padded, [5, 8], torch.cat([target, target]))
    torch.testing.assert_close(together[:1], alone, rtol=0, atol=2e-6)


def test_no_position_sees_a_later_one(model: Transformer) -> None:
    source, target = torch.randint(6, 50, (2, 5)), torch.randint(6, 50, (2, 7))
    before = states(model, source, [5, 5], target)
    target[:, 4:] = 9
    after = states(model, source, [5, 5], target)
    torch.testing.assert_close(after[:, :4], before[:, :4])
    assert not torch.allclose(after[:, 4:], before[:, 4:])


def test_order_of_the_source_matters(model: Transformer) -> None:
    source, target = torch.arange(6, 12)[None], torch.full((1, 3), 9)
    assert not torch.allclose(states(model, source, [6], target), states(model, source.flip(1), [6], target))


def test_greedy_decode_follows_the_logits_and_its_limits(model: Transformer) -> None:
    sources = [[4, 7, 8, 3], [5, 9, 3]]
    found = greedy_decode(model, sources, [6, 2], suppressed=[0, 1, 2])
    assert len(found[0]) <= 6
    assert len(found[1]) <= 2
    for source, ids in zip(sources, found, strict=True):
        target = torch.tensor([[2, *ids]])
        logits = model.logits(states(model, torch.tensor([source]), [len(source)], target))[0]
        logits[:, :3] = -torch.inf
        assert logits.argmax(-1)[: len(ids)].tolist() == ids


def test_ssru_is_its_recurrence() -> None:
    torch.manual_seed(0)
    layer, x = SSRU(TINY), torch.randn(2, 5, 24)
    cell = torch.zeros(2, 24)
    for t in range(5):
        forget = torch.sigmoid(layer.forget(x[:, t]))
        cell = forget * cell + (1 - forget) * layer.value(x[:, t])
        torch.testing.assert_close(layer(x)[:, t], cell.clamp(min=0))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [3, CHUNK_ROWS, CHUNK_ROWS + 5])
@pytest.mark.parametrize("biased", [False, True])
def test_fused_loss_equals_the_slow_one(rows: int, smoothing: float, biased: bool) -> None:
    torch.manual_seed(1)
    targets = torch.randint(0, 37, (rows,))
    results = []
    for function in (smoothed_cross_entropy, smoothed_cross_entropy_slow):
        torch.manual_seed(2)
        hidden, table = torch.randn(rows, 16, requires_grad=True), torch.randn(37, 16, requires_grad=True)
        bias = torch.randn(37, requires_grad=True) if biased else None
        loss, nll = function(hidden, table, targets, smoothing, bias)
        (loss / 7).backward()
        results.append((loss.detach(), nll, hidden.grad, table.grad, *([bias.grad] if bias is not None else [])))
        with torch.no_grad():
            torch.testing.assert_close(function(hidden, table, targets, smoothing, bias)[1], nll)
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)


def test_fused_loss_in_bf16_rounds_little() -> None:
    """Against the exact one for the same rounded numbers; the gradient that is rounded is the softmax alone."""
    torch.manual_seed(3)
    states, table = torch.randn(CHUNK_ROWS + 5, 16).bfloat16(), torch.randn(37, 16).bfloat16()
    targets = torch.randint(0, 37, (len(states),))
    results = []
    for function, dtype in ((smoothed_cross_entropy, torch.bfloat16), (smoothed_cross_entropy_slow, torch.float32)):
        hidden, weights = (each.to(dtype, copy=True).requires_grad_() for each in (states, table))
        loss, nll = function(hidden, weights, targets, 0.1)
        loss.backward()
        results.append((loss.detach(), nll, hidden.grad, weights.grad))
    for fast, exact in zip(*results, strict=True):
        assert fast is not None
        assert exact is not None
        assert float((fast.float() - exact).norm() / exact.norm()) < 0.01


def test_dropout_masks_a_feature_of_a_sentence_everywhere() -> None:
    dropout = FeatureDropout(0.5).train()
    out = dropout(torch.ones(40, 6, 30))
    assert (out == out[:, :1]).all()
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert 0.4 < float((out == 0).float().mean()) < 0.6
    assert dropout.eval()(torch.ones(2, 2, 2)).sum() == 8


def test_masks_and_positions() -> None:
    assert padding_mask(torch.tensor([4, 4]), 4, torch.float32) is None
    mask = padding_mask(torch.tensor([2, 3]), 3, torch.float32)
    assert mask is not None
    assert (mask[:, 0, 0] < 0).tolist() == [[False, False, True], [False, False, False]]
    table = sinusoids(3, 4)
    torch.testing.assert_close(table[0], torch.tensor([0.0, 0.0, 1.0, 1.0]))
    torch.testing.assert_close(table[2, 0], torch.tensor(2.0).sin())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_element_dropout_keeps_the_mean_and_drops_each_by_itself(dtype: torch.dtype) -> None:
    dropout = ElementDropout(0.3).train()
    torch.manual_seed(5)
    x = torch.ones(30, 41, 37, dtype=dtype, requires_grad=True)  # not a multiple of eight
    y = dropout(x)
    assert set(y.detach().float().unique().tolist()) == {0.0, float(torch.tensor(256 / 179, dtype=dtype))}
    assert float((y == 0).float().mean()) == pytest.approx(77 / 256, abs=0.01)
    assert 0 < float((y[0, :, 0] == 0).float().mean()) < 1
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)
    assert dropout.eval()(x) is x
    assert ElementDropout(0.999).train()(x.detach()).isfinite().all()

"""Models of other programs: the files in `golden/`, which those programs wrote."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import elman

GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def test_every_format_is_read_and_accounted_for():
    found = {}
    for path in sorted(path for folder in ("models", "heads", "onnx") for path in (GOLDEN / folder).iterdir()):
        if path.suffix in (".pt", ".keras", ".onnx", ".npz", ".h5") and path.is_file():
            try:
                model = elman.load(path)
            except (elman.Error, ValueError):
                continue
            found.setdefault(path.suffix, []).append(model)
            assert model.conversion.verdict and str(model.conversion).count("→") > 1
            assert all(step["arrays"] for step in model.conversion.steps)
    assert {".pt", ".keras", ".onnx"} <= set(found), found.keys()


@pytest.mark.parametrize("ending", [".safetensors", ".keras", ".npz", ".onnx"])
def test_a_way_there_and_back_keeps_every_bit(ending, tmp_path):
    model = elman.Model(elman.LSTM(3, 8), 4, seed=3)
    there = elman.convert(model, tmp_path / f"there{ending}")
    assert there.exact and there.steps[0]["from"] == "elman" and "verdict: exact" in str(there)
    back = elman.convert(tmp_path / f"there{ending}", tmp_path / "back.safetensors")
    assert [step["to"] for step in back.steps] == ["elman"]
    again = elman.load(tmp_path / "back.safetensors")
    assert again.conversion is None
    for name, array in model.arrays().items():
        assert np.array_equal(array, again.arrays()[name]), name


def test_a_graph_is_computed_on_both_sides(tmp_path):
    elman.convert(elman.Model(elman.GRU(3, 8), 4), tmp_path / "a.onnx")
    compared = elman.load(tmp_path / "a.onnx").conversion.compared
    assert compared and "largest difference" in compared[0]


def test_hints_say_what_arrays_do_not(tmp_path):
    model = elman.Model(elman.RNN(3, 8, activation="relu"), elman.Head.values(2))
    elman.convert(model, tmp_path / "a.safetensors")
    again = elman.load(tmp_path / "a.safetensors", like=model)
    assert again.config == model.config
    with pytest.raises(ValueError, match="reads is 'first'; expected one of last-state, every-step, mean, max"):
        elman.load(tmp_path / "a.safetensors", reads="first")
    with pytest.raises(ValueError, match="of is 'caffe'; expected one of elman, pytorch"):
        elman.load(tmp_path / "a.safetensors", of="caffe")


def test_what_is_no_model_says_what_to_do(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    for path, message in [
        (tmp_path / "a.csv", "which no model is made of"),
        (tmp_path, "holds no model.safetensors"),
    ]:
        with pytest.raises(elman.Error, match=message):
            elman.load(path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        elman.load(tmp_path / "absent.pt")
    model = elman.Model(elman.RNN(1, 4), 2)
    with pytest.raises(elman.Error, match="its name says no format"):
        elman.convert(model, tmp_path / "model.xyz")
    model.save(tmp_path / "model.onnx")
    with pytest.raises(FileExistsError, match="is there already"):
        elman.convert(model, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="a model says itself what it is"):
        elman.convert(model, tmp_path / "b.onnx", reads="mean")
    with pytest.raises(elman.Error, match="cannot be given to"):
        elman.convert(elman.Model(elman.IndRNN(1, 4), 2), tmp_path / "b.npz")
    assert not (tmp_path / "b.npz").exists()


def test_numbers_that_are_none_are_refused(tmp_path):
    model = elman.Model(elman.RNN(1, 4), 2)
    arrays = model.arrays()
    arrays["head.bias"][0] = np.nan
    model.set_arrays(arrays)
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(elman.Error, match="head.bias has 1 of 2 numbers that are NaN"):
        elman.load(tmp_path)
    assert np.isnan(elman.load(tmp_path, allow_nonfinite=True).arrays()["head.bias"][0])


def test_an_ensemble_answers_with_the_mean(tmp_path):
    models = [elman.Model(elman.GRU(3, 8), 4, seed=seed) for seed in (1, 2, 3)]
    ensemble = elman.Ensemble(models)
    x = np.random.default_rng(1).uniform(-1, 1, (5, 6, 3)).astype(np.float32)
    mean = np.mean([model.predict(x) for model in models], axis=0)
    assert np.allclose(ensemble.predict(x), mean, atol=1e-6)
    ensemble.save(tmp_path / "model.safetensors")
    again = elman.load(tmp_path)
    assert len(again) == 3 and np.array_equal(again.predict(x), ensemble.predict(x))
    assert np.array_equal(pickle.loads(pickle.dumps(again)).predict(x), ensemble.predict(x))
    second = elman.load(tmp_path, member=2)
    assert np.array_equal(second.predict(x), models[1].predict(x)) and again[1].config == second.config
    assert again.evaluate(x, np.zeros(5, np.int64)).loss == pytest.approx(-np.log(mean[:, 0]).mean(), rel=1e-5)
    with pytest.raises(ValueError, match="member is 4; expected 1 to 3"):
        elman.load(tmp_path, member=4)
    with pytest.raises(ValueError, match="is an ensemble; expected one network: member=1 to member=3"):
        elman.convert(tmp_path, tmp_path / "a.onnx")
    assert elman.convert(tmp_path, tmp_path / "a.onnx", member=3).exact
    with pytest.raises(ValueError):
        elman.Ensemble([*models, elman.Model(elman.GRU(3, 9), 4)])


def test_a_diagnosis():
    x = np.random.default_rng(1).uniform(-1, 1, (80, 30, 1)).astype(np.float32)
    y = np.arange(80) % 2
    model = elman.Model([elman.LSTM(1, 8), elman.GRU(8, 8, bidirectional=True)], 2)
    found = elman.diagnose(model, x, y, rows=9)
    assert found.rows == 9 and found.steps == 30
    assert [cell.name for cell in found.cells] == ["layer 0 lstm", "layer 1 gru", "layer 1 gru, backward"]
    lstm = found.cells[0]
    assert lstm.c is not None and lstm.c.relative.shape == (30,) and lstm.state.relative[0] == 1.0
    assert {gate["name"] for gate in lstm.gates} >= {"i", "f", "g", "o"}
    assert "looking back over 30 steps" in str(found)
    with pytest.raises(ValueError, match="rows is 99; expected 1 to 80"):
        elman.diagnose(model, x, y, rows=99)
    with pytest.raises(ValueError, match="hidden layers"):
        elman.diagnose(elman.Model(elman.RNN(1, 4), elman.Head.classes(2, hidden=[(3, "relu")])), x, y)


def test_pictures():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    x = np.random.default_rng(1).uniform(-1, 1, (40, 6, 1)).astype(np.float32)
    found = elman.diagnose(elman.Model(elman.RNN(1, 4), 2), x, np.arange(40) % 2).plot()
    assert [line.get_label() for line in found.get_lines()[:2]] == ["layer 0 rnn", "inputs"]
    classifier = elman.SequenceClassifier(hidden=4, epochs=3, validation=0.2).fit(x, np.arange(40) % 2)
    lines = classifier.plot().get_lines()
    assert [line.get_label() for line in lines] == ["loss", "validation loss"]
    assert lines[0].get_ydata().tolist() == classifier.history_["loss"]

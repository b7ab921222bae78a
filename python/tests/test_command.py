"""The same settings give the same bytes, from Python and from the command: the model files are compared whole.

The command is that of `ELMAN_COMMAND`, or the one that is built beside; without one the tests are skipped.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import elman

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(tmp_path):
    built = [path for kind in ("release", "debug") if (path := ROOT / "target" / kind / "elman").exists()]
    # The newer one: the other may be of another day.
    newest = max(built, key=lambda path: path.stat().st_mtime, default=None)
    found = os.environ.get("ELMAN_COMMAND") or newest
    if found is None:
        pytest.skip("the command is not built: cargo build")

    def train(line):
        out = tmp_path / "run"
        done = subprocess.run(
            [found, "train", *line.split(), "--out", out, "--quiet"], cwd=tmp_path, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return (out / "model.safetensors").read_bytes()

    return train


def saved(model, folder):
    model.save(folder / "from-python.safetensors")
    return (folder / "from-python.safetensors").read_bytes()


def differs(ours, theirs):
    """Where two model files differ, for the message."""
    if ours == theirs:
        return None
    header = lambda data: data[8 : 8 + int.from_bytes(data[:8], "little")]
    return f"{header(ours)!r}\n{header(theirs)!r}" if header(ours) != header(theirs) else "the arrays"


def sequences(rows=60):
    draw = np.random.default_rng(1)
    x = draw.normal(size=(rows, 7, 3)).astype(np.float32)
    return x, (x.sum((1, 2)) > 0).astype(np.int64)


def test_classify(command, tmp_path):
    x, y = sequences()
    np.savez(tmp_path / "a.npz", x=x, y=y)
    theirs = command(
        "classify --data a.npz --test a.npz --validation 0.2 --recipe plain --cell gru --hidden-size 8 --recurrent-dropout 0 "
        "--optimizer adam --learning-rate 0.01 --clip-norm 1 --batch-size 16 --num-epoch 9 --early-stopping 2 --init keras "
        "--seed 5"
    )
    ours = elman.SequenceClassifier(
        hidden=8, learning_rate=0.01, batch_size=16, epochs=9, validation=0.2, patience=2, random_state=5
    ).fit(x, y)
    assert differs(saved(ours.model_, tmp_path), theirs) is None


def test_regress(command, tmp_path):
    x, _ = sequences()
    y = 100.0 + x.mean((1, 2)).astype(np.float64) + 3 * np.random.default_rng(3).normal(size=len(x))
    np.savez(tmp_path / "a.npz", x=x, y=y)
    theirs = command(
        "regress --data a.npz --test a.npz --validation 0.2 --cell gru --hidden-size 8 --ensemble 1 --read mean "
        "--optimizer adam --learning-rate 0.01 --clip-norm 1 --batch-size 16 --num-epoch 9 --early-stopping 9 --init keras "
        "--seed 5"
    )
    ours = elman.SequenceRegressor(
        hidden=8, reads="mean", learning_rate=0.01, batch_size=16, epochs=9, validation=0.2, patience=9, random_state=5
    ).fit(x, y)
    assert differs(saved(ours.model_, tmp_path), theirs) is None
    assert 0 < ours.model_.config["job"]["shrink"] < 1


@pytest.mark.parametrize("unit", ["character", "byte"])
def test_text(command, tmp_path, unit):
    text = "".join(chr(97 + n % 7) + (" " if n % 5 == 0 else "") for n in range(4000)) + "é\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    theirs = command(
        f"text --data a.txt --unit {unit} --hidden-size 12 --sequence-length 20 --batch-size 8 --num-epoch 2 --seed 5"
    )
    ours = elman.TextModel(unit=unit, hidden=12, sequence_length=20, batch_size=8, epochs=2, random_state=5).fit(text)
    assert differs(saved(ours.model_, tmp_path), theirs) is None


@pytest.mark.parametrize("recipe", ["auto", "plain"])
def test_series(command, tmp_path, recipe):
    pandas = pytest.importorskip("pandas")
    months = pandas.date_range("2000-01-01", periods=150, freq="MS")
    t = np.arange(150)
    frame = pandas.DataFrame({"time": months.strftime("%Y-%m-%d"), "sales": 50 + t + 9 * np.sin(t * np.pi / 6)})
    frame.to_csv(tmp_path / "a.csv", index=False)
    theirs = command(
        f"series --data a.csv --target sales --recipe {recipe} --horizon 6 --context 24 --every 1 --cell gru --hidden-size 8 "
        "--learning-rate 0.002 --early-stopping 5 --batch-size 32 --num-epoch 6 --validation 0.15 --test 0.15 --seed 5"
    )
    ours = elman.Forecaster(
        6, context=24, hidden=8, epochs=6, recipe=recipe, test=0.15, random_state=5
    ).fit(pandas.Series(frame["sales"].to_numpy(), index=months, name="sales"))
    assert differs(saved(ours.model_, tmp_path), theirs) is None


def test_mnist(command, tmp_path):
    theirs = command("mnist --cell rnn --hidden-size 8 --batch-size 128 --num-epoch 1 --learning-rate 0.002 --seed 5")
    train, _, _ = elman.datasets.mnist()
    model = elman.Model(elman.RNN(28, 8), 10, seed=5)
    list(elman.Trainer(model, elman.Adam(0.002), batch_size=128, seed=5).fit(train.x, train.y))
    model._core.set_meaning(None, 28)
    assert differs(saved(model, tmp_path), theirs) is None


def test_echo(command, tmp_path):
    theirs = command(
        "echo --hidden-size 4 --series-length 400 --echo-step 3 --sequence-length 15 --batch-size 5 --num-epoch 2 --seed 5 "
        "--optimizer adam --learning-rate 0.01"
    )
    x, y = elman.datasets.echo(400, streams=5, delay=3, seed=5)
    model = elman.Model(elman.RNN(1, 4), elman.Head.classes(2, reads="every-step"), seed=5)
    list(elman.Trainer(model, elman.Adam(0.01), batch_size=5, seed=5).fit(x, y, window=15, epochs=2))
    model._core.set_meaning('{"job": "echo"}')
    assert differs(saved(model, tmp_path), theirs) is None

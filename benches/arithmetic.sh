#!/usr/bin/env bash
# What products in pieces of bf16 cost and give on this processor: needs no reading, takes some ten minutes.
#
#     benches/arithmetic.sh > docs/records/arithmetic-DATE-MACHINE.json
#
# First the laws: where the processor has a unit for bf16 (AMX), its bits are compared with those of plain vectors. Then training
# steps in each arithmetic, all in turn in each sitting; a ratio is that of one sitting's two steps, before the median. A table goes
# to standard error, the figures to standard output. Where ELMAN_PEERS_VENVS names the environments that peers/setup.sh made, PyTorch
# is timed beside it, in f32 and under autocast.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${ELMAN_LAWS_SKIP:-}" ] || {
    cargo test --release -p elman-kernels --test it -- layers:: laws:: >&2
}
cargo build --quiet --release
python3 - "${1:-5}" <<'PYTHON'
import json
import statistics
import subprocess
import sys

SITTINGS = int(sys.argv[1])
ARITHMETICS = ["f32", "split3", "split2", "bf16"]
JOBS = {
    "tutorial: rnn H 128": "--cell rnn --hidden 128",
    "lstm H 128": "--cell lstm --hidden 128",
    "gru H 128": "--cell gru --hidden 128",
    "large: 2 x lstm H 512, B 64, T 100": "--cell lstm --hidden 512 --layers 2 --batch 64 --steps 100 --input 128",
}


def bench(flags, arithmetic):
    command = ["target/release/elman", "bench", *flags.split(), "--arithmetic", arithmetic, "--rounds", "5", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def model():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "unknown"


found = {"processor": model(), "sittings": SITTINGS, "jobs": {}}
for name, flags in JOBS.items():
    sittings = [{of: bench(flags, of) for of in ARITHMETICS} for _ in range(SITTINGS)]
    rows = {}
    for of in ARITHMETICS:
        steps = [sitting[of]["train_step_ms"] for sitting in sittings]
        ratios = [sitting["f32"]["train_step_ms"] / sitting[of]["train_step_ms"] for sitting in sittings]
        shares = [sitting[of].get("share_of_unit_peak") for sitting in sittings]
        rows[of] = {
            "step_ms": statistics.median(steps),
            "times_faster_than_f32": statistics.median(ratios),
            "share_of_peak": sittings[0][of]["share_of_peak"],
            "share_of_unit_peak": statistics.median(shares) if None not in shares else None,
            "stream_step_us": sittings[0][of]["stream_step_us"],
        }
    found["jobs"][name] = rows
    print(f"\n{name}\n  {'':8} {'step ms':>9} {'against f32':>12} {'of unit':>8}", file=sys.stderr)
    for of, row in rows.items():
        share = "" if row["share_of_unit_peak"] is None else f"{row['share_of_unit_peak']:.2f}"
        print(f"  {of:8} {row['step_ms']:>9.3f} {row['times_faster_than_f32']:>11.2f}x {share:>8}", file=sys.stderr)
print(json.dumps(found, indent=1))
PYTHON
[ -z "${ELMAN_PEERS_VENVS:-}" ] || python3 peers/run.py --jobs tutorial,lstm,large \
    --engines elman,elman-split3,elman-split2,elman-bf16,pytorch,pytorch-bf16 --no-record >&2

#!/usr/bin/env bash
# Records `elman bench` for the shapes of docs/performance.md: five sittings, all shapes in each, one JSON object a line.
#
#     cargo build --release && benches/record.sh > docs/records/DATE-MACHINE.jsonl
set -euo pipefail
cd "$(dirname "$0")/.."
for _ in 1 2 3 4 5; do
    for threads in 1 2; do
        for cell in rnn lstm gru; do
            for hidden in 32 128 512; do
                target/release/elman bench --cell "$cell" --hidden "$hidden" --threads "$threads" --rounds 15 --json
            done
        done
    done
done

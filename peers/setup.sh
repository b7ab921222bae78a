#!/usr/bin/env bash
# Makes what the comparison needs, from pinned versions: a virtual environment for each family of frameworks, outside
# the repository, and the Rust engines. Takes some minutes and 9 GB. What is there already is brought up to date.
#
#     peers/setup.sh                              # into ~/.cache/elman-peers
#     ELMAN_PEERS_VENVS=/elsewhere peers/setup.sh # then set it for the other scripts too
set -euo pipefail
cd "$(dirname "$0")"
venvs=${ELMAN_PEERS_VENVS:-$HOME/.cache/elman-peers}
for requirements in requirements-*.txt; do
    name=${requirements#requirements-}
    venv=$venvs/${name%.txt}
    echo "== $venv"
    [ -e "$venv/bin/python" ] || python3.11 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$requirements"
done
echo "== elman for Python"
"$venvs/torch/bin/pip" install --quiet ../python
echo "== Rust"
cargo build --release --locked --manifest-path rust/Cargo.toml
cargo build --release --locked --manifest-path ../Cargo.toml

#!/usr/bin/env bash
# Steps a second of `elman serve` beside two small servers of Python that do the same, all on this machine, one after the other:
#
#     peers/serve/run.sh PYTHON [SESSIONS] [SECONDS]      # PYTHON has fastapi, uvicorn, torch, onnxruntime
#
# The client is crates/serve/examples/load.rs, on the same processors; after it wrk, where that is installed: it takes less of
# them, so that more is left for the fastest server.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1 sessions=${2:-1000} seconds=${3:-5}
cargo build --release --quiet -p elman-cli
cargo build --release --quiet -p elman-serve --example load
elman=$PWD/target/release/elman load=$PWD/target/release/examples/load peers=$PWD/peers/serve
place=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$place"' EXIT
cd "$place"
"$elman" train mnist --cell lstm --num-epoch 1 --quiet --out lstm >/dev/null
"$elman" convert lstm step.onnx --streaming --quiet >/dev/null
"$elman" serve m=lstm --listen 127.0.0.1:8301 2>/dev/null &
servers=("elman 8301 $!")
serve() { "$python" -m uvicorn --app-dir "$peers" --port "$1" --log-level critical torch_server:app & }
serve 8302
servers+=("FastAPI+PyTorch 8302 $!")
ENGINE=onnx MODEL=$place/step.onnx serve 8303
servers+=("FastAPI+ONNXRuntime 8303 $!")
sleep 10
for server in "${servers[@]}"; do
    read -r name port process <<<"$server"
    echo "== $name"
    "$load" --address "127.0.0.1:$port" --process "$process" --model lstm/model.safetensors --sessions "$sessions" \
        --seconds "$seconds" --no-check
    if command -v wrk >/dev/null; then
        "$python" - "$port" "$sessions" >"$place/sessions" <<'PYTHON'
import http.client, json, sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    connection.request("POST", "/v1/models/m/sessions", headers={"content-type": "application/json"}, body="")
    print(json.loads(connection.getresponse().read())["session"])
PYTHON
        SESSIONS=$place/sessions wrk -t1 -c64 -d"${seconds}s" --latency -s "$peers/steps.lua" "http://127.0.0.1:$port"
    fi
done

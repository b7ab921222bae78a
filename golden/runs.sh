#!/bin/sh
# Small runs of every job whose model says what its answers mean. Run by hand, in this folder: ELMAN=elman sh runs.sh
set -eu
elman=${ELMAN:-elman}
folder=$(mktemp -d)
train() {
    "$elman" train "$@" --threads 1 --quiet --out "$folder/$1" >/dev/null
    cp "$folder/$1/model.safetensors" "$1.safetensors"
}
mkdir -p runs && cd runs
train classify --hidden-size 6 --num-epoch 12
train echo --hidden-size 4 --series-length 5000 --num-epoch 2
train series --hidden-size 4 --horizon 6 --context 24 --num-epoch 3
train text --hidden-size 8 --layers 1 --num-epoch 1
rm -r "$folder"

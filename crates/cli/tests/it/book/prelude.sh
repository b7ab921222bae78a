# Stands before the commands of a page. ELMAN is the binary; each command of elman is noted in NOTES with its exit code. With
# SHORT trainings and measurements are made short, with STOP each is sent a signal when it has its first checkpoint.
set -o pipefail

# That of a server of an earlier block.
rm -f .serving

elman() {
    local said="$*" code=0
    local line=("$@")
    [ -z "$SHORT" ] || shorten "$@"
    # In the background a server runs until it is killed, on a free port; its own exit code is that of `wait`.
    if [ "$1" = serve ] && [ "$BASHPID" != "$$" ]; then
        echo "0 $said" >>"$NOTES"
        exec "$ELMAN" "${line[@]}" --listen 127.0.0.1:0 2>.serving
    fi
    if [ -n "$STOP" ]; then
        stop "${line[@]}" || code=$?
    else
        "$ELMAN" "${line[@]}" || code=$?
    fi
    echo "$code $said" >>"$NOTES"
    return "$code"
}

# One epoch (of classes, 30; of what is tuned, 3) of 8 units, and where the data is not a file of its own some of it; one round of a measurement. What is stopped
# keeps its epochs.
shorten() {
    local kept=() job=$2
    case "$1 $2" in
    "train "*)
        while [ $# -gt 0 ]; do
            case "$1${STOP:+ to be stopped}" in
            --num[-_]epoch | --hidden[-_]size*) shift ;;
            *) kept+=("$1") ;;
            esac
            shift
        done
        line=("${kept[@]}" --hidden-size 8)
        # After one epoch there may be a class that is never named, and a line that says so.
        [ -n "$STOP" ] || line+=(--num-epoch "$([ "$job" = classify ] && echo 30 || echo 1)")
        some_data
        ;;
    "tune "*) line=("$@" --hidden-size 8 --num-epoch 3) && some_data ;;
    "bench --sweep") line=("$@" --batch 1 --steps 1 --input 1 --hidden 1 --threads 1 --rounds 1 --cell rnn) ;;
    "bench --from") ;;
    "bench "*) line=("$@" --rounds 1) ;;
    esac
}

some_data() {
    case " ${line[*]} " in
    *" --data "*) ;;
    *" train mnist "* | *" tune mnist "*) line+=(--data digits) ;;
    *" train text "*) line+=(--data text.txt) ;;
    esac
}

stop() {
    # It must not be at its end before it has been seen.
    nice "$ELMAN" "${line[@]}" &
    local run=$!
    until compgen -G "*/checkpoint-*" || compgen -G "runs/*/checkpoint-*"; do
        kill -0 "$run" || break
        sleep 0.01
    done >/dev/null 2>&1
    kill -TERM "$run"
    wait "$run"
}

# Where the pages' server listens, once it does.
curl() {
    local tries=0 address
    until address=$(sed -n 's,^listening on http://\(.*\)/$,\1,p' .serving 2>/dev/null) && [ -n "$address" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 3000 ] || return 1
        sleep 0.02
    done
    command curl "${@//127.0.0.1:8080/$address}"
}

# What is not there: the pages begin where a clone has been made and the program has been built.
git() {
    [ "$1" = clone ] && ln -sfn . elman
}

cargo() {
    [ "$1 $2 $3" = "run --release --" ] && shift 3 && elman "$@"
}

target/release/elman() {
    elman "$@"
}

# Not on every system.
/usr/bin/time() {
    [ "$1" = -v ] && shift && "$@"
}


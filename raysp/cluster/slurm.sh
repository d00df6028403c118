#!/bin/bash
# Runs a raysp experiment on Ray; submit this file with sbatch. Stopped by its time limit, by scancel or by a node that
# was lost, it goes on from what is finished when it is submitted again: the run folder is the record.
@DIRECTIVES@
#SBATCH --requeue
#SBATCH --open-mode=append

# With -m, commands in the background have process groups of their own, and can be interrupted.
set -u -m
# Relative paths mean what they meant where `raysp slurm` was typed.
cd @FOLDER@ || exit 1

export python=@PYTHON@
experiment=(@COMMAND@)
# How many seconds the first node may take to come, and then the others.
patience=300

# Ray's settings on every node, and nothing of another cluster's. Only who has this job's token may talk to its Ray.
unset RAY_ADDRESS RAY_AUTH_TOKEN
export @QUIET@
export RAY_AUTH_MODE=token RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0

# Each node has a private folder. Its path is short: Ray's sockets lie below it, and a socket's path ends at 107 bytes.
# Ray has one of its own in there, which it opens to everybody.
private_folder() {
    folder=$(mktemp -d /tmp/raysp-XXXXXX) || exit 1
    export TMPDIR="$folder" RAY_AUTH_TOKEN_PATH="$folder/token"
}

# Keeps the token that comes by standard input, where only this user can read it.
keep_token() { (umask 077 && cat > "$RAY_AUTH_TOKEN_PATH"); }

# Offers what Slurm gives on this node, and stays until Ray ends. What Ray says is shown only if it ends unasked.
ray_node() {
    asked=
    trap 'asked=yes' TERM
    # Ray gives itself half a minute to start, which a crowded machine may exceed.
    for _ in first second third; do
        "$python" -m ray.scripts.scripts start --block --temp-dir="$folder/ray" \
            --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="${SLURM_GPUS_ON_NODE:-@GPUS@}" "$@" \
            > "$folder/start.log" 2>&1 < /dev/null
        [ -z "$asked" ] || return 0
        grep -q 'timed out during startup' "$folder/start.log" || break
    done
    cat "$folder/start.log" >&2
}

# Ends the Ray that ray_node runs in the background, and no other on this machine.
end_ray() {
    kill -s TERM -- "-$1" 2> /dev/null
    for ((i = 0; i < 20; i++)); do [ -n "$(jobs -r)" ] || break; sleep 1; done
    kill -s KILL -- "-$1" 2> /dev/null
    return 0
}

# A node after the first. The token comes by standard input: no command line and no environment ever holds it. When
# standard input ends, the job is over.
worker() {
    set -m
    private_folder
    trap 'rm -rf "$folder"' EXIT
    trap : TERM
    read -r token && echo "$token" | keep_token
    ray_node --address="$1" < /dev/null &
    cat > /dev/null
    # All that is left to say is the shell's own word on its jobs.
    exec 2> /dev/null
    end_ray "$!"
}
export -f private_folder keep_token ray_node end_ray worker

ending='' head='' workers='' child=''
finish() {
    trap '' TERM INT
    exec 9>&-
    [ -z "$head" ] || end_ray "$head"
    [ -z "$workers" ] || kill -s KILL -- "-$workers" 2> /dev/null
    rm -rf "$folder"
}

# Runs a command. When Slurm says that the time limit is near, the command is interrupted, and saves its state.
attend() {
    [ -z "$ending" ] || return 143
    "$@" 9>&- &
    child=$!
    status=129
    # A signal ends a wait as well as the command's end does.
    while [ "$status" -gt 128 ]; do
        wait "$child"
        status=$?
        kill -0 "$child" 2> /dev/null || break
    done
    return "$status"
}
trap 'ending=yes; [ -z "$child" ] || kill -s INT "$child" 2> /dev/null' TERM INT

private_folder
trap finish EXIT
"$python" -c 'import secrets; print(secrets.token_hex(32))' | keep_token

# The head is where this script runs. Its address is the one from which it speaks to the second node: on itself a
# node's own name may lead to loopback. Of one node, nothing listens on the network.
second=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 2p)
if [ -n "$second" ]; then
    second=$(scontrol show node "$second" | sed -n 's/.*NodeAddr=\([^ ]*\).*/\1/p')
else
    export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0
fi
read -r address port client_port < <("$python" -m raysp slurm-head "$second") || exit 1
ray_node --head --node-ip-address="$address" --port="$port" --ray-client-server-port="$client_port" \
    --include-dashboard=false &
head=$!
export RAY_ADDRESS="$address:$port"
# Ray on another node gives up after a minute without its head.
attend "$python" -m raysp slurm-wait 1 "$patience" --of "$SLURM_JOB_NUM_NODES" || exit
if [ -n "$second" ]; then
    mkfifo "$folder/workers"
    others=$((SLURM_JOB_NUM_NODES - 1))
    # Slurm makes a folder of that name on every node.
    TMPDIR=/tmp srun --export=ALL --relative=1 --nodes="$others" --ntasks="$others" --ntasks-per-node=1 \
        --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=0 \
        bash -c 'worker "$0"' "$address:$port" < "$folder/workers" &
    workers=$!
    exec 9> "$folder/workers"
    cat "$RAY_AUTH_TOKEN_PATH" >&9
    attend "$python" -m raysp slurm-wait "$SLURM_JOB_NUM_NODES" "$patience" || exit
fi
attend "${experiment[@]}"
exit

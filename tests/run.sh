#!/usr/bin/env bash
# Runs everything that must hold: format, lints, documentation, examples, tests and doctests.
#
# `bash tests/run.sh` works from any folder, as root or not, on a fresh Debian machine that has the Rust toolchain. What is missing
# (a linker, rustfmt, clippy, servers) is installed first; nothing is installed when nothing is missing. The first step that fails
# ends the run and is named. The tests come last, so that their own summary is the last thing on the screen. Servers are private
# to the run, on free loopback ports, and stopped when it ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/services/lifecycle.sh
unset DK_SERVICES

if [[ ${CI:-} == true ]]; then
    export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never
fi

# Tests of servers and of files wait more than they compute.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-8}
# Random choices follow from the sources: every change of them tries others, and the same sources fail or pass again. Others are
# tried with `DK_SEED=8 bash tests/run.sh`.
sources=$(git rev-parse --short=8 HEAD:src 2>/dev/null || echo 8)
export DK_SEED=${DK_SEED:-$((16#$sources))}

step="start"
log=$(mktemp)
trap finish EXIT

# Says how the run ended, whichever way it ended.
finish() {
    local status=$?
    rm -f "$log"
    stop_services || true
    if ((status != 0)); then
        printf '\nFAILED: %s (after %d s, DK_SEED=%s)\n' "$step" "$SECONDS" "$DK_SEED" >&2
    fi
    exit "$status"
}

# begin NAME: names the step that follows, for the reader and for the message of a failure, and says when it begins.
begin() {
    step=$1
    printf '\n=== %s (at %d s) ===\n' "$step" "$SECONDS"
}

# run NAME COMMAND...: one step that is one command, shown before it runs.
run() {
    begin "$1"
    shift
    printf '$ %s\n' "$*"
    "$@"
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        printf 'this needs root and there is no sudo: %s\n' "$*" >&2
        return 1
    fi
}

# need_tool COMMAND PACKAGE...: installs the Debian packages when the command is not there.
need_tool() {
    local tool=$1
    shift
    command -v "$tool" >/dev/null && return
    printf '%s is missing: installing %s\n' "$tool" "$*"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# need_component SUBCOMMAND COMPONENT: adds a component of the toolchain when cargo does not know its subcommand.
need_component() {
    cargo "$1" --version >/dev/null 2>&1 && return
    printf 'cargo %s is missing: adding %s\n' "$1" "$2"
    rustup component add "$2"
}

# The names of all examples: a file each, or a folder with a main.rs.
examples() {
    local path
    for path in examples/*.rs examples/*/main.rs; do
        [[ -e $path ]] || continue
        path=${path%/main.rs}
        basename "$path" .rs
    done
}

# sum WORD: the total of "N WORD" over all summaries of the test runner.
sum() {
    awk -v word="$1" '/^test result:/ { for (i = 2; i <= NF; i++) if ($i ~ "^" word) n += $(i - 1) } END { print n + 0 }' "$log"
}

run_examples() {
    local name
    for name in $(examples); do
        run "example $name" cargo run --quiet --all-features --locked --example "$name"
    done
}

# All test binaries run even when one fails, so that the numbers are complete; the status is the runner's own. Numbers are printed
# only where they tell the story: a build that broke, or a binary that died, must not close with "0 failed".
run_tests() {
    local status=0
    cargo test --workspace --all-features --locked --no-fail-fast 2>&1 | tee "$log" || status=$?
    local passed failed
    passed=$(sum passed) failed=$(sum failed)
    if ((status == 0 || failed > 0)); then
        printf '\nEverything ran in %d s; %d tests were ignored.\n' "$SECONDS" "$(sum ignored)"
        printf '%d passed, %d failed\n' "$passed" "$failed"
    fi
    return "$status"
}

begin "tools"
# Real files, which are no part of the project: without them the tests could only fail one after the other.
if [[ ! -d ../shared/data/ourairports ]]; then
    printf 'the tests read the real files of ../shared/data, beside this folder; they are not there\n' >&2
    exit 1
fi
# A shell that has not read its profile since rustup ran does not know cargo yet.
command -v cargo >/dev/null || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
need_tool cc gcc libc6-dev
need_component fmt rustfmt
need_component clippy clippy
# The tests of files make an environment of Python under target, once, for other makers' readers and writers.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
fi
cargo --version
printf 'random choices: DK_SEED=%s\n' "$DK_SEED"

run "format" cargo fmt --all --check
run "lints, all features" cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
run "lints, default features" cargo clippy --workspace --locked -- -D warnings
run "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked
run "servers" start_services postgres
run_examples
# An optimizer has bugs of its own: one lost a step of the JSON reader, and no debug build could show it. What is optimized is our
# own code, without the servers' and Parquet's many dependencies; the examples are the same in both builds.
run "tests, optimized" cargo test --release --features conformance,file --locked --lib --test it -- --skip examples::
run "tests and doctests" run_tests

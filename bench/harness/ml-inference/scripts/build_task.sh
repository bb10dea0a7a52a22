#!/usr/bin/env bash
# The harness calls this to build: all programs into SUBMISSION/build.
# Usage: build_task.sh SUBMISSION
set -euo pipefail
cd "$(readlink -f "$1")"
target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --target-dir "$target"
mkdir -p build
for program in src/bin/*.rs; do
    name="$(basename "$program" .rs)"
    ln -sfn "$(readlink -f "$target/release/$name")" "build/$name"
done

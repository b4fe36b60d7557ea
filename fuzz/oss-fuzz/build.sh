#!/bin/bash -eu
# Builds every fuzz target for OSS-Fuzz, which sets SRC and OUT, with its seeds, dictionary
# and options beside it.
cd "$SRC/streamsum/fuzz"
seeds=$(mktemp -d)
# Without the flags for what is fuzzed.
RUSTFLAGS= cargo run --locked --manifest-path ../testkit/Cargo.toml --bin seeds -- "$seeds"
cargo fuzz build -O
for target in $(cargo fuzz list); do
    cp "target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    cp "options/$target.options" "$OUT/"
    if [ -f "dict/$target.dict" ]; then
        cp "dict/$target.dict" "$OUT/"
    fi
    (cd "$seeds/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
done

#!/usr/bin/env bash
# Resolve every requirements file anew: hashes, no index address, good for Python 3.11 and later.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { .venv/bin/uv pip compile "$@" --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --python-version 3.11 --universal; }
compile pyproject.toml --all-extras -o requirements/dev.txt
for runner in requirements/{runner,wheels}-*.in requirements/spark.in; do compile "$runner" -o "${runner%.in}.txt"; done
compile requirements/datasets.in --no-deps -o requirements/datasets.txt

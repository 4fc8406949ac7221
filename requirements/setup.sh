#!/usr/bin/env bash
# Make .venv/ (with uv, the project, node and the data sets), .runners/<image>/ and the pinned CDK CLI.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "driftloop needs Python 3.11 or later; '$python' is $("$python" -V 2>&1). Try: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
started=$SECONDS
say() { printf '  %-46s' "$1"; }
done_in() { echo "$((SECONDS - t)) s"; }

echo "Setting up (once; again only when a lock file changes)"
export UV_SYSTEM_CERTS=1 UV_NO_PROGRESS=1
log=$(mktemp); trap 'rc=$?; if [ $rc -ne 0 ]; then echo failed; cat "$log"; fi; rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1; }

t=$SECONDS; say "environment .venv"
[ -x .venv/bin/python ] || quietly "$python" -m venv .venv
quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
uv="$PWD/.venv/bin/uv"
quietly "$uv" pip install --python .venv/bin/python --require-hashes -r requirements/dev.txt
quietly "$uv" pip install --python .venv/bin/python --no-deps --require-hashes -r requirements/datasets.txt
quietly "$uv" pip install --python .venv/bin/python --no-deps --editable .
done_in

for lock in requirements/runner-*.txt; do
  name=$(basename "$lock" .txt); name=${name#runner-}
  t=$SECONDS; say "image environment $name"
  [ -x ".runners/$name/bin/python" ] || quietly "$uv" venv --python "$python" ".runners/$name"
  quietly "$uv" pip sync --python ".runners/$name/bin/python" --compile-bytecode --require-hashes "$lock"
  done_in
done

if command -v java >/dev/null; then
  t=$SECONDS; say "environment .spark (there is Java)"
  [ -x .spark/bin/python ] || quietly "$uv" venv --python "$python" .spark
  quietly "$uv" pip sync --python .spark/bin/python --require-hashes requirements/spark.txt
  done_in
fi

t=$SECONDS; say "wheels for the images"
mkdir -p .wheels
quietly .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --platform manylinux2014_x86_64 --python-version 3.11 --require-hashes --dest .wheels \
  --requirement requirements/wheels-sklearn-1.9-0.txt
done_in

t=$SECONDS; say "CDK CLI"
quietly env PATH="$PWD/.venv/bin:$PATH" npm ci --prefix infra/cdk_cli --no-fund --no-audit
done_in
echo "Set up in $((SECONDS - started)) s"

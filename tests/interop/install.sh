#!/usr/bin/env bash
# Installs what the tests compare with and ask, under target/interop: the libraries of `requirements.txt` and `package.json`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
there=${1:-$here/../../target/interop}
mkdir -p "$there"
if ! cmp -s "$here/requirements.txt" "$there/requirements.txt"; then
  python3 -m venv "$there/venv"
  "$there/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$there/"
fi
if [ ! -d "$there/node_modules" ] || ! cmp -s "$here/package.json" "$there/package.json"; then
  cp "$here/package.json" "$there/"
  npm install --prefix "$there" --no-package-lock --no-audit --no-fund --loglevel=error
fi

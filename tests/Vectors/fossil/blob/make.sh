#!/usr/bin/env bash
# Makes the golden blobs beside this file with stock's `fossil test-compress`.
set -euo pipefail
cd "$(dirname "$0")"
HOME=$(mktemp -d) && export HOME USER=tester
printf '' >empty.content
printf 'x' >one.content
printf 'hello world\n' >hello.content
seq -f 'line %g of the sample file' 1 400 >lines.content
head -c 70000 /dev/zero >zeros.content
python3 -c 'import random,sys; sys.stdout.buffer.write(random.Random(7).randbytes(5000))' >noise.content
for content in *.content; do fossil test-compress "$content" "${content%.content}.blob"; done
rm -rf "$HOME"

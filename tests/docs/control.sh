#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# control.sh ROOT: docs/control.md shows the tables that the tests go by.
set -u
. "$(dirname "$0")/../tap.sh"
cd "$1" || exit 1

grep '^|' tests/control-matrix.txt >"$work/table"
sed -n '/^## What a guest gets/,$p' docs/control.md | grep '^|' >"$work/page"

ok "there are tables" test "$(wc -l <"$work/table")" -ge 45
ok "the page shows them" diff "$work/table" "$work/page"
finish

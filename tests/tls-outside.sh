#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# tls-outside.sh ARCHIVE: the channel keeps out of its caller's process, and
# keeps nothing between channels.
set -u
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/outside.bash"
archive=$1

nm "$archive" 2>/dev/null >"$work/symbols"

needs() {
	grep -E "^ +U _*($1)(_chk)?(@.*)?\$" "$work/symbols"
}
# data that can be written; constants with pointers lie in .data.rel.ro
state() {
	objdump -t "$archive" | grep -E '^[0-9a-f]+ .{7} ' |
		grep -vE '^[0-9a-f]+ .{5}d' |
		grep -E ' ([.]t?(bss|data)([.][^r][^ ]*)?|[*]COM[*])\s'
}

ok "there are symbols to look at" test -s "$work/symbols"
ok "nobody prints" quiet needs "$prints"
ok "nobody ends the process" quiet needs "$ends"
ok "no thread, signal, fork or socket" quiet needs "$stays"
ok "nobody reads a clock" quiet needs "$clock"
ok "nobody opens, reads or writes files" quiet needs "$files"
ok "nobody draws random numbers of libc" quiet needs "$chance"
ok "nothing allocates but through OpenSSL" quiet needs "$memory"
ok "no state of its own" quiet state
finish

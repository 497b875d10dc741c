# SPDX-License-Identifier: MIT OR Apache-2.0
# control-matrix.txt in, what the VMM prints out. With sequence=1 the steps of
# the second table, or else each access of the first one after a reset, with
# offered, exits and hung as 1 or 0.
BEGIN { FS = "|" }

function trim(text) { gsub(/^ +| +$/, "", text); return text }
function line(what, gets, then) {
	print what " = " gets (then == "" ? "" : " " then)
}

NF < 7 || /^\| (---|access|step) / { next }
{ for (i = 1; i <= NF; i++) $i = trim($i) }

NF == 7 && sequence { line($4, $5, $6) }

NF == 10 && !sequence {
	before = offered ? "offered" : ""
	line("reset", "0", before)
	if (hung) {
		before = before (offered ? " " : "") "hung-up"
		line("hang-up", "0", before)
	}
	asked = exits && $5 == "exits"
	leaves = asked && offered && !hung && $9 != "" ? " " $9 : ""
	line($3, !exits ? $4 : !asked ? $5 : !offered ? $6 : hung ? $8 : $7,
	     before leaves)
}

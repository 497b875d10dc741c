#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# trust.sh SEVLM: a guest goes to, and comes from, whom an operator has named.
set -u
. "$(dirname "$0")/common.bash"
shape=(--memory 1M --rate 500 --force)
verified='^verified: 1 MiB identical'
stays='the guest runs on here, at step [0-9]+, its memory as it should be$'
never='the guest will never run here$'
source=(--insecure-plain --host-seed 7 --software-root)
target=(--insecure-plain --host-seed 8 --software-root)

# pinned NAME SEED: NAME.allow, NAME.chip, NAME.owner
pinned() {
	"$sevlm" certs export --simulate --host-seed "$2" --pdh "$work/$1.pdh" \
		--platform "$work/$1.platform" >/dev/null &&
		"$sevlm" certs pin --platform "$work/$1.platform" \
			>"$work/$1.allow" &&
		awk '/^chip/ { print $2 }' "$work/$1.allow" >"$work/$1.chip" &&
		awk '/^owner/ { print $2 }' "$work/$1.allow" >"$work/$1.owner"
}
pins() {
	pinned source 7 && pinned target 8 && pinned other 9
}
ok "three hosts are pinned" pins

# meet STATUS SOURCE TARGET: what both say; options in $at_source, $at_target
meet() {
	local status=0 got=0 receiving=("${target[@]}" "${at_target[@]}") \
		sending=("${source[@]}" "${at_source[@]}")

	receive r
	says "$1" "$2" send "${shape[@]}" || status=1
	received || got=$?
	[ $got -eq "$1" ] || { echo "target: $got"; cat "$work/r.err"; return 1; }
	one_line "$3" "$work/r.err" && [ $status -eq 0 ]
}
moves() {
	meet 0 '' '' && prints "$verified"
}
refused() {
	meet 1 "$1.*$stays" "$2.*$never"
}
# by SOURCE-WORDS -- TARGET-WORDS: what each is told of its peer
by() {
	at_source=() at_target=()
	while [ "$1" != -- ]; do
		at_source+=("$1")
		shift
	done
	shift
	at_target=("$@")
}
lists=(--allow "$work/target.allow" -- --allow "$work/source.allow")

each_other() {
	by "${lists[@]}" && moves
}
chips() {
	by --chip "$(cat "$work/target.chip")" -- --chip "$(cat "$work/source.chip")" &&
		moves
}
owners() {
	by --owner "$(cat "$work/target.owner")" -- \
		--owner "$(cat "$work/source.owner")" && moves
}
one_of_many() {
	by --allow "$work/other.allow" --allow "$work/target.allow" -- \
		--allow "$work/source.allow" --chip "$(cat "$work/other.chip")" && moves
}
ok "lists name each other" each_other
ok "chips are named" chips
ok "owners are named" owners
ok "one of many" one_of_many

other_target() {
	by --allow "$work/other.allow" -- --any-chip &&
		refused 'neither its chip .* nor its owner .* is trusted' ''
}
other_source() {
	by --any-chip -- --allow "$work/other.allow" &&
		refused '' 'neither its chip .* nor its owner .* is trusted'
}
unknown_root() {
	local source=(--insecure-plain --host-seed 7)

	by --any-chip -- --any-chip && refused "neither AMD's nor one that was" ''
}
unknown_root_there() {
	local target=(--insecure-plain --host-seed 8)

	by --any-chip -- --any-chip && refused '' "neither AMD's nor one that was"
}
too_old() {
	by --any-chip --floor 0.25 -- --any-chip &&
		refused 'claims API 0.24, which is below' ''
}
too_old_there() {
	by --any-chip -- --any-chip --floor 1.0 &&
		refused '' 'claims API 0.24, which is below'
}
new_enough() {
	by --any-chip --floor 0.24 -- --any-chip --floor 0.24 && moves
}
ok "the target is not on the list" other_target
ok "the source is not on the list" other_source
ok "the target's root is not trusted" unknown_root
ok "the source's root is not trusted" unknown_root_there
ok "the target's firmware is too old" too_old
ok "the source's firmware is too old" too_old_there
ok "the firmware is new enough" new_enough

# expects POLICY EXPECTED
expects() {
	by --any-chip --policy "$1" -- --any-chip --expect-policy "$2" && moves
}
unexpected() {
	by --any-chip --policy "$1" -- --any-chip --expect-policy "$2" &&
		refused '' 'polic'
}
ok "the policy that was expected" expects 1 1
ok "a bit that was expected" expects 1 1/1
ok "a bit that does not matter" expects 3 1/1
ok "none of what matters" expects 1 0/2
ok "another policy" unexpected 1 3
ok "a bit that is missing" unexpected 1 2/2
ok "a bit too many" unexpected 3 1
no_send() {
	by --any-chip --policy 9 -- --any-chip && refused 'says NOSEND' 'says NOSEND'
}
not_started() {
	says 1 'the guest could not be started' "$sevlm" send --to 127.0.0.1:1 \
		"${source[@]}" --any-chip "${shape[@]}" --policy 5
}
other_owner() {
	by --any-chip --policy 11 -- --any-chip && refused 'owner' ''
}
same_owner() {
	local target=("${source[@]}")

	by --any-chip --policy 11 -- --any-chip && moves
}
genuine() {
	by --any-chip --policy 21 -- --any-chip && moves
}
ok "a policy that forbids it" no_send
ok "a policy that no guest starts with here" not_started
ok "a policy that keeps the guest with its owner" other_owner
ok "the owner's other host" same_owner
ok "a policy that asks for a SEV platform" genuine

# The same hosts and the same guest: firmware makes the same session again.
once() {
	local sessions=$work/sessions

	by "${lists[@]}" --sessions "$sessions" && moves &&
		[ "$(stat -c %s:%a "$sessions")" = 32:600 ]
}
twice() {
	by "${lists[@]}" --sessions "$work/sessions" &&
		refused 'session' 'session' && [ "$(stat -c %s "$work/sessions")" = 32 ]
}
another() {
	local source=(--insecure-plain --host-seed 10 --software-root)

	by --any-chip -- --any-chip --sessions "$work/sessions" && moves &&
		[ "$(stat -c %s "$work/sessions")" = 64 ]
}
torn() {
	local source=(--insecure-plain --host-seed 11 --software-root)

	printf torn >>"$work/sessions"
	by --any-chip -- --any-chip --sessions "$work/sessions" && moves &&
		[ "$(stat -c %s "$work/sessions")" = 96 ]
}
unwritable() {
	by --any-chip -- --any-chip --sessions "$work/gone/file" &&
		refused '' 'session could not be stored in .*No such file'
}
ok "a session is remembered" once
ok "and not taken again" twice
ok "another is" another
ok "what a crash left behind the end is written over" torn
ok "a session that cannot be stored" unwritable
finish

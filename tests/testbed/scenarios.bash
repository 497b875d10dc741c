# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Sourced by hosts.sh: what two hosts do, a line each. Fields: name, steps of
# the first host, steps of the second (walk.c; " ; " between processes), how
# its processes end, and what comes of the memory: same, or - where it is not
# to be compared.

scenario() {
	local field line=

	for field; do
		read -r -d '' -a words <<<"$field"
		line+="${words[*]}|"
	done
	echo "${line%|}"
}

# 20 moves of one guest, there and back, whole after each
moves() {
	local work a b i

	for work in quiet dirty flip; do
		a="launch=$work check"
		b=
		for i in 1 2 3 4 5 6 7 8 9 10; do
			a+=" send=completed close prepare receive=completed"
			a+=" check"
			b+=" prepare receive=completed check run=10 check"
			b+=" send=completed close"
		done
		scenario "20 moves of a guest: $work" "$a" "$b" 0 0 same
	done
	scenario "the example by itself" \
		"vmm --image /guest.bin --work flip --to 10.0.0.2:6999" \
		"vmm --from 6999 --run 100" 0 0 -
}

cancelled() {
	local side

	for side in 500000 dirty+100000 pause; do
		scenario "cancelled by the source at $side, then moved" \
			"launch=dirty check cancel@$side send=cancelled
			 run=10 check send=completed" \
			"prepare receive=cancelled silent close
			 prepare receive=completed check" 0 0 -
	done
	scenario "cancelled by the target, then moved" \
		"launch=flip check send=cancelled run=10 check send=completed" \
		"prepare cancel@500000 receive=cancelled silent close
		 prepare receive=completed check" 0 0 -
}

# The process of one side is killed with SIGKILL at a moment.
killed() {
	local at

	for at in 1000 700000 state; do
		scenario "the target dies at $at: the guest runs on, and moves" \
			"launch=flip check send=aborted run=10 check
			 send=completed" \
			"prepare die@$at receive=completed ;
			 prepare receive=completed check" 0 '137 0' -
	done
	for at in state+56 persist persist+0 run run+0; do
		scenario "the target dies at $at: in doubt" \
			"launch=flip check send=in-doubt silent" \
			"prepare die@$at receive=completed" 0 137 -
	done
	scenario "the target dies behind STARTED: it ran there" \
		"launch=flip check send=completed silent" \
		"prepare die@run+56 receive=completed" 0 137 -
	for at in 700000 dirty pause state state+0; do
		scenario "the source dies at $at: the guest never ran there" \
			"launch=flip check die@$at send=completed" \
			"prepare receive=aborted silent" 137 0 -
	done
	for at in persist persist+0 persist+55; do
		scenario "the source dies at $at: in doubt, runs once it is fenced" \
			"launch=flip check die@$at send=completed" \
			"prepare receive=in-doubt silent fenced=completed
			 check" 137 0 -
	done
	for at in persist+0 persist+55; do
		scenario "the source dies at $at: its note says go" \
			"launch=flip check die@$at send=completed ;
			 prepare source-note=completed" \
			"prepare receive=in-doubt silent again=completed
			 check" '137 0' 0 -
	done
	for at in persist+0 run+0; do
		scenario "the target dies at $at: its note says lost" \
			"launch=flip check send=in-doubt silent again=lost
			 silent" \
			"prepare die@$at receive=completed ;
			 prepare target-note=lost" 0 '137 0' -
	done
	scenario "the source dies behind COMMIT: the guest runs" \
		"launch=flip check die@persist+56 send=completed" \
		"prepare receive=completed check" 137 0 -
}

cut() {
	scenario "the link is lost in the middle" \
		"launch=flip check cut@700000 send=aborted check" \
		"prepare receive=aborted silent" 0 0 -
	scenario "the link is lost before COMMIT" \
		"launch=flip check cut@persist+0 send=in-doubt silent
		 again=completed silent" \
		"prepare receive=in-doubt silent again=completed check" 0 0 -
	scenario "the link is lost behind COMMIT" \
		"launch=flip check cut@persist+56 send=in-doubt silent
		 again=completed silent" \
		"prepare receive=completed again=completed check" 0 0 -
	scenario "the link is lost behind PREPARED, and the target gives up" \
		"launch=flip check cut@persist send=in-doubt silent
		 again=aborted check" \
		"prepare receive=in-doubt cancel again=cancelled silent" 0 0 -
}

# What a VMM may get wrong is seen. Page states come from the exits that it
# takes, also where the kernel has a list.
planted() {
	local name work

	for name in private-as-shared:quiet shared-as-private:quiet \
		    unheard:flip undirty:dirty old-registers:dirty \
		    pending:quiet; do
		work=${name#*:}
		scenario "planted: ${name%:*}" \
			"states=exits launch=$work check plant=${name%:*}
			 send=completed" \
			"states=exits prepare receive=completed damaged" 0 0 -
	done
}

# What KVM keeps for a guest.
kvm() {
	local file=${FIRMWARE_FILE:-looked-up}

	scenario "50 guests, one after the other, on 7 ASIDs" \
		"guests=50,50" "guests=50,50" 0 0 -
	scenario "memory is registered before the first RECEIVE" \
		"launch=dirty check pinned=2 send=completed" \
		"pinned=0 prepare pinned=2 receive=completed pinned=2 check
		 close pinned=0" 0 0 -
	scenario "memory is not registered: KVM receives, nothing stays put" \
		"launch=dirty check send=completed" \
		"plant=unregistered prepare pinned=0 receive=completed
		 pinned=0 check" 0 0 -
	scenario "the number of the firmware's file is $file" \
		"launch=quiet check sev-number=$file check" \
		"launch=quiet check sev-number=$file check" 0 0 -
}

# The kernel's firmware and that of libsevlm-sim, which no kernel keeps a list
# of.
cross() {
	scenario "from the software host" \
		"states=exits launch=flip check run=100 check sim-leave
		 send=completed" \
		"states=exits prepare sim-trust receive=completed check
		 run=100 check" 0 0 same
	scenario "to the software host" \
		"states=exits launch=flip check run=100 check sim-trust
		 send=completed" \
		"states=exits prepare sim-wait receive=completed check
		 run=100 check" 0 0 same
}

# The kernel's list of shared pages. Where it is compared, libsevlm holds it
# against the exits each time the guest stands, and the guest's own bitmap
# against both. Who may not send is gone before its peer has seen much.
lists() {
	local work there here a b i

	for work in quiet dirty flip; do
		for there in list compare; do
			a="states=$there launch=$work check"
			b="states=$there"
			for i in 1 2 3; do
				a+=" send=completed close prepare"
				a+=" receive=completed check"
				b+=" prepare receive=completed check run=10"
				b+=" check send=completed close"
			done
			scenario "states by $there, 6 moves of a guest: $work" \
				"$a" "$b" 0 0 same
		done
	done
	for there in exits list; do
		here=list
		[ $there = exits ] || here=exits
		scenario "states by $there there and by $here here" \
			"states=$there launch=flip check send=completed" \
			"states=$here prepare receive=completed check" 0 0 same
	done
	for there in list compare exits; do
		scenario "hung up in a flood, states by $there" \
			"states=$there launch=flip check hang-up run=20 apart
			 refused=hung-up send=none" \
			"prepare receive=none,aborted silent" 0 0 -
	done
	for there in list compare; do
		scenario "what was hung up stays incomplete, states by $there" \
			"states=$there launch=flip check hang-up run=20 enable
			 run=20 apart refused=hung-up send=none" \
			"prepare receive=none,aborted silent" 0 0 -
		scenario "more ranges than the list takes, states by $there" \
			"states=$there room=8 launch=flip check run=100 apart
			 refused=incomplete send=none" \
			"prepare receive=none,aborted silent" 0 0 -
	done
	scenario "cancelled half way, states by the list" \
		"states=list launch=flip check cancel@500000 send=cancelled
		 run=10 check send=completed" \
		"states=list prepare receive=cancelled silent close
		 prepare receive=completed check" 0 0 -
	scenario "the target dies before its first run, states by the list" \
		"states=list launch=flip check send=in-doubt silent" \
		"states=list prepare die@run receive=completed" 0 137 -
}

# Guests in huge pages: contiguous memory moves four pages at a time, if it is
# so on both sides. The firmware counts.
contiguous() {
	local send=SEND_UPDATE_DATA receive=RECEIVE_UPDATE_DATA

	scenario "contiguous memory moves in runs, a quarter of the commands" \
		"huge launch=quiet check count send=completed quarter=$send" \
		"huge prepare count receive=completed quarter=$receive check" \
		0 0 same
	scenario "a guest in huge pages that changes page states" \
		"huge launch=flip check send=completed" \
		"huge prepare receive=completed check" 0 0 same
	scenario "contiguous memory here only goes page by page" \
		"huge launch=quiet check count send=completed singly=$send" \
		"prepare count receive=completed singly=$receive check" 0 0 same
	scenario "contiguous memory there only goes page by page" \
		"launch=quiet check count send=completed singly=$send" \
		"huge prepare count receive=completed singly=$receive check" \
		0 0 same
	scenario "a guest in huge pages goes there and back" \
		"huge launch=dirty check send=completed close
		 huge prepare receive=completed check" \
		"huge prepare receive=completed check run=10 check
		 send=completed" 0 0 same
	scenario "the example in huge pages" \
		"vmm --image /guest.bin --huge --to 10.0.0.2:6999" \
		"vmm --from 6999 --huge --run 100" 0 0 -
}

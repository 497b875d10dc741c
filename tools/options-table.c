/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "options-table.h"

#define ALL (MOVES | FOR_INSPECT | HOSTS | CERTS | FOR_PSK | FOR_RESOLVE)

#define MAX_MEMORY (1ull << 42)
#define MAX_SECONDS 1000000u

#define AT(field) offsetof(struct options, field)
const struct option_row option_rows[] = {
	{"listen", FOR_RECEIVE, TEXT, AT(listen), 0, 0, "HOST:PORT",
	 "wait for a guest there; port 0 takes a free one"},
	{"to", FOR_SEND, TEXT, AT(to), 0, 0, "HOST:PORT",
	 "send the guest there"},
	{"insecure-plain", PEERS, FLAG, AT(insecure_plain), 0, 0, NULL,
	 "accept a channel that is not protected at all"},
	{"wait", PEERS, NUMBER, AT(wait_s), 0, MAX_SECONDS, "SECONDS",
	 "for the peer to appear (send: 30; receive: 0, without end)"},
	{"image", MOVES, TEXT, AT(image), 0, 0, "FILE",
	 "first contents of the guest's memory"},
	{"memory", GUEST, SIZE, AT(memory), SEVLM_PAGE_SIZE, MAX_MEMORY, "SIZE",
	 "of the guest, with K, M or G (512M, or the image's)"},
	{"max-memory", FOR_RECEIVE, SIZE, AT(max_memory), SEVLM_PAGE_SIZE,
	 MAX_MEMORY, "SIZE", "largest guest to take (16G)"},
	{"workload", GUEST, WORKLOAD, AT(workload), 0, 0, "NAME",
	 "idle, sequential, hot, random or flip (flip)"},
	{"seed", GUEST, NUMBER, AT(seed), 0, UINT64_MAX, "N",
	 "of the workload and the memory (1)"},
	{"rate", GUEST, NUMBER, AT(rate), 0, 1000000000, "STEPS",
	 "of the workload per second; 0: as fast as it can (3000)"},
	{"no-offer", GUEST, FLAG, AT(no_offer), 0, 0, NULL,
	 "do not offer live migration to the guest"},
	{"downtime-limit", GUEST, NUMBER, AT(downtime_limit_ms), 1,
	 MAX_SECONDS * 1000ull, "MS",
	 "stop the guest once the rest fits into it (50)"},
	{"max-rounds", GUEST, NUMBER, AT(max_rounds), 1, 1000, "N",
	 "of precopy before giving up (30)"},
	{"force", GUEST, FLAG, AT(force), 0, 0, NULL,
	 "after these rounds stop the guest whatever the downtime"},
	{"batch", GUEST, NUMBER, AT(batch), 1, SEVLM_MAX_BATCH, "N",
	 "pages per record (64)"},
	{"bandwidth", GUEST, NUMBER, AT(bandwidth), 1000, 1000000000000, "BITS",
	 "per second, at most"},
	{"note", MOVES, TEXT, AT(note), 0, 0, "FILE",
	 "where the decision is persisted; in a demo the source's"},
	{"sessions", FOR_RECEIVE, TEXT, AT(sessions), 0, 0, "FILE",
	 "take no guest twice: sessions received before are in it"},
	{"record", MOVES, TEXT, AT(record), 0, 0, "FILE",
	 "write the stream there, source to target"},
	{"record-answers", MOVES, TEXT, AT(record_answers), 0, 0, "FILE",
	 "write the target's answers there"},
	{"target", FOR_PREFLIGHT, TEXT, AT(target), 0, 0, "FILE",
	 "what sevlm probe --json printed on the other host"},
	{"policy", FOR_PREFLIGHT, HEX, AT(policy), 0, UINT32_MAX, "HEX",
	 "the guest's policy (0: it forbids nothing)"},
	{"memory", HOSTS, SIZE, AT(memory), SEVLM_PAGE_SIZE, MAX_MEMORY, "SIZE",
	 "of the guest, with K, M or G (not looked at)"},
	{"source", FOR_PSK, TEXT, AT(source_psk), 0, 0, "FILE",
	 "new file for the host that sends"},
	{"target", FOR_PSK, TEXT, AT(target_psk), 0, 0, "FILE",
	 "new file for the host that receives"},
	{"simulate", HOSTS, FLAG, AT(simulate), 0, 0, NULL,
	 "ask a software host instead of this machine"},
	{"json", ALL, FLAG, AT(json), 0, 0, NULL,
	 "print one JSON object per line"},
	{"quiet", MOVES, FLAG, AT(quiet), 0, 0, NULL,
	 "show neither progress nor tables"},
	{"help", ALL, FLAG, AT(help), 0, 0, NULL, "show this"},
	/* for tests: man page, TESTING */
	{"die-at", PEERS, TEXT, AT(die_at), 0, 0, "MOMENT", NULL},
};

const size_t option_rows_count = ARRAY_SIZE(option_rows);

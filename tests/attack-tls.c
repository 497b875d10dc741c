/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kind "tls": both engines are in a secure channel, the attacker is on the
 * link between its two ends, from the handshake on. It may do to ciphertext
 * what it wants; no byte that the other end did not send may come out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "tls-fixture.h"

#define TLS_HEADER 5
#define TLS_CCS 20
#define TLS_HANDSHAKE 22
#define TLS_DATA 23

struct tunnel {
	struct sevlm_tls *end[2];
	uint8_t plain[2][2 * PIPE_ROOM]; /* for an engine that was full */
	size_t have[2];
	bool open[2]; /* when the engines were made */
	bool parted[2];
	bool told[2]; /* the engine knows that it is over */
};

/* ---- the channel of one side -------------------------------------------- */

static struct rig_pipe *pipe_of(struct rig *rig, bool back)
{
	return back ? &rig->back : &rig->there;
}

static void put_on_link(struct attack *attack, bool back)
{
	struct sevlm_tls *end = attack->tunnel->end[back];
	struct iovec iov;
	size_t count = 1;

	while (!sevlm_tls_output(end, &iov, &count) && count) {
		wire_cut(attack, back, iov.iov_base, iov.iov_len);
		sevlm_tls_consumed(end, iov.iov_len);
	}
}

static bool step(struct attack *attack, bool back)
{
	uint32_t want = 0;

	sevlm_tls_step(attack->tunnel->end[back], attack->rig.now_ns, &want);
	put_on_link(attack, back);
	return want & SEVLM_WANT_STEP;
}

static void wire(struct rig_side *from, const void *bytes, size_t count)
{
	struct attack *attack = from->rig->hooks.data;
	struct iovec part = {(void *)(uintptr_t)bytes, count};
	size_t taken;

	while (part.iov_len &&
	       !sevlm_tls_send(attack->tunnel->end[from->target], &part, 1,
			       &taken)) {
		part.iov_base = (uint8_t *)part.iov_base + taken;
		part.iov_len -= taken;
		put_on_link(attack, from->target);
	}
	put_on_link(attack, from->target);
}

static void give_engine(struct tunnel *tunnel, struct rig_side *to)
{
	uint8_t *plain = tunnel->plain[to->target];
	size_t *have = &tunnel->have[to->target];
	size_t taken = *have ? rig_feed(to, plain, *have) : 0;

	*have -= taken;
	memmove(plain, plain + taken, *have);
}

/* A channel that is over ends the connection, when all of it was heard. */
static void look(struct attack *attack, struct rig_side *to)
{
	struct tunnel *tunnel = attack->tunnel;
	bool back = to->target;
	uint32_t state = sevlm_tls_state(tunnel->end[back]);

	if (state == SEVLM_TLS_OPEN || tunnel->told[back] || tunnel->have[back])
		return;
	tunnel->told[back] = true;
	rig_trace(to->rig, "%s: channel over: %s", to->name,
		  sevlm_tls_error(tunnel->end[back]));
	if (state == SEVLM_TLS_FAILED)
		pipe_of(to->rig, back)->shut = true;
	rig_closed(to);
}

static void hear(struct attack *attack, struct rig_side *to)
{
	struct tunnel *tunnel = attack->tunnel;
	bool back = to->target;
	size_t got;

	do {
		got = 0;
		sevlm_tls_receive(tunnel->end[back],
				  tunnel->plain[back] + tunnel->have[back],
				  sizeof(tunnel->plain[0]) - tunnel->have[back],
				  &got);
		tunnel->have[back] += got;
		give_engine(tunnel, to);
	} while (got);
	look(attack, to);
}

/* without bytes: how many are here that the engine has not got yet */
static size_t arrive(struct rig_side *to, const void *bytes, size_t count)
{
	struct attack *attack = to->rig->hooks.data;
	struct tunnel *tunnel = attack->tunnel;
	size_t taken = 0;

	hear(attack, to);
	if (!count)
		return tunnel->have[to->target];
	if (!tunnel->have[to->target])
		sevlm_tls_feed(tunnel->end[to->target], bytes, count, &taken);
	step(attack, to->target);
	hear(attack, to);
	return taken;
}

static void attend(struct attack *attack, struct rig_side *side)
{
	struct tunnel *tunnel = attack->tunnel;
	bool back = side->target;

	if (!tunnel->open[back] && !side->dropped)
		rig_drop(side, true);
	if (side->dropped)
		return;
	step(attack, back);
	hear(attack, side);
	if (!side->ended || tunnel->parted[back])
		return;
	tunnel->parted[back] = true;
	sevlm_tls_close(tunnel->end[back]);
	put_on_link(attack, back);
}

static void before_round(struct rig *rig)
{
	attend(rig->hooks.data, &rig->source);
	attend(rig->hooks.data, &rig->target);
}

/* ---- the handshake, before there are engines ---------------------------- */

static bool carry(struct attack *attack, bool back)
{
	struct rig_pipe *pipe = pipe_of(&attack->rig, back);
	struct sevlm_tls *to = attack->tunnel->end[!back];
	size_t taken = 0;

	if (pipe->queued)
		sevlm_tls_feed(to, pipe->queue, pipe->queued, &taken);
	pipe->queued -= taken;
	/* where nothing was ever queued there is no queue */
	if (taken)
		memmove(pipe->queue, pipe->queue + taken, pipe->queued);
	if (pipe->shut && !pipe->queued)
		sevlm_tls_closed(to);
	return taken > 0;
}

static bool shaking(const struct tunnel *tunnel, bool back)
{
	return sevlm_tls_state(tunnel->end[back]) == SEVLM_TLS_HANDSHAKE;
}

static bool wait(struct attack *attack)
{
	struct tunnel *tunnel = attack->tunnel;
	uint64_t until = SEVLM_NO_DEADLINE, at;

	for (int i = 0; i < 2; i++) {
		at = shaking(tunnel, i) ? sevlm_tls_deadline(tunnel->end[i])
					: SEVLM_NO_DEADLINE;
		until = at < until ? at : until;
	}
	if (until == SEVLM_NO_DEADLINE)
		return false;
	attack->rig.now_ns = until;
	return true;
}

static bool fails_in_silence(struct tunnel *tunnel, bool back)
{
	const char *error = sevlm_tls_error(tunnel->end[back]);

	return sevlm_tls_state(tunnel->end[back]) == SEVLM_TLS_FAILED &&
	       (!error[0] || strchr(error, '\n'));
}

static void shake(struct attack *attack)
{
	struct tunnel *tunnel = attack->tunnel;
	bool moved = true;

	while ((moved || wait(attack)) &&
	       (shaking(tunnel, false) || shaking(tunnel, true))) {
		moved = step(attack, false);
		moved = step(attack, true) || moved;
		moved = carry(attack, false) || moved;
		moved = carry(attack, true) || moved;
	}
	for (int i = 0; i < 2; i++)
		tunnel->open[i] =
			sevlm_tls_state(tunnel->end[i]) == SEVLM_TLS_OPEN;
}

static bool open_ends(struct attack *attack)
{
	static struct pki_trio trio;
	bool key = attack->rig.plan.seed % 2;
	struct sevlm_tls_config config;
	int ret = 0;

	if (!key && !trio.ca.cert)
		pki_trio_open(&trio);
	for (int i = 0; !ret && i < 2; i++) {
		config = tls_config(key ? NULL : &trio, i);
		config.handshake_timeout_ns = RIG_SECOND;
		ret = sevlm_tls_new(&config, &attack->tunnel->end[i]);
	}
	return !ret;
}

/* The ends have a value that nobody else has, and it is the same. */
static bool bind(struct attack *attack)
{
	struct tunnel *tunnel = attack->tunnel;
	uint8_t *values[] = {attack->rig.source_config.exporter,
			     attack->rig.target_config.exporter};

	for (int i = 0; i < 2; i++)
		if (tunnel->open[i] &&
		    sevlm_tls_exporter(tunnel->end[i], values[i]))
			return false;
	return !tunnel->open[0] || !tunnel->open[1] ||
	       !memcmp(values[0], values[1], SEVLM_EXPORTER_SIZE);
}

static bool begin(struct attack *attack)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

	attack->tunnel = tunnel;
	if (!tunnel || !open_ends(attack))
		return false;
	shake(attack);
	if (fails_in_silence(tunnel, 0) || fails_in_silence(tunnel, 1))
		attack->wrong = "a channel fails without a sentence";
	attack->never_met = !tunnel->open[0] && !tunnel->open[1];
	if (!attack->never_met && !bind(attack))
		attack->wrong = "two ends of a channel have other values";
	return !attack->never_met;
}

static void end(struct attack *attack)
{
	struct tunnel *tunnel = attack->tunnel;

	if (!tunnel)
		return;
	if (fails_in_silence(tunnel, 0) || fails_in_silence(tunnel, 1))
		attack->wrong = "a channel fails without a sentence";
	sevlm_tls_free(tunnel->end[0]);
	sevlm_tls_free(tunnel->end[1]);
	free(tunnel);
	attack->tunnel = NULL;
}

/* ---- attacks ------------------------------------------------------------ */

static size_t record_bytes(const struct wire *wire)
{
	if (wire->have < TLS_HEADER)
		return TLS_HEADER;
	return TLS_HEADER + ((size_t)wire->buf[3] << 8 | wire->buf[4]);
}

static void flip(struct attack *attack, const uint8_t *record, size_t bytes)
{
	if (!attack->spot || attack->spot > bytes)
		attack->spot = 1 + (uint32_t)attack_below(attack, bytes);
	fault_flip(attack, record, bytes, 0, bytes);
	/* a version that nobody reads, or a record that means nothing */
	attack->harmless = record[0] == TLS_CCS ||
			   (record[0] == TLS_HANDSHAKE &&
			    (attack->spot == 2 || attack->spot == 3));
}

static void reflect(struct attack *attack, const uint8_t *record, size_t bytes)
{
	wire_put(attack, !attack->back, record, bytes);
	wire_put(attack, attack->back, record, bytes);
	fault_struck(attack, record, bytes);
}

static void insert(struct attack *attack, const uint8_t *record, size_t bytes,
		   const uint8_t *other, size_t count)
{
	wire_put(attack, attack->back, other, count);
	wire_put(attack, attack->back, record, bytes);
	fault_struck(attack, record, bytes);
}

static void insert_ccs(struct attack *attack, const uint8_t *record,
		       size_t bytes)
{
	static const uint8_t ccs[] = {TLS_CCS, 3, 3, 0, 1, 1};

	insert(attack, record, bytes, ccs, sizeof(ccs));
	attack->harmless = true; /* within the handshake */
}

static void insert_farewell(struct attack *attack, const uint8_t *record,
			    size_t bytes)
{
	static const uint8_t alert[] = {21, 3, 3, 0, 2, 1, 0};

	insert(attack, record, bytes, alert, sizeof(alert));
}

/* the link ends with what looks like a farewell */
static void end_with_farewell(struct attack *attack, const uint8_t *record,
			      size_t bytes)
{
	static const uint8_t alert[] = {21, 3, 3, 0, 2, 1, 0};

	wire_put(attack, attack->back, alert, sizeof(alert));
	fault_hang_up(attack, record, bytes);
}

static void insert_data(struct attack *attack, const uint8_t *record,
			size_t bytes)
{
	uint8_t data[TLS_HEADER + 64] = {TLS_DATA, 3, 3, 0, 64};

	rig_bytes(&attack->random, data + TLS_HEADER, 64);
	insert(attack, record, bytes, data, sizeof(data));
}

/* its length is another than it is */
static void stretch(struct attack *attack, const uint8_t *record, size_t bytes)
{
	uint8_t header[TLS_HEADER];

	memcpy(header, record, sizeof(header));
	header[4] += (uint8_t)(1 + attack_below(attack, 255));
	wire_put(attack, attack->back, header, sizeof(header));
	wire_put(attack, attack->back, record + TLS_HEADER, bytes - TLS_HEADER);
	fault_struck(attack, record, bytes);
}

/* one record in two, as the sender might have done */
static void split(struct attack *attack, const uint8_t *record, size_t bytes)
{
	uint8_t header[TLS_HEADER];
	size_t left = bytes - TLS_HEADER, part = left / 2;

	for (int i = 0; i < 2; i++, part = left - left / 2) {
		memcpy(header, record, 3);
		header[3] = (uint8_t)(part >> 8);
		header[4] = (uint8_t)part;
		wire_put(attack, attack->back, header, sizeof(header));
		wire_put(attack, attack->back,
			 record + TLS_HEADER + (i ? left / 2 : 0), part);
	}
	fault_struck(attack, record, bytes);
	attack->harmless = record[0] != TLS_DATA;
}

static const struct {
	const char *name;
	void (*strike)(struct attack *attack, const uint8_t *record,
		       size_t bytes);
} faults[] = {
	{"bit", flip},
	{"dropped", fault_drop},
	{"twice", fault_twice},
	{"behind the next", fault_swap},
	{"an earlier one", fault_replay},
	{"another connection's", fault_other_record},
	{"another's rest", fault_other_stream},
	{"another's to both", fault_all_other},
	{"cut short, goes on", fault_cut},
	{"cut short, hangs up", fault_cut_off},
	{"silence", fault_silence},
	{"hangs up", fault_hang_up},
	{"noise", fault_noise},
	{"reflected", reflect},
	{"CCS", insert_ccs},
	{"farewell in the open", insert_farewell},
	{"ends with a farewell", end_with_farewell},
	{"data that is none", insert_data},
	{"another length", stretch},
	{"in two", split},
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))
/* attacks on one record: the faults, then bits of its header and others */
#define EACH (FAULTS + TLS_HEADER + 4)

static const char *what(uint32_t fault)
{
	return fault < FAULTS ? faults[fault].name : NULL;
}

static void record(struct attack *attack, bool back, const uint8_t *bytes,
		   size_t count)
{
	if (back != attack->back) {
		wire_put(attack, back, bytes, count);
	} else if (!attack->struck &&
		   attack->wires[back].index >= attack->place) {
		faults[attack->what].strike(attack, bytes, count);
	} else {
		wire_put(attack, back, bytes, count);
		fault_give_back(attack);
	}
	if (back == attack->back && !tape_add(&attack->said, bytes, count))
		attack->wrong = "no memory";
}

/* The last records hold a side's last word, its header and its MAC, and the
 * farewell: what comes then may be too late to matter. */
#define LAST_RECORDS 3

static enum due due(const struct attack *attack)
{
	const struct tape *tape = &attack->tapes[attack->back];

	if (!attack->struck)
		return DUE_PERFECT;
	return attack->harmless || attack->index + LAST_RECORDS >= tape->count
		       ? DUE_SAFE
		       : DUE_REFUSED;
}

static void describe(const struct attack *attack, FILE *out)
{
	fprintf(out, "%s, %s record %u, byte %u%s\n", what(attack->what),
		attack->back ? "the target's" : "the source's", attack->place,
		attack->spot, attack->struck ? "" : ": did not happen");
}

static void draw(struct attack *attack)
{
	attack->what = (uint32_t)attack_below(attack, FAULTS);
	attack->back = !attack_below(attack, 3);
	attack->place = (uint32_t)attack_below(
		attack, attack->tapes[attack->back].count);
}

static bool number(struct attack *attack, uint64_t number)
{
	uint64_t there = attack->tapes[ATTACK_THERE].count;
	uint64_t back = attack->tapes[ATTACK_BACK].count;
	uint64_t place = number / EACH, which = number % EACH;

	attack->what = which < FAULTS ? (uint32_t)which : 0;
	attack->spot = which < FAULTS ? 0 : (uint32_t)(which - FAULTS) + 1;
	if (attack->spot > TLS_HEADER)
		attack->spot = 0;
	attack->back = place >= there;
	attack->place = (uint32_t)(attack->back ? place - there : place);
	return place < there + back;
}

const struct kind kind_tls = {
	.name = "tls",
	.what = what,
	.draw = draw,
	.number = number,
	.record = record,
	.due = due,
	.describe = describe,
	.begin = begin,
	.end = end,
	.wire = wire,
	.arrive = arrive,
	.round = before_round,
	.record_bytes = record_bytes,
	.least_struck = 85,
	.least_refused = 70,
};

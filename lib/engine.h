/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the source and the target engine share (layer 5). */
#ifndef SEVLM_ENGINE_H
#define SEVLM_ENGINE_H

#include <pthread.h>

#include "record.h"

/* ---- inbox.c: bytes from the peer to whole records --------------------- */

#define INBOX_SLOTS 3

/* Bytes come from one thread, records leave in another; both in order. */
struct sevlm__inbox {
	pthread_mutex_t lock;
	uint8_t *slots[INBOX_SLOTS];
	uint32_t max_body;
	uint32_t first;		/* oldest complete record */
	uint32_t count;		/* complete records */
	size_t have;		/* bytes of the record being filled */
	size_t total;		/* its size; 0: header not complete */
	size_t magic_have;
	uint8_t magic[RECORD_MAGIC_SIZE];
	uint8_t next[RECORD_HEADER_SIZE]; /* read beyond the last record */
	bool next_pending;
	bool lent;		/* the caller may be writing into space() */
	int broken;		/* framing is lost: negative errno */
	bool closed;
	uint64_t moved;		/* bytes so far */
};

int sevlm__inbox_init(struct sevlm__inbox *inbox, uint32_t max_body);
void sevlm__inbox_fini(struct sevlm__inbox *inbox);
void sevlm__inbox_space(struct sevlm__inbox *inbox, void **ret_buf,
			size_t *ret_bytes);
int sevlm__inbox_fed(struct sevlm__inbox *inbox, size_t bytes);
size_t sevlm__inbox_feed(struct sevlm__inbox *inbox, const void *buf,
			 size_t bytes);
void sevlm__inbox_close(struct sevlm__inbox *inbox);
/* for another connection; nobody may be feeding */
void sevlm__inbox_reset(struct sevlm__inbox *inbox);
/* the oldest record: 0; -EAGAIN none yet; -ECONNRESET none will come;
 * -EBADMSG, -EPROTO the framing is lost */
int sevlm__inbox_peek(struct sevlm__inbox *inbox, struct sevlm__record *record,
		      const uint8_t **ret_header, const uint8_t **ret_body);
void sevlm__inbox_release(struct sevlm__inbox *inbox);
uint64_t sevlm__inbox_moved(struct sevlm__inbox *inbox);
/* bytes of a record that is not complete yet */
size_t sevlm__inbox_partial(struct sevlm__inbox *inbox);

/* ---- outbox.c: records to the wire ------------------------------------- */

#define OUTBOX_SLOTS 3
#define OUT_HEAD_SIZE                                                         \
	(RECORD_HEADER_SIZE + PAGES_HEAD_SIZE +                               \
	 SEVLM_MAX_BATCH * (PAGES_ENTRY_SIZE + SEVLM_PACKET_HEADER_SIZE))

/* One record: a head of its own, then bytes wherever they are. */
struct sevlm__out {
	uint8_t *head;		/* OUT_HEAD_SIZE */
	uint8_t *payload;	/* the outbox's payload_bytes */
	struct iovec iov[1 + SEVLM_MAX_BATCH];
	uint32_t parts;
	size_t bytes;
};

struct sevlm__outbox {
	pthread_mutex_t lock;
	struct sevlm__out slots[OUTBOX_SLOTS];
	uint8_t *memory;
	size_t payload_bytes;
	uint32_t first;
	uint32_t count;
	size_t consumed;	/* of the first */
	uint8_t magic[RECORD_MAGIC_SIZE];
	size_t magic_left;
	bool closed;
	uint64_t moved;
};

int sevlm__outbox_init(struct sevlm__outbox *outbox, size_t payload_bytes);
void sevlm__outbox_fini(struct sevlm__outbox *outbox);
/* a free slot to fill, NULL where none is; end() hands it over */
struct sevlm__out *sevlm__outbox_begin(struct sevlm__outbox *outbox);
/* another piece of the record, joined to the last where it touches it */
void sevlm__out_add(struct sevlm__out *out, void *buf, size_t bytes);
void sevlm__outbox_end(struct sevlm__outbox *outbox);
void sevlm__outbox_output(struct sevlm__outbox *outbox, struct iovec *iov,
			  size_t *count);
int sevlm__outbox_consumed(struct sevlm__outbox *outbox, size_t bytes);
void sevlm__outbox_close(struct sevlm__outbox *outbox);
/* for another connection; what was not written is forgotten */
void sevlm__outbox_reset(struct sevlm__outbox *outbox);
/* something was never written, be the link open or not */
bool sevlm__outbox_left(struct sevlm__outbox *outbox);
bool sevlm__outbox_empty(struct sevlm__outbox *outbox);
bool sevlm__outbox_full(struct sevlm__outbox *outbox);
uint64_t sevlm__outbox_moved(struct sevlm__outbox *outbox);

/* ---- schedule.c: when to stop the guest -------------------------------- */

#define SCHEDULE_GO_ON	 0u
#define SCHEDULE_STOP	 1u	/* what is left fits into the limit */
#define SCHEDULE_GIVE_UP 2u	/* rounds are used up */

struct sevlm__schedule {
	uint64_t limit_ns;
	uint32_t max_rounds;
	uint32_t round;		/* rounds begun */
	uint64_t round_start_ns;
	uint64_t round_sent;
	uint64_t round_todo;
	uint64_t rate;		/* pages per second, 0 unknown */
	uint64_t dirtied;	/* pages per second */
	uint32_t shrinking;	/* rounds in a row that left less to do */
	uint32_t growing;	/* ... that did not */
};

void sevlm__schedule_init(struct sevlm__schedule *s, uint64_t limit_ns,
			  uint32_t max_rounds);
/* a harvest left todo pages; fresh of them were clean before */
uint32_t sevlm__schedule_decide(struct sevlm__schedule *s, uint64_t now_ns,
				uint64_t todo, uint64_t fresh);
void sevlm__schedule_begin(struct sevlm__schedule *s, uint64_t now_ns,
			   uint64_t todo);
void sevlm__schedule_sent(struct sevlm__schedule *s, uint64_t now_ns,
			  uint64_t pages);
uint64_t sevlm__schedule_downtime(const struct sevlm__schedule *s,
				  uint64_t todo);
uint64_t sevlm__schedule_eta(const struct sevlm__schedule *s, uint64_t left);
uint32_t sevlm__schedule_verdict(const struct sevlm__schedule *s);

/* ---- engine.c ---------------------------------------------------------- */

#define NS_PER_S 1000000000ull

struct sevlm__engine {
	struct sevlm_vm *vm;
	uint32_t role;		/* ROLE_* */
	uint32_t channel;
	struct sevlm__inbox inbox;
	struct sevlm__outbox outbox;
	struct sevlm__hash *hash;	/* the transcript */
	struct sevlm__error error;
	uint32_t outcome;
	int cause;
	uint32_t told;		/* the outcome as long as work goes on */
	bool resolving;		/* the link is not the first one any more */
	struct sevlm__error reason;	/* the outcome's sentence, then */
	uint32_t want;		/* what the VMM was asked to do */
	_Atomic bool cancelled;
	_Atomic bool closed;
	bool peer_aborted;	/* no need to tell it */
	/* time */
	uint64_t now_ns;
	uint64_t start_ns;	/* 0: not stepped yet, in this connection */
	uint64_t still_since_ns;
	uint64_t moved;		/* bytes when last looked */
	uint64_t patience_ns;	/* how long nothing may move; 0 for ever */
	bool from_start;	/* ... or how long all of it may take so far */
	bool deaf;		/* ... whatever moves in the meantime */
	bool skipped;		/* records, and there may be more to skip */
	/* identity */
	uint8_t nonces[2][SEVLM_NONCE_SIZE];	/* source's, target's */
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	uint8_t key[SEVLM__DIGEST_SIZE];	/* commit.c */
	uint8_t token[SEVLM_TOKEN_SIZE];	/* in public, for the key */
	bool met;		/* the peer's nonce is here: so are they */
	struct sevlm__cpuid cpuid;		/* count 0: not shown */
	const struct sevlm_trust *trust;	/* the VMM's */
	uint8_t *certs;		/* own: AMD's blob, then a chain if chained */
	size_t amd_bytes;
	bool chained;
	/* the record layer */
	uint64_t sequence_in, sequence_out;
	uint32_t epoch;
	uint32_t peer_max_body;
	struct sevlm_progress progress;
};

/* what both configurations must have: -EINVAL */
int sevlm__engine_check(uint32_t channel, const uint8_t *nonce,
			const uint8_t *exporter);
/* most pages are not zero and say so in their first words */
bool sevlm__engine_zero(const uint8_t *page);
int sevlm__engine_init(struct sevlm__engine *engine, struct sevlm_vm *vm,
		       uint32_t role, uint32_t max_body, size_t payload_bytes);
/* whom to trust, and the own certificates, which are copied; chain may be
 * NULL: -EINVAL, -ENOMEM */
int sevlm__engine_identify(struct sevlm__engine *engine,
			   const struct sevlm_trust *trust, const void *chain,
			   const void *amd, size_t amd_bytes);
void sevlm__engine_fini(struct sevlm__engine *engine);
/* time moves on; true where the patience is used up */
bool sevlm__engine_tick(struct sevlm__engine *engine, uint64_t now_ns);
uint64_t sevlm__engine_deadline(struct sevlm__engine *engine);
/* the next record of the peer, its place in the stream checked: 0, -EAGAIN,
 * or an error that was put into words */
int sevlm__engine_peek(struct sevlm__engine *engine,
		       struct sevlm__record *record, const uint8_t **ret_body);
/* done with it; on the target it has joined the transcript before */
void sevlm__engine_release(struct sevlm__engine *engine);
/* writes the header into the slot's head, hashes head, hands the slot over;
 * the first head_bytes of the head are header and body, payload parts were
 * added before */
int sevlm__engine_commit_out(struct sevlm__engine *engine,
			     struct sevlm__out *out, uint16_t type,
			     size_t head_bytes);
/* a whole small record; -EAGAIN where no slot is free */
int sevlm__engine_send(struct sevlm__engine *engine, uint16_t type,
		       const void *body, size_t bytes);
int sevlm__engine_hash_in(struct sevlm__engine *engine, size_t body_bytes);
/* STEP, WRITE, READ beside the VMM's own */
uint32_t sevlm__engine_want(struct sevlm__engine *engine, bool busy);
int sevlm__engine_did(struct sevlm__engine *engine, uint32_t want);
/* the outcome, with the sentence that stands in the engine */
void sevlm__engine_settle(struct sevlm__engine *engine, uint32_t outcome,
			  int cause);
int sevlm__engine_progress(struct sevlm__engine *engine,
			   struct sevlm_progress *ret);
/* an ABORT of the peer, put into words: returns its cause */
int sevlm__engine_aborted(struct sevlm__engine *engine, const uint8_t *body,
			  size_t bytes);

/* ---- handshake.c ------------------------------------------------------- */

/* chain: what firmware exports; the engine may have a better one */
int sevlm__handshake_source(struct sevlm__engine *engine, uint32_t policy,
			    const uint8_t *pdh, const uint8_t *chain);
int sevlm__handshake_target(struct sevlm__engine *engine, const uint8_t *pdh,
			    const uint8_t *chain);
/* the peer's certificates, in a HELLO that was checked */
struct sevlm_peer sevlm__handshake_peer(const struct sevlm__hello *hello);
/* checks what the peer said against what we are; fields stay in the body */
int sevlm__handshake_check(struct sevlm__engine *engine, const uint8_t *body,
			   size_t bytes, struct sevlm__hello *hello);
/* the guest's, as the source shows it in HELLO and END */
int sevlm__handshake_consent(struct sevlm__engine *engine, uint32_t control);
int sevlm__handshake_regions(struct sevlm__engine *engine,
			     const struct sevlm__hello *hello);
/* of the source: where the target takes blocks, and this side can */
int sevlm__handshake_blocks(struct sevlm__engine *engine,
			    const struct sevlm__hello *hello);
int sevlm__handshake_cpuid(struct sevlm__engine *engine,
			   const struct sevlm__hello *hello);

/* ---- commit.c: the session's key, verdicts, notes ---------------------- */

/* from both nonces: the token, and with the exporter value the key too */
int sevlm__commit_token(struct sevlm__engine *engine);
int sevlm__commit_key(struct sevlm__engine *engine);
/* hands the token out; -EBADFD before there is one */
int sevlm__commit_name(const struct sevlm__engine *engine, void *token);
/* the MAC of a verdict that the side with that role gives */
int sevlm__commit_mac(const struct sevlm__engine *engine, uint32_t role,
		      uint16_t type, uint8_t *mac);
int sevlm__commit_send(struct sevlm__engine *engine, uint16_t type);
/* -EKEYREJECTED where the peer's verdict is not of this session */
int sevlm__commit_check(struct sevlm__engine *engine, uint16_t type,
			const uint8_t *body);
/* the MAC of a RESOLVE */
int sevlm__commit_verdict(const struct sevlm__engine *engine, uint32_t role,
			  uint32_t verdict, uint8_t *mac);
void sevlm__commit_note(const struct sevlm__engine *engine, uint8_t *note);
/* the session of a note into a new engine: 0 or -EBADMSG */
int sevlm__commit_read(struct sevlm__engine *engine, const uint8_t *note);

/* ---- resolve.c: one verdict each, in another connection ---------------- */

/* forgets the old connection; -EINVAL for a channel that will not do */
int sevlm__resolve_begin(struct sevlm__engine *engine,
			 const struct sevlm_reconnect *config);
int sevlm__resolve_send(struct sevlm__engine *engine, uint32_t verdict);
/* the peer's verdict, authentic: 0, -EAGAIN, or an error put into words */
int sevlm__resolve_hear(struct sevlm__engine *engine, uint32_t *ret_verdict);
/* a verdict of the peer that ends badly, put into words: its cause */
int sevlm__resolve_words(struct sevlm__engine *engine, uint32_t verdict);
/* nothing came of it: -ETIMEDOUT with a sentence */
int sevlm__resolve_late(struct sevlm__engine *engine);

#endif /* SEVLM_ENGINE_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A peer that lies and has the keys: it stands between two honest engines,
 * knows the exporter value and so the session's key, and keeps two
 * transcripts, what each side believes to have been said. Whatever it passes
 * on, alters or makes up, numbers, totals, digests and MACs are right for the
 * one who hears it, unless they are the lie.
 */
#ifndef SEVLM_ATTACK_LIAR_H
#define SEVLM_ATTACK_LIAR_H

#include "attack.h"

#define LIAR_ROOM (2u * RECORD_BODY_MAX)
#define LIAR_UNKNOWN 999u

/* A record in the liar's hands. */
struct forged {
	bool back;
	struct sevlm__record header;
	uint8_t *body;
	size_t bytes; /* of it */
	bool drop;
	/* the lie is in there, leave it alone: */
	bool own_body; /* totals, digest, MAC */
	bool own_header; /* length, sequence, epoch */
	uint16_t reserved; /* of the header */
};

struct liar {
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	/* by who believes it: the source, the target */
	struct sevlm__hash *heard[2];
	uint8_t nonces[2][2][SEVLM_NONCE_SIZE];
	uint8_t key[2][SEVLM__DIGEST_SIZE];
	uint8_t digest[2][SEVLM__DIGEST_SIZE]; /* with END */
	uint64_t totals[4]; /* that the target counts */
	uint8_t *room, *spare; /* for bodies */
	uint8_t *pages; /* a PAGES body that was passed on */
	size_t pages_bytes;
	uint8_t *blocks; /* ... and one with a block in it */
	size_t blocks_bytes;
	const char *says; /* in the target's sentence; NULL: whatever */
	uint64_t gpa; /* of the page that a longer lie is about */
	uint32_t told; /* how often a longer lie was told */
	uint32_t most_body; /* that the target said to take */
	bool committed; /* the target heard COMMIT */
	bool talks; /* the target's end says unknown things all the time */
	bool plays; /* an old migration to the target, whatever it says */
	uint32_t played;
	bool late; /* when the lie was told, the target might run */
};

/* A way to lie. */
struct lie {
	const char *name;
	uint32_t back; /* told when a record of this direction */
	uint16_t type; /* and type passes; 0: any */
	enum due due;
	/* did it? Then it is over, or goes on with each such record */
	bool (*tell)(struct attack *attack, struct forged *record,
		     const struct lie *lie);
	bool goes_on;
	/* for tell(), whatever it takes */
	uint32_t at;
	uint64_t value, with;
};

struct lies {
	const struct lie *lies;
	uint32_t count;
};

extern const struct lies lies_blocks, lies_certs, lies_hello, lies_pages,
	lies_stream, lies_words;

/* ---- attack-liar.c ----------------------------------------------------- */

bool liar_begin(struct attack *attack);
void liar_end(struct attack *attack);
/* an engine's own record: what it believes to have said */
void liar_hear(struct attack *attack, bool back, const uint8_t *record,
	       size_t bytes);
/* to the other side, made right */
void liar_say(struct attack *attack, struct forged *record);
/* a record of the liar's own, made right; body may be NULL: zeroes */
void liar_make(struct attack *attack, bool back, uint16_t type,
	       const void *body, size_t bytes);
void liar_region(struct attack *attack, uint64_t gpa, uint64_t bytes,
		 uint32_t type, uint32_t action);
void liar_optional(struct attack *attack, bool back);
/* a record of the source that was said another time, made right */
void liar_replay(struct attack *attack, uint32_t index);
/* as much of an old migration as the target waits for */
void liar_play(struct attack *attack);
/* the MAC that the believer expects of that role */
void liar_mac(struct attack *attack, bool believer, uint32_t role,
	      uint16_t type, uint8_t *mac);
/* a verdict of a session with other nonces */
void liar_other_mac(struct attack *attack, bool believer, uint32_t role,
		    uint16_t type, uint8_t *mac);

/* ---- attack-lies.c: lies that fit any record ----------------------------- */

#define LIE(name)                                                              \
	bool name(struct attack *attack, struct forged *record,                \
		  const struct lie *lie)

/* at: offset; value: how many bytes; with: to be set, or added */
LIE(lie_set);
LIE(lie_add);
/* a bit of value bytes from at on; 0: of all that follow */
LIE(lie_flip);
LIE(lie_drop);
/* with: by how many bytes */
LIE(lie_longer);
LIE(lie_shorter);
LIE(lie_twice);

/* ---- attack-sheet.c: one PAGES record, taken apart ---------------------- */

#define ENTRIES PAGES_HEAD_SIZE

struct sheet {
	uint32_t count;
	struct sheet_page {
		uint64_t gpa;
		uint32_t kind;
		uint8_t header[SEVLM_PACKET_HEADER_SIZE];
		uint8_t payload[RIG_PACKET];
	} pages[SEVLM_MAX_BATCH + 4];
};

extern struct sheet sheet;

bool sheet_take(const struct forged *record);
void sheet_put(struct forged *record);
/* a record of the liar's own */
void sheet_say(struct attack *attack);
/* any page of that kind in RAM, or any block; sheet.count where none is */
uint32_t sheet_any(struct attack *attack, uint32_t kind);

/* ---- attack-spans.c ----------------------------------------------------- */

/* what SHARED says of the page becomes the opposite */
bool spans_turn(struct forged *record, uint64_t gpa);

/* ---- attack-hello.c: fields of a HELLO ---------------------------------- */

enum hello_field {
	POLICY = 1,
	CONTROL,
	PDH,
	CHAIN,
	AMD,
	REGIONS,
	CPUID,
	CONTIGUOUS,
};

/* the field's bytes, NULL where it is not there */
uint8_t *hello_field(const struct forged *record, uint64_t id);
void hello_replace(struct forged *record, uint64_t id, const void *bytes,
		   size_t count);

/* ---- little endian in a body -------------------------------------------- */

uint64_t liar_get(const uint8_t *at, size_t bytes);
void liar_put(uint8_t *at, size_t bytes, uint64_t value);

#endif /* SEVLM_ATTACK_LIAR_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The language of the inputs: a byte of modes, then operations, each a kind,
 * an argument, a length of two bytes and as many bytes. Every sequence of
 * bytes says something.
 */
#ifndef SEVLM_FUZZ_OPS_H
#define SEVLM_FUZZ_OPS_H

#include "fuzz.h"

#define MODE_EAGER  0x01u /* the VMM steps and writes after each operation */
#define MODE_OBEYS  0x02u /* ... and does what it is asked for */
#define MODE_OPEN   0x04u /* a channel that is not protected */
#define MODE_SMALL  0x08u /* little room for state, small records */
#define MODE_SINGLE 0x10u /* one page per record, two rounds */
#define MODE_FORCE  0x20u /* stop the guest after the last round */

enum fuzz_kind {
	OP_STEP,     /* that many steps */
	OP_RECORD,   /* a record of the peer */
	OP_RAW,	     /* bytes of the peer */
	OP_FRAGMENT, /* in what pieces bytes come from now on */
	OP_TIME,     /* seconds go by; 255: until the deadline */
	OP_CONSUME,  /* bytes that the wire takes */
	OP_ANSWER,   /* to what is wanted */
	OP_DID,	     /* an answer to what may not be wanted */
	OP_CANCEL,
	OP_CLOSE,
	OP_CALL,     /* the guest exits, or the VMM tells something */
	OP_REGION,   /* memory comes or goes */
	OP_DOOR,     /* a command of the firmware will fail */
	OP_RECONNECT, /* both come together once more; 1: the source is dead */
	OPS
};

/* of OP_RECORD, beside the type in the lower bits */
#define RECORD_TYPE	0x1fu
#define RECORD_COOKED	0x20u /* the body is made of the bytes (cook.c) */
#define RECORD_OPTIONAL 0x40u /* REQUIRED is not set */
#define RECORD_TWISTED	0x80u /* two bytes say how the header is changed */

struct fuzz_op {
	uint8_t kind; /* enum fuzz_kind */
	uint8_t arg;
	const uint8_t *bytes;
	size_t count;
};

#define OP_HEAD 4u

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline bool fuzz_next(struct fuzz_input *input, struct fuzz_op *op)
{
	if (input->left < OP_HEAD)
		return false;
	op->kind = input->at[0] % OPS;
	op->arg = input->at[1];
	op->count = input->at[2] | (size_t)input->at[3] << 8;
	op->bytes = input->at + OP_HEAD;
	input->at += OP_HEAD;
	input->left -= OP_HEAD;
	if (op->count > input->left)
		op->count = input->left;
	input->at += op->count;
	input->left -= op->count;
	return true;
}

/* a byte of an operation, 0 where it is too short */
static inline uint8_t fuzz_byte(const struct fuzz_op *op, size_t at)
{
	return at < op->count ? op->bytes[at] : 0;
}

#endif /* SEVLM_FUZZ_OPS_H */

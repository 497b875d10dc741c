/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stock.h"
#include "record.h"

/* By memory_index(): 0 to 5 tracked, 7 and 8 private, 10 and 11 shared, 15
 * and 16 tracked and far away, 18 and 19 to be plugged. */
static const uint8_t pages_all[] = {
	0, 0, 1, 1, 2,	2, 3,  0, 4,  1, 5,  2,
	7, 0, 8, 0, 10, 1, 11, 2, 15, 0, 16, 1,
};
static const uint8_t pages_block[] = {
	0,  0xf0, 4,  1, 5,  2, 7,  0, 8, 0, 10, 1, 11, 2, 15, 0, 16, 1,
};
static const uint8_t pages_astray[] = {0, 0xf0, 15, 0xf0};
static const uint8_t pages_some[] = {1, 0, 7, 0, 10, 2};
static const uint8_t pages_plugged[] = {18, 0, 19, 1};
/* what is shared after pages_all, and after pages_plugged */
static const uint8_t shared_all[] = {
	1, 1, 0, 0, 2, 1, 0, 0, 4, 2, 1, 3, 16, 1, 0, 0,
};
static const uint8_t shared_plugged[] = {
	1, 1, 0, 0, 2, 1, 0, 0, 4, 2, 1, 3, 19, 1, 0, 0, 16, 1, 0, 0,
};
static const uint8_t shared_block[] = {4, 2, 1, 3, 16, 1, 0, 0};
static const uint8_t free_all[] = {0, 6, 7, 2, 10, 2, 15, 2};
static const uint8_t plug[] = {5, 1}, unplug[] = {5, 2};
static const uint8_t blob[] = {1, 4, 0, 0, 0, 1, 2, 3, 4};
static const uint8_t blob_more[] = {2, 4, 0, 2, 0, 3, 4};
static const uint8_t consent[] = {3};
static const uint8_t dirty[] = {0, 0x3f, 0, 0}, states[] = {1, 1, 2, 70};
static const uint8_t make_shared[] = {1, 2, 0}, make_private[] = {1, 2, 0x10};

static const uint8_t verdicts[][1] = {{1}, {2}, {3}, {4}, {5}};

static const uint8_t forged[32];
static const uint8_t forged_committed[] = {1, 1}, forged_started[] = {3, 1};

#define A(kind, arg, bytes)                                                    \
	{                                                                      \
		kind, arg, bytes, sizeof(bytes)                                \
	}
#define B(kind, arg)                                                           \
	{                                                                      \
		kind, arg, NULL, 0                                             \
	}
#define COOKED(type) (RECORD_##type | RECORD_COOKED)

const struct fuzz_op stock[STOCK] = {
	[ROUND] = B(OP_RECORD, COOKED(ROUND)),
	[PAGES_ALL] = A(OP_RECORD, COOKED(PAGES), pages_all),
	[PAGES_BLOCK] = A(OP_RECORD, COOKED(PAGES), pages_block),
	[PAGES_ASTRAY] = A(OP_RECORD, COOKED(PAGES), pages_astray),
	[PAGES_SOME] = A(OP_RECORD, COOKED(PAGES), pages_some),
	[PAGES_PLUGGED] = A(OP_RECORD, COOKED(PAGES), pages_plugged),
	[SHARED_ALL] = A(OP_RECORD, COOKED(SHARED), shared_all),
	[SHARED_BLOCK] = A(OP_RECORD, COOKED(SHARED), shared_block),
	[SHARED_PLUGGED] = A(OP_RECORD, COOKED(SHARED), shared_plugged),
	[FREE_ALL] = A(OP_RECORD, COOKED(FREE), free_all),
	[PLUG] = A(OP_RECORD, COOKED(REGION), plug),
	[UNPLUG] = A(OP_RECORD, COOKED(REGION), unplug),
	[BLOB] = A(OP_RECORD, COOKED(STATE), blob),
	[BLOB_MORE] = A(OP_RECORD, COOKED(STATE), blob_more),
	[END] = A(OP_RECORD, COOKED(END), consent),
	[PREPARED] = B(OP_RECORD, COOKED(PREPARED)),
	[COMMIT] = B(OP_RECORD, COOKED(COMMIT)),
	[STARTED] = B(OP_RECORD, COOKED(STARTED)),
	[NEVER] = B(OP_RECORD, COOKED(NEVER)),
	[LOST] = B(OP_RECORD, COOKED(LOST)),
	[ABORT] = A(OP_RECORD, COOKED(ABORT), blob),
	[UNKNOWN] = A(OP_RECORD, 31 | RECORD_OPTIONAL, blob),
	[ANSWER_DIRTY] = A(OP_ANSWER, 0, dirty),
	[ANSWER_STATES] = A(OP_ANSWER, 0, states),
	[ANSWER] = B(OP_ANSWER, 0),
	[ANSWER_FAILED] = B(OP_ANSWER, 1),
	[STEP] = B(OP_STEP, 0),
	[STEPS] = B(OP_STEP, 31),
	[PIECES] = B(OP_FRAGMENT, 1),
	[IN_PLACE] = B(OP_FRAGMENT, 0x80),
	[SECOND] = B(OP_TIME, 1),
	[DEADLINE] = B(OP_TIME, 255),
	[CONSUME] = B(OP_CONSUME, 200),
	[CANCEL] = B(OP_CANCEL, 0),
	[CLOSE] = B(OP_CLOSE, 0),
	[MAKE_SHARED] = A(OP_CALL, 0, make_shared),
	[MAKE_PRIVATE] = A(OP_CALL, 0, make_private),
	[MARK_DIRTY] = A(OP_CALL, 1, free_all),
	[SKIP] = A(OP_CALL, 2, free_all),
	[REGION_ADDED] = B(OP_REGION, 5),
	[REGION_REMOVED] = B(OP_REGION, 0x85),
	[COMMAND_FAILS] = A(OP_DOOR, 1, consent),
	[COMMAND_FAILS_LATE] = A(OP_DOOR, 0x81, consent),
	[COMMAND_FAILS_SOON] = A(OP_DOOR, 4, consent),
	[RECONNECT] = B(OP_RECONNECT, 0),
	[FENCED] = B(OP_RECONNECT, 1),
	[COMMITTED] = A(OP_RECORD, COOKED(RESOLVE), verdicts[0]),
	[KEPT] = A(OP_RECORD, COOKED(RESOLVE), verdicts[1]),
	[RESOLVED_STARTED] = A(OP_RECORD, COOKED(RESOLVE), verdicts[2]),
	[RESOLVED_NEVER] = A(OP_RECORD, COOKED(RESOLVE), verdicts[3]),
	[RESOLVED_LOST] = A(OP_RECORD, COOKED(RESOLVE), verdicts[4]),
	[FORGED_COMMIT] = A(OP_RECORD, RECORD_COMMIT, forged),
	[FORGED_STARTED] = A(OP_RECORD, RECORD_STARTED, forged),
	[FORGED_NEVER] = A(OP_RECORD, RECORD_NEVER, forged),
	[FORGED_LOST] = A(OP_RECORD, RECORD_LOST, forged),
	[FORGED_COMMITTED] = A(OP_RECORD, COOKED(RESOLVE), forged_committed),
	[FORGED_RESOLVED] = A(OP_RECORD, COOKED(RESOLVE), forged_started),
};

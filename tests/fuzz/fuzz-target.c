/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The target, from its first record of the stream on, and a source that says
 * anything. */
#include <errno.h>

#include "memory.h"
#include "side.h"
#include "target.h"

#define LITTLE 4096u

/* ---- what it may do, and when ---- */

static bool committed(const struct side *side)
{
	return side->fenced || side->told >> RECORD_COMMIT & 1;
}

static bool may_want(const struct side *side, uint32_t want)
{
	bool again = side->granted & want;

	switch (want) {
	case SEVLM_WANT_REGION:
		return wire_had(&side->in, RECORD_REGION) &&
		       !(side->granted & SEVLM_WANT_STATE);
	case SEVLM_WANT_STATE:
		return !again && wire_had(&side->in, RECORD_END) &&
		       !side->door.finished;
	case SEVLM_WANT_PERSIST:
		return !again && committed(side) && side->door.finished;
	case SEVLM_WANT_RUN:
		return !again && committed(side) &&
		       side->granted & SEVLM_WANT_PERSIST;
	}
	return false;
}

/* What a peer can make the target keep is bounded by what the VMM allowed,
 * and what it says it will send costs nothing until it comes. */
static void check_blobs(const struct sevlm_target *target)
{
	uint64_t total = 0;

	MUST(target->blob_count <= SEVLM_MAX_STATES);
	for (uint32_t i = 0; i < target->blob_count; i++) {
		const struct target_blob *blob = &target->blobs[i];

		MUST(blob->have <= blob->room && blob->have <= blob->total);
		MUST(blob->room <= 65536 || blob->room < 2 * blob->have);
		total += blob->total;
	}
	MUST(total <= target->config.max_state_bytes);
}

static void check(const struct side *side)
{
	bool ran = side->granted & SEVLM_WANT_RUN;

	MUST(!wire_had(&side->out, RECORD_STARTED) || ran);
	MUST(!wire_had(&side->out, RECORD_LOST) ||
	     (side->granted & SEVLM_WANT_PERSIST && !ran));
	MUST(!wire_had(&side->out, RECORD_NEVER) ||
	     !(side->granted & SEVLM_WANT_PERSIST));
	check_blobs(side->target);
}

static void check_end(const struct side *side)
{
	bool ran = side->granted & SEVLM_WANT_RUN;
	bool ours = side->granted & SEVLM_WANT_PERSIST;

	switch (side->outcome) {
	case SEVLM_OUTCOME_COMPLETED:
		MUST(ran);
		break;
	case SEVLM_OUTCOME_ABORTED:
	case SEVLM_OUTCOME_CANCELLED:
		MUST(!ours);
		break;
	case SEVLM_OUTCOME_IN_DOUBT:
		MUST(!ours && side->door.finished);
		MUST(side->closed || side->resolving);
		break;
	case SEVLM_OUTCOME_LOST:
		MUST(ours && !ran);
		break;
	default:
		MUST(!"an outcome of no name");
	}
	MUST(!ran || side->outcome == SEVLM_OUTCOME_COMPLETED);
}

/* ---- the VMM ---- */

static int load_state(struct side *side)
{
	const void *buf;
	size_t bytes;
	uint32_t id;

	for (uint32_t i = 0;
	     !sevlm_target_state(side->target, i, &id, &buf, &bytes); i++)
		for (size_t at = 0; at < bytes; at += 256)
			MUST(*((const volatile uint8_t *)buf + at) <= 255);
	return 0;
}

/* only memory that there is */
static const struct memory_region *known(const struct sevlm_region *asked)
{
	for (uint32_t i = 0; i < MEMORY_REGIONS; i++)
		if (memory[i].gpa == asked->gpa &&
		    memory[i].pages == asked->bytes >> PAGE_SHIFT &&
		    memory[i].type == asked->type)
			return &memory[i];
	return NULL;
}

static int change_memory(struct side *side, const struct fuzz_op *op)
{
	struct sevlm_region asked = {.size = sizeof(asked)};
	const struct memory_region *its;

	MUST(!sevlm_target_region(side->target, &asked));
	its = known(&asked);
	/* one that says it did and did not */
	if (fuzz_byte(op, 0) & 1)
		return 0;
	if (!its)
		return -ENOMEM;
	return asked.remove
		       ? sevlm_vm_remove_region(side->vm, its->gpa)
		       : sevlm_vm_add_region(side->vm, its->gpa, asked.bytes,
					     its->hva, its->type);
}

static int answer(struct side *side, const struct fuzz_op *op)
{
	uint8_t note[SEVLM_NOTE_SIZE];
	int ret = sevlm_target_note(side->target, note);

	MUST(ret == (side->want & SEVLM_WANT_PERSIST ? 0 : -EBADFD));
	if (side->want & SEVLM_WANT_STATE)
		return load_state(side);
	if (side->want & SEVLM_WANT_REGION)
		return change_memory(side, op);
	return 0;
}

/* regions belong to the engine */
static void change_region(struct side *side, const struct fuzz_op *op)
{
	const struct memory_region *its = &memory[op->arg % MEMORY_REGIONS];

	if (!(side->want & SEVLM_WANT_REGION) && !side->ended)
		MUST(sevlm_vm_remove_region(side->vm, its->gpa) == -EBADFD);
}

static const struct side_role role = {
	.self = ROLE_TARGET,
	.peer = ROLE_SOURCE,
	.may_want = may_want,
	.answer = answer,
	.region = change_region,
	.check = check,
	.check_end = check_end,
};

/* ---- behind the handshake ---- */

static void begin(struct side *side)
{
	struct sevlm_target *target = side->target;

	target->receive = calloc(1, sizeof(*target->receive));
	MUST(target->receive);
	target->receive->vm = side->vm;
	target->receive->open = true;
	sevlm__pages_allow_blocks(side->vm->pages, memory[0].gpa);
	target->state = TARGET_STREAM;
}

static void open_target(struct side *side, uint8_t mode)
{
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = mode & MODE_OPEN ? SEVLM_CHANNEL_INSECURE
					    : SEVLM_CHANNEL_DECLARED,
		.trust = door_trust(),
		.amd = door_certs(DOOR_OWN)->amd,
		.amd_bytes = door_certs(DOOR_OWN)->amd_bytes,
		.max_state_bytes = mode & MODE_SMALL ? LITTLE : 0,
	};

	side_secrets(config.nonce, config.exporter, ROLE_TARGET);
	MUST(!sevlm_target_new(side->vm, &config, &side->target));
	side->engine = &side->target->engine;
	side_begin(side, &role, mode);
	side_introduced(side);
	begin(side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct side *side;

	if (!size)
		return 0;
	side = side_new(false, SEVLM_GUEST_RUPDATE);
	open_target(side, data[0]);
	side_run(side, data + 1, size - 1);
	side_end(side);
	side_free(side);
	return 0;
}

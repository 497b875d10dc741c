/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The source, from its first round on, and a target that says anything. */
#include <errno.h>

#include "memory.h"
#include "side.h"
#include "source.h"

/* ---- what it may do, and when ---- */

static bool told(const struct side *side, uint32_t type)
{
	return side->told >> type & 1;
}

static bool may_want(const struct side *side, uint32_t want)
{
	switch (want) {
	case SEVLM_WANT_DIRTY:
		return !(side->granted & SEVLM_WANT_PERSIST);
	case SEVLM_WANT_PAUSE:
		return !(side->granted & SEVLM_WANT_PAUSE);
	case SEVLM_WANT_STATE:
		return side->granted & SEVLM_WANT_PAUSE &&
		       !(side->granted & SEVLM_WANT_STATE);
	case SEVLM_WANT_PERSIST:
		return side->granted & SEVLM_WANT_STATE &&
		       wire_had(&side->in, RECORD_PREPARED) &&
		       !(side->granted & SEVLM_WANT_PERSIST);
	case SEVLM_WANT_RESUME:
		/* the guest runs on here only where it never can there */
		return !side->door.finished &&
		       !(side->granted & SEVLM_WANT_RESUME) &&
		       (!(side->granted & SEVLM_WANT_PERSIST) ||
			told(side, RECORD_NEVER));
	}
	return false;
}

static void check(const struct side *side)
{
	MUST(!side->door.finished || told(side, RECORD_STARTED));
	MUST(!wire_had(&side->out, RECORD_COMMIT) ||
	     side->granted & SEVLM_WANT_PERSIST);
}

static void check_end(const struct side *side)
{
	bool decided = side->granted & SEVLM_WANT_PERSIST;
	bool resumed = side->asked & SEVLM_WANT_RESUME;

	switch (side->outcome) {
	case SEVLM_OUTCOME_COMPLETED:
		MUST(told(side, RECORD_STARTED) && !resumed);
		break;
	case SEVLM_OUTCOME_ABORTED:
	case SEVLM_OUTCOME_CANCELLED:
		MUST(resumed);
		break;
	case SEVLM_OUTCOME_IN_DOUBT:
		MUST(decided && !resumed);
		break;
	case SEVLM_OUTCOME_LOST:
		MUST(decided && told(side, RECORD_LOST) && !resumed);
		break;
	default:
		MUST(!"an outcome of no name");
	}
	MUST(!side->door.finished || side->outcome == SEVLM_OUTCOME_COMPLETED);
}

/* ---- the VMM ---- */

/* four bytes each: which page, then 24 bits of the log from there on */
static void tell_dirty(struct side *side, const struct fuzz_op *op)
{
	uint64_t bitmap;

	for (size_t i = 0; i + 3 < op->count; i += 4) {
		bitmap = fuzz_byte(op, i + 1) | fuzz_byte(op, i + 2) << 8 |
			 (uint64_t)fuzz_byte(op, i + 3) << 16;
		MUST(!sevlm_source_dirty(side->source,
					 memory_gpa(fuzz_byte(op, i)), &bitmap,
					 24));
	}
}

/* two bytes each: id, KiB */
static int give_state(struct side *side, const struct fuzz_op *op)
{
	static const uint8_t blob[256 << 10];
	int ret = sevlm_source_state(side->source, 256, blob, 1);

	MUST(!ret);
	for (size_t i = 0; !ret && i + 1 < op->count; i += 2) {
		size_t bytes = (size_t)fuzz_byte(op, i + 1) << 10;

		ret = sevlm_source_state(side->source, fuzz_byte(op, i), blob,
					 bytes);
	}
	return ret;
}

static int answer(struct side *side, const struct fuzz_op *op)
{
	uint8_t note[SEVLM_NOTE_SIZE];
	int ret = sevlm_source_note(side->source, note);

	MUST(ret == (side->want & SEVLM_WANT_PERSIST ? 0 : -EBADFD));
	if (side->want & SEVLM_WANT_DIRTY)
		tell_dirty(side, op);
	if (side->want & SEVLM_WANT_STATE)
		return give_state(side, op);
	return 0;
}

static void hypercall(struct side *side, const struct fuzz_op *op)
{
	uint64_t args[] = {
		memory_gpa(fuzz_byte(op, 0)),
		fuzz_byte(op, 1),
		fuzz_byte(op, 2),
	};
	uint64_t ret;

	MUST(!sevlm_vm_hypercall(side->vm, 12, args, &ret));
}

static void mark_dirty(struct side *side, const struct fuzz_op *op)
{
	MUST(!sevlm_vm_mark_dirty(side->vm, memory_gpa(fuzz_byte(op, 0)) + 1,
				  (uint64_t)fuzz_byte(op, 1) << 9));
}

static void skip(struct side *side, const struct fuzz_op *op)
{
	MUST(!sevlm_vm_skip(side->vm, memory_gpa(fuzz_byte(op, 0)),
			    (uint64_t)fuzz_byte(op, 1) << 12));
}

static void wrmsr(struct side *side, const struct fuzz_op *op)
{
	int ret = sevlm_vm_wrmsr(side->vm, SEVLM_MSR_MIGRATION_CONTROL,
				 fuzz_byte(op, 0) & 1);

	MUST(!ret || ret == -EPERM);
}

static void hang_up(struct side *side, const struct fuzz_op *op)
{
	(void)op;
	MUST(!sevlm_vm_hang_up(side->vm));
}

static void call(struct side *side, const struct fuzz_op *op)
{
	static void (*const calls[])(struct side * side,
				     const struct fuzz_op *op) = {
		hypercall, mark_dirty, skip, wrmsr, hang_up,
	};

	calls[op->arg % ARRAY_SIZE(calls)](side, op);
}

static void change_region(struct side *side, const struct fuzz_op *op)
{
	const struct memory_region *its = &memory[op->arg % MEMORY_REGIONS];

	if (op->arg & 0x80)
		sevlm_source_remove_region(side->source, its->gpa);
	else
		sevlm_source_add_region(side->source, its->gpa,
					(uint64_t)its->pages << 12, its->hva,
					its->type);
}

static const struct side_role role = {
	.self = ROLE_SOURCE,
	.peer = ROLE_TARGET,
	.may_want = may_want,
	.answer = answer,
	.call = call,
	.region = change_region,
	.check = check,
	.check_end = check_end,
};

/* ---- behind the handshake ---- */

static void begin(struct side *side)
{
	struct sevlm_source *source = side->source;

	source->send = calloc(1, sizeof(*source->send));
	MUST(source->send);
	source->send->vm = side->vm;
	source->send->open = true;
	sevlm__pages_allow_blocks(side->vm->pages, memory[0].gpa);
	source->state = SOURCE_HARVEST;
	sevlm__pages_track(side->vm->pages, true);
}

static void open_source(struct side *side, uint8_t mode)
{
	struct sevlm_source_config config = {
		.size = sizeof(config),
		.channel = mode & MODE_OPEN ? SEVLM_CHANNEL_INSECURE
					    : SEVLM_CHANNEL_DECLARED,
		.batch_pages = mode & MODE_SINGLE ? 1 : 16,
		.max_rounds = mode & MODE_SINGLE ? 2 : 8,
		.stop_anyway = !!(mode & MODE_FORCE),
		.trust = door_trust(),
		.amd = door_certs(DOOR_OWN)->amd,
		.amd_bytes = door_certs(DOOR_OWN)->amd_bytes,
	};

	side_secrets(config.nonce, config.exporter, ROLE_SOURCE);
	MUST(!sevlm_vm_offer(side->vm, 0));
	MUST(!sevlm_vm_wrmsr(side->vm, SEVLM_MSR_MIGRATION_CONTROL,
			     SEVLM_MSR_READY));
	MUST(!sevlm_source_new(side->vm, &config, &side->source));
	side->engine = &side->source->engine;
	side_begin(side, &role, mode);
	side_introduced(side);
	begin(side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct side *side;

	if (!size)
		return 0;
	side = side_new(true, SEVLM_GUEST_SUPDATE);
	open_source(side, data[0]);
	side_run(side, data + 1, size - 1);
	side_end(side);
	side_free(side);
	return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The list of shared pages that a patched kernel keeps. Operations (ops.h,
 * with kinds of their own) say what the kernel will answer, and what the VMM
 * asks.
 */
#include <errno.h>

#include <linux/kvm.h>

#include "internal.h"
#include "memory.h"
#include "ops.h"
#include "uapi/kvm_shared_list.h"

/* of an answer, beside the kernel's flags in the lowest bits */
#define ANSWER_MORE 0x08u /* the cursor is not DONE */
#define ANSWER_NEWER 0x10u /* another generation */
#define ANSWER_TOO_MANY 0x20u
#define ANSWER_ERROR 0x40u
#define ANSWER_FULL 0x80u /* as many entries as there is room for */

#define ANSWERS 64u
#define RANGES_MAX 4096u

enum list_kind {
	LIST_ANSWER, /* of the next GET; SET fails as its flags say */
	LIST_SYNC,
	LIST_PUBLISH,
	LIST_USE,
	LIST_CALL,
	LIST_RESET,
	LIST_HANG_UP,
	LIST_KINDS
};

struct range {
	uint64_t first, count;
};

struct kernel {
	struct fuzz_op answers[ANSWERS];
	uint32_t first, count;
	uint64_t generation;
	uint32_t calls;
	/* what the last walk through it was told */
	struct range told[RANGES_MAX];
	uint32_t told_count;
};

static struct kernel kernel;

/* ---- the kernel ---- */

static struct fuzz_op next_answer(void)
{
	const struct fuzz_op nothing = {0};

	if (kernel.first == kernel.count)
		return nothing;
	return kernel.answers[kernel.first++];
}

static void tell(const struct kvm_shared_pages_entry *entry)
{
	if (kernel.told_count < RANGES_MAX)
		kernel.told[kernel.told_count++] =
			(struct range){entry->gfn, entry->npages};
}

/* four bytes each: how far on, how many, flags, pad */
static struct kvm_shared_pages_entry entry_at(const struct fuzz_op *op,
					      size_t at, uint64_t behind)
{
	struct kvm_shared_pages_entry entry = {
		.gfn = behind + fuzz_byte(op, 4 * at),
		.npages = fuzz_byte(op, 4 * at + 1),
		.flags = fuzz_byte(op, 4 * at + 2),
		.pad = fuzz_byte(op, 4 * at + 3),
	};

	if (4 * at >= op->count)
		entry = (struct kvm_shared_pages_entry){behind + 1, 1, 1, 0};
	/* far away, where no chunk is */
	if (fuzz_byte(op, 4 * at) > 250)
		entry.gfn = (1ull << 40) - 2;
	return entry;
}

static int get(struct kvm_shared_pages_list *list)
{
	struct kvm_shared_pages_entry *entries =
		(void *)(uintptr_t)list->entries;
	const struct fuzz_op op = next_answer();
	uint32_t want = (uint32_t)op.count / 4, room = list->nents;
	uint64_t behind = list->cursor;

	MUST(++kernel.calls < 200000);
	if (!list->cursor)
		kernel.told_count = 0;
	if (op.arg & ANSWER_ERROR)
		return fuzz_byte(&op, 0) & 1 ? -ENOTTY : -EAGAIN;
	if (op.arg & ANSWER_FULL || want > room)
		want = room;
	for (uint32_t i = 0; i < want; i++) {
		entries[i] = entry_at(&op, i, behind);
		behind = entries[i].gfn + entries[i].npages;
		tell(&entries[i]);
	}
	kernel.generation += !!(op.arg & ANSWER_NEWER);
	list->flags = op.arg & 7;
	list->nents = op.arg & ANSWER_TOO_MANY ? room + 1 : want;
	list->cursor = op.arg & ANSWER_MORE ? behind : KVM_SHARED_PAGES_DONE;
	list->generation = kernel.generation;
	list->max_ranges = op.arg & KVM_SHARED_PAGES_TORN ? 1 : 1024;
	return 0;
}

/* What is set is in order and without holes in what it says. */
static int set(const struct kvm_shared_pages_list *list)
{
	const struct kvm_shared_pages_entry *entries =
		(const void *)(uintptr_t)list->entries;
	const struct fuzz_op op = next_answer();
	uint64_t least = 0;

	for (uint32_t i = 0; i < list->nents; i++) {
		MUST(entries[i].gfn >= least && entries[i].npages);
		MUST(entries[i].flags == KVM_SHARED_PAGE_SHARED);
		/* neighbours are one */
		least = entries[i].gfn + entries[i].npages + 1;
	}
	if (op.arg & ANSWER_ERROR)
		return fuzz_byte(&op, 0) & 1 ? -EAGAIN : -ENOMEM;
	return list->generation == kernel.generation ? 0 : -EAGAIN;
}

static int vm_door(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	if (request == (uint32_t)KVM_GET_SHARED_PAGES_LIST)
		return get(arg);
	if (request == (uint32_t)KVM_SET_SHARED_PAGES_LIST)
		return set(arg);
	return -ENOTTY;
}

static int sev_door(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	(void)request;
	(void)arg;
	return -ENOTTY;
}

/* ---- the VMM ---- */

static bool told_shared(uint64_t page)
{
	for (uint32_t i = 0; i < kernel.told_count; i++)
		if (page - kernel.told[i].first < kernel.told[i].count)
			return true;
	return false;
}

/* What was taken is what the last walk said, page by page. */
static void check_states(struct sevlm_vm *vm)
{
	uint32_t state;
	uint64_t bytes;

	for (uint32_t i = 0; i < MEMORY_LATER; i++) {
		if (memory[i].type != SEVLM_REGION_TRACKED)
			continue;
		for (uint32_t page = 0; page < memory[i].pages; page++) {
			uint64_t gpa = memory[i].gpa + page * SEVLM_PAGE_SIZE;

			MUST(!sevlm_vm_page_state(vm, gpa, &state, &bytes));
			MUST((state == SEVLM_PAGE_SHARED) ==
			     told_shared(gpa / SEVLM_PAGE_SIZE));
		}
	}
}

static bool in_set(int ret)
{
	return !ret || ret == -EPERM || ret == -ENOTSUP || ret == -ENOBUFS ||
	       ret == -ENOMEM || ret == -EIO;
}

static void sync_states(struct sevlm_vm *vm, uint32_t stopped)
{
	uint32_t before = kernel.calls, bits;
	int ret = sevlm_vm_sync_states(vm, stopped);

	MUST(in_set(ret));
	MUST(!sevlm_vm_control(vm, &bits));
	if (ret == -EPERM || ret == -ENOBUFS)
		MUST(bits & SEVLM_CONTROL_INCOMPLETE);
	if (!ret && kernel.calls > before && vm->states == SEVLM_STATES_LIST)
		check_states(vm);
}

static void hypercall(struct sevlm_vm *vm, const struct fuzz_op *op)
{
	uint64_t args[] = {memory_gpa(fuzz_byte(op, 0)), fuzz_byte(op, 1),
			   fuzz_byte(op, 2)};
	uint64_t ret;

	MUST(!sevlm_vm_hypercall(vm, 12, args, &ret));
}

static void do_op(struct sevlm_vm *vm, const struct fuzz_op *op)
{
	switch (op->kind % LIST_KINDS) {
	case LIST_ANSWER:
		if (kernel.count < ANSWERS)
			kernel.answers[kernel.count++] = *op;
		break;
	case LIST_SYNC:
		sync_states(vm, op->arg & 1);
		break;
	case LIST_PUBLISH:
		MUST(in_set(sevlm_vm_publish_states(vm)));
		break;
	case LIST_USE:
		MUST(in_set(sevlm_vm_use_states(vm, op->arg % 3 + 1)));
		break;
	case LIST_CALL:
		hypercall(vm, op);
		break;
	case LIST_RESET:
		MUST(in_set(sevlm_vm_reset(vm)));
		break;
	case LIST_HANG_UP:
		MUST(!sevlm_vm_hang_up(vm));
		break;
	}
}

static struct sevlm_vm *new_vm(void)
{
	static const struct sevlm_kernel_ops ops = {
		.size = sizeof(ops),
		.vm = vm_door,
		.sev = sev_door,
	};
	const struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = -1,
		.sev_fd = -1,
		.kvm_fd = -1,
		.ops = &ops,
	};
	struct sevlm_vm *vm;

	MUST(!sevlm_vm_new(&config, &vm));
	memory_register(vm);
	MUST(!sevlm_vm_offer(vm, 0));
	return vm;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data + 1, size ? size - 1 : 0};
	struct sevlm_vm *vm;
	struct fuzz_op op;

	if (!size)
		return 0;
	kernel.first = kernel.count = kernel.calls = kernel.told_count = 0;
	kernel.generation = 1;
	memory_reset(true);
	vm = new_vm();
	sevlm_vm_use_states(vm, data[0] % 3 + 1);
	while (fuzz_next(&input, &op))
		do_op(vm, &op);
	sevlm_vm_free(vm);
	return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The page states that a patched kernel keeps: fetched, compared, handed
 * over. What the kernel answers is checked like any other input. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define ROOM 170u		/* entries per call: a page of stack */
#define PASSES 8u		/* until one is whole */
#define TRIES 8u		/* of a SET */
#define LIMIT (1ull << (52 - PAGE_SHIFT))
/* what a list can have at most, twice over because it may grow under way */
#define CALLS (2u * (1u << 20) / ROOM)
#define ENTRIES_MAX (1u << 20)

/* one walk through the kernel's list; positions are page numbers */
struct pass {
	struct sevlm_vm *vm;
	int (*take)(struct pass *pass, uint64_t first, uint64_t end,
		    bool shared);
	struct sevlm__list list;
	uint64_t at;		/* what lies before is taken */
	uint64_t generation;
	uint32_t calls;
	bool torn;
	bool overflow;		/* of ranges outside of RAM */
	uint64_t differs;	/* the first page that does */
};

static bool from_list(const struct sevlm_vm *vm)
{
	return vm->states == SEVLM_STATES_LIST;
}

static bool with_list(const struct sevlm_vm *vm)
{
	return from_list(vm) || vm->states == SEVLM_STATES_COMPARE;
}

static int nonsense(struct pass *pass, const char *what)
{
	return sevlm__fail(&pass->vm->error, -EIO,
			   "the kernel's list of shared pages %s", what);
}

/* ---- what is done with a run ---- */

static int apply(struct pass *pass, uint64_t first, uint64_t end, bool shared)
{
	int ret = sevlm__pages_set(pass->vm->pages, first << PAGE_SHIFT,
				   end - first, shared);

	if (ret == -ENOBUFS)
		pass->overflow = true;
	return ret == -ENOBUFS ? 0 : ret;
}

static int ignore(struct pass *pass, uint64_t first, uint64_t end, bool shared)
{
	(void)pass;
	(void)first;
	(void)end;
	(void)shared;
	return 0;
}

static uint32_t shared_head(const struct sevlm__span *span)
{
	uint32_t n = 0;

	if (span->all)
		return span->pages;
	while (n < span->pages && span->bitmap[n / 64] >> n % 64 & 1)
		n++;
	return n;
}

/* the next run of shared pages in our own set, from page *at on */
static bool own_run(struct sevlm_vm *vm, uint64_t *at, uint64_t *ret_end)
{
	uint64_t cursor = *at << PAGE_SHIFT, first = LIMIT, end = LIMIT;
	struct sevlm__span span;

	while (sevlm__pages_span(vm->pages, &cursor, &span)) {
		if (first == LIMIT)
			first = end = span.gpa >> PAGE_SHIFT;
		if (span.gpa >> PAGE_SHIFT != end)
			break;
		end += shared_head(&span);
		if (end << PAGE_SHIFT != cursor)
			break;
	}
	*at = first;
	*ret_end = end;
	return first != LIMIT;
}

static int compare(struct pass *pass, uint64_t first, uint64_t end, bool shared)
{
	uint64_t at = first, own_end;
	bool any;

	if (pass->differs != LIMIT)
		return 0;
	any = own_run(pass->vm, &at, &own_end);
	if (!shared)
		pass->differs = any && at < end ? at : LIMIT;
	else if (!any || at != first)
		pass->differs = first;
	else if (own_end < end)
		pass->differs = own_end;
	return 0;
}

/* ---- a pass ---- */

static bool valid_entry(const struct sevlm__list_entry *entry, uint64_t least)
{
	return entry->first >= least && entry->first < LIMIT && entry->count &&
	       entry->count <= LIMIT - entry->first && entry->flags == 1 &&
	       !entry->pad;
}

/* All of an answer is looked at before any of it is believed. */
static int check(struct pass *pass, uint64_t asked)
{
	const uint32_t known = SEVLM__LIST_READY | SEVLM__LIST_INCOMPLETE |
			       SEVLM__LIST_TORN;
	const struct sevlm__list *list = &pass->list;
	uint64_t least = asked;

	if (list->filled > list->room || list->flags & ~known)
		return nonsense(pass, "has an answer that is malformed");
	for (uint32_t i = 0; i < list->filled; i++) {
		const struct sevlm__list_entry *entry = &list->entries[i];

		if (!valid_entry(entry, least))
			return nonsense(pass, "is not in order");
		least = entry->first + entry->count;
	}
	if (list->cursor == SEVLM__LIST_DONE)
		return 0;
	/* room that was left, or a cursor that stays: it would never end */
	if (list->filled < list->room || list->cursor < least ||
	    list->cursor > LIMIT || ++pass->calls > CALLS)
		return nonsense(pass, "does not end");
	return 0;
}

static int take_entries(struct pass *pass)
{
	const struct sevlm__list *list = &pass->list;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < list->filled; i++) {
		uint64_t first = list->entries[i].first;
		uint64_t end = first + list->entries[i].count;

		if (first > pass->at)
			ret = pass->take(pass, pass->at, first, false);
		if (!ret)
			ret = pass->take(pass, first, end, true);
		pass->at = end;
	}
	return ret;
}

static int one_call(struct pass *pass)
{
	struct sevlm__list *list = &pass->list;
	uint64_t asked = list->cursor;
	bool begins = !asked;
	int ret = sevlm__kernel_list_get(&pass->vm->kernel, &pass->vm->error,
					 list);

	if (!ret)
		ret = check(pass, asked);
	if (ret)
		return ret;
	if (begins)
		pass->generation = list->generation;
	if (list->flags & SEVLM__LIST_TORN ||
	    list->generation != pass->generation)
		pass->torn = true;
	return take_entries(pass);
}

static int run_pass(struct pass *pass)
{
	struct sevlm__list_entry entries[ROOM];
	int ret;

	pass->list = (struct sevlm__list){ .entries = entries, .room = ROOM };
	pass->at = 0;
	pass->torn = pass->overflow = false;
	pass->differs = LIMIT;
	do {
		ret = one_call(pass);
	} while (!ret && pass->list.cursor != SEVLM__LIST_DONE);
	if (!ret && pass->at < LIMIT)
		ret = pass->take(pass, pass->at, LIMIT, false);
	pass->list.entries = NULL;
	return ret;
}

/* The old ranges outside of RAM and the new ones may not fit together though
 * either would: they are taken out, and the next pass puts them in. */
static int make_room(struct pass *pass)
{
	int ret = sevlm__pages_set(pass->vm->pages, 0, LIMIT, false);

	if (!ret)
		ret = run_pass(pass);
	if (!ret && pass->overflow)
		ret = -ENOBUFS;
	if (ret != -ENOBUFS)
		return ret;
	sevlm__control_lost(pass->vm);
	return sevlm__fail(&pass->vm->error, ret,
			   "the kernel's list has more shared ranges outside "
			   "of RAM than fit");
}

/*
 * A pass that the guest changed under way is true page by page, and what it
 * missed the next one finds: it will do while the guest runs. Where the guest
 * stands nothing may change.
 */
static int fetch(struct pass *pass, bool stopped)
{
	int ret = 0;

	pass->calls = 0;
	for (uint32_t i = 0; i < PASSES; i++) {
		ret = run_pass(pass);
		if (!ret && pass->overflow)
			ret = make_room(pass);
		if (ret || !pass->torn)
			return ret;
	}
	return stopped ? nonsense(pass, "changes though the guest stands") : 0;
}

/* ---- the calls ---- */

static int differ(struct pass *pass)
{
	sevlm__control_lost(pass->vm);
	return sevlm__fail(&pass->vm->error, -EPERM,
			   "the kernel's list and what the guest announced by "
			   "exits differ, first at 0x%llx",
			   (unsigned long long)pass->differs << PAGE_SHIFT);
}

static int sync_states(struct sevlm_vm *vm, bool stopped)
{
	struct pass pass = { .vm = vm, .take = apply };
	int ret;

	if (!from_list(vm))
		pass.take = stopped ? compare : ignore;
	ret = fetch(&pass, stopped);
	if (ret)
		return ret;
	if (pass.list.flags & SEVLM__LIST_INCOMPLETE)
		sevlm__control_lost(vm);
	if (from_list(vm))
		sevlm__control_ready(vm, pass.list.flags & SEVLM__LIST_READY);
	return pass.differs == LIMIT ? 0 : differ(&pass);
}

/* After a hang-up the kernel keeps no list that could be asked for. */
static bool silent(struct sevlm_vm *vm)
{
	return !with_list(vm) ||
	       atomic_load(&vm->control) & SEVLM_CONTROL_HUNG_UP;
}

SEVLM_API int sevlm_vm_sync_states(struct sevlm_vm *vm, uint32_t stopped)
{
	if (!vm || stopped > 1)
		return -EINVAL;
	return silent(vm) ? 0 : sync_states(vm, stopped);
}

SEVLM_API int sevlm_vm_use_states(struct sevlm_vm *vm, uint32_t states)
{
	const bool any = states == SEVLM_STATES_ANY;
	struct pass pass = { .vm = vm, .take = ignore };
	int ret = 0;

	if (!vm || states < SEVLM_STATES_EXITS || states > SEVLM_STATES_ANY)
		return -EINVAL;
	if (vm->engaged)
		return sevlm__fail(&vm->error, -EBADFD,
				   "an engine runs: page states come from "
				   "where they came before");
	if (states != SEVLM_STATES_EXITS)
		ret = fetch(&pass, false);
	if (any)
		states = ret ? SEVLM_STATES_EXITS : SEVLM_STATES_LIST;
	if (any && ret == -ENOTSUP)
		ret = 0;
	if (!ret)
		vm->states = states;
	return ret;
}

SEVLM_API int sevlm_vm_states(const struct sevlm_vm *vm, uint32_t *ret_states)
{
	if (!vm || !ret_states)
		return -EINVAL;
	*ret_states = vm->states;
	return 0;
}

/* ---- handing over ---- */

static uint32_t count_runs(struct sevlm_vm *vm)
{
	uint64_t at = 0, end;
	uint32_t count = 0;

	for (; count <= ENTRIES_MAX && own_run(vm, &at, &end); at = end)
		count++;
	return count;
}

static void fill(struct sevlm_vm *vm, struct sevlm__list *list)
{
	uint64_t at = 0, end;
	uint32_t i = 0;

	for (; i < list->room && own_run(vm, &at, &end); at = end)
		list->entries[i++] = (struct sevlm__list_entry){
			.first = at,
			.count = end - at,
			.flags = 1,
		};
	list->room = i;
}

/* The generation is the one that was seen; another one was not ours. */
static int set(struct sevlm_vm *vm, struct sevlm__list *list)
{
	struct sevlm__list now;
	int ret = -EAGAIN;

	for (uint32_t i = 0; ret == -EAGAIN && i < TRIES; i++) {
		now = (struct sevlm__list){ .cursor = 0 };
		ret = sevlm__kernel_list_get(&vm->kernel, &vm->error, &now);
		if (!ret && list->room > now.max_ranges)
			ret = sevlm__fail(&vm->error, -ENOBUFS,
					  "%u shared ranges do not fit into "
					  "the kernel's list, which takes %llu",
					  list->room,
					  (unsigned long long)now.max_ranges);
		list->generation = now.generation;
		if (!ret)
			ret = sevlm__kernel_list_set(&vm->kernel, &vm->error,
						     list);
	}
	return ret == -EAGAIN ?
		       sevlm__fail(&vm->error, -EIO,
				   "the kernel's list of shared pages changes "
				   "while it is set") :
		       ret;
}

static int publish(struct sevlm_vm *vm)
{
	struct sevlm__list list = { .room = count_runs(vm) };
	int ret;

	if (list.room > ENTRIES_MAX)
		return sevlm__fail(&vm->error, -ENOBUFS,
				   "more shared ranges than any kernel takes");
	list.entries = calloc(list.room + 1, sizeof(*list.entries));
	if (!list.entries)
		return -ENOMEM;
	fill(vm, &list);
	if (atomic_load(&vm->control) & SEVLM_CONTROL_READY)
		list.flags = SEVLM__LIST_READY;
	ret = set(vm, &list);
	free(list.entries);
	return ret;
}

SEVLM_API int sevlm_vm_publish_states(struct sevlm_vm *vm)
{
	if (!vm)
		return -EINVAL;
	return silent(vm) ? 0 : publish(vm);
}

/* also after a hang-up, which the reset ends */
int sevlm__list_reset(struct sevlm_vm *vm)
{
	struct sevlm__list nothing = { .room = 0 };

	return with_list(vm) ? set(vm, &nothing) : 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"
#include "list.h"

#define ALL (KVM_SHARED_LIST_TRACK | KVM_SHARED_LIST_MSR)
#define RANGES_DEFAULT 32768u
#define RANGES_MAX 1048576u
#define GFN_LIMIT (1ull << 40)
/* entries that KVM copies with its lock held */
#define PART 170u

/* uapi, linux/kvm_para.h */
#define HC_MAP_GPA_RANGE 12
#define ANSWER_ENOSYS (0ull - 1000)
#define ANSWER_EINVAL (0ull - 22)
#define ANSWER_E2BIG (0ull - 7)
#define ENCRYPTED 0x10ull
#define KNOWN_ATTRIBUTES 0x1full
#define PAGE_SIZE_MAX 2u
/* uapi, linux/kvm.h: reasons of KVM_CAP_X86_USER_SPACE_MSR */
#define MSR_UNKNOWN (1u << 1)
#define MSR_FILTER (1u << 2)

int sim_list_new(bool patched, bool offered, struct sim_list **ret)
{
	struct sim_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	if (pthread_mutex_init(&list->lock, NULL)) {
		free(list);
		return -ENOMEM;
	}
	list->patched = patched;
	list->offered = offered;
	/* a VMM of a stock kernel that says nothing wants every exit */
	list->exit_hypercall = patched ? 0 : 1ull << HC_MAP_GPA_RANGE;
	list->exit_msr = patched ? 0 : MSR_FILTER;
	*ret = list;
	return 0;
}

void sim_list_free(struct sim_list *list)
{
	if (!list)
		return;
	sim_gfns_clear(&list->gfns);
	pthread_mutex_destroy(&list->lock);
	free(list);
}

/* ---- the capability ---- */

int sim_list_extension(bool patched)
{
	return patched ? ALL : 0;
}

void sim_list_exits(struct sim_list *list, uint32_t cap, uint64_t mask)
{
	pthread_mutex_lock(&list->lock);
	if (cap == KVM_CAP_EXIT_HYPERCALL)
		list->exit_hypercall = mask;
	else
		list->exit_msr = mask;
	pthread_mutex_unlock(&list->lock);
}

static bool tracks(const struct sim_list *list)
{
	return list->enabled & KVM_SHARED_LIST_TRACK;
}

/* What a guest said before nobody has heard. */
static void begin(struct sim_list *list, bool has_vcpus)
{
	list->incomplete = list->tracked || has_vcpus;
	list->tracked = true;
	list->epoch++;
	list->generation++;
}

static void hang_up(struct sim_list *list)
{
	sim_gfns_clear(&list->gfns);
	list->ready = false;
	list->epoch++;
	list->generation++;
}

static void enable(struct sim_list *list, uint32_t mask, bool has_vcpus)
{
	if (tracks(list) && !(mask & KVM_SHARED_LIST_TRACK))
		hang_up(list);
	if (!tracks(list) && mask & KVM_SHARED_LIST_TRACK)
		begin(list, has_vcpus);
	if (list->enabled & KVM_SHARED_LIST_MSR)
		list->hung_up = true;
	if (mask & KVM_SHARED_LIST_MSR)
		list->hung_up = false;
	if (list->hung_up)
		list->ready = false;
	list->enabled = mask;
}

int sim_list_enable(struct sim_list *list, const struct kvm_enable_cap *cap,
		    bool has_vcpus)
{
	uint64_t max = cap->args[1] ? cap->args[1] : RANGES_DEFAULT;
	int error = 0;

	if (!list->patched || cap->args[0] & ~(uint64_t)ALL || cap->args[2] ||
	    cap->args[3] || max > RANGES_MAX)
		return -EINVAL;
	pthread_mutex_lock(&list->lock);
	if (tracks(list) && cap->args[0] && max < list->gfns.count)
		error = -EINVAL;
	if (!error) {
		enable(list, (uint32_t)cap->args[0], has_vcpus);
		list->gfns.max = max;
	}
	pthread_mutex_unlock(&list->lock);
	return error;
}

/* ---- GET ---- */

static uint32_t flags_of(const struct sim_list *list)
{
	return (list->ready ? KVM_SHARED_PAGES_READY : 0) |
	       (list->incomplete ? KVM_SHARED_PAGES_INCOMPLETE : 0);
}

static bool reserved_clear(const struct kvm_shared_pages_list *data)
{
	return !data->reserved[0] && !data->reserved[1];
}

/* up to count entries from the cursor on, clipped to it */
static uint32_t copy_part(const struct sim_list *list, __u64 *cursor,
			  struct kvm_shared_pages_entry *to, uint32_t count)
{
	const struct sim_gfns *gfns = &list->gfns;
	uint64_t i = sim_gfns_seek(gfns, *cursor), first;
	uint32_t n = 0;

	for (; i < gfns->count && n < count; i++, n++) {
		first = gfns->at[i].first;
		first = first > *cursor ? first : *cursor;
		to[n] = (struct kvm_shared_pages_entry){
			.gfn = first,
			.npages = gfns->at[i].end - first,
			.flags = KVM_SHARED_PAGE_SHARED,
		};
	}
	if (n)
		*cursor = to[n - 1].gfn + to[n - 1].npages;
	if (i == gfns->count)
		*cursor = KVM_SHARED_PAGES_DONE;
	return n;
}

/* One part with the lock held; the guest may get in between two. */
static int get_part(struct sim_list *list, struct kvm_shared_pages_list *data,
		    uint32_t room, uint32_t *torn)
{
	struct kvm_shared_pages_entry *to =
		(void *)(uintptr_t)data->entries;
	uint32_t count = room - data->nents < PART ? room - data->nents : PART;

	pthread_mutex_lock(&list->lock);
	if (!tracks(list)) {
		pthread_mutex_unlock(&list->lock);
		return -ENOTTY;
	}
	if (data->nents && data->generation != list->generation)
		*torn = KVM_SHARED_PAGES_TORN;
	data->nents += copy_part(list, &data->cursor, to + data->nents, count);
	data->flags = flags_of(list) | *torn;
	data->generation = list->generation;
	data->total = list->gfns.count;
	data->max_ranges = list->gfns.max;
	pthread_mutex_unlock(&list->lock);
	return 0;
}

int sim_list_get(struct sim_list *list, struct kvm_shared_pages_list *data)
{
	struct kvm_shared_pages_list out = *data;
	uint32_t torn = 0;
	int error;

	if (!list->patched)
		return -ENOTTY;
	if (data->flags || !reserved_clear(data))
		return -EINVAL;
	if (data->nents && !data->entries)
		return -EFAULT;
	out.nents = 0;
	do {
		if (out.nents && list->between)
			list->between(list);
		error = get_part(list, &out, data->nents, &torn);
	} while (!error && out.nents < data->nents &&
		 out.cursor != KVM_SHARED_PAGES_DONE);
	if (!error)
		*data = out;
	return error;
}

/* ---- SET ---- */

static bool good_entry(const struct kvm_shared_pages_entry *entry,
		       uint64_t least)
{
	return entry->flags == KVM_SHARED_PAGE_SHARED && !entry->pad &&
	       entry->npages && entry->gfn >= least && entry->gfn < GFN_LIMIT &&
	       entry->npages <= GFN_LIMIT - entry->gfn;
}

static int build(const struct kvm_shared_pages_list *data,
		 struct sim_gfns *gfns)
{
	const struct kvm_shared_pages_entry *entry =
		(const void *)(uintptr_t)data->entries;
	uint64_t least = 0;
	int error;

	for (uint32_t i = 0; i < data->nents; i++, entry++) {
		if (!good_entry(entry, least))
			return -EINVAL;
		least = entry->gfn + entry->npages;
		error = sim_gfns_assign(gfns, entry->gfn, least, true);
		if (error < 0)
			return error;
	}
	return 0;
}

/* An empty list without consent is a VM reset; other than by that a guest
 * that has run has said what nobody can tell again, and what it asked still
 * waits for its answer. */
static void swap(struct sim_list *list, struct sim_gfns *gfns,
		 const struct kvm_shared_pages_list *data)
{
	struct sim_gfns old = list->gfns;

	if (!list->ran || (!data->nents && !data->flags)) {
		list->incomplete = false;
		list->epoch++;
	}
	list->gfns = *gfns;
	*gfns = old;
	list->ready = data->flags & KVM_SHARED_PAGES_READY;
	list->generation++;
}

static int try_swap(struct sim_list *list, struct sim_gfns *gfns,
		    struct kvm_shared_pages_list *data)
{
	int error = 0;

	pthread_mutex_lock(&list->lock);
	if (!tracks(list))
		error = -ENOTTY;
	else if (gfns->count > list->gfns.max)
		error = -E2BIG;
	else if (data->generation != list->generation)
		error = -EAGAIN;
	if (!error) {
		gfns->max = list->gfns.max;
		swap(list, gfns, data);
		data->generation = list->generation;
	}
	pthread_mutex_unlock(&list->lock);
	return error;
}

int sim_list_set(struct sim_list *list, struct kvm_shared_pages_list *data)
{
	struct sim_gfns gfns = {.max = RANGES_MAX};
	int error;

	if (!list->patched)
		return -ENOTTY;
	if (data->flags & ~(uint32_t)KVM_SHARED_PAGES_READY || data->cursor ||
	    !reserved_clear(data))
		return -EINVAL;
	if (data->nents && !data->entries)
		return -EFAULT;
	error = build(data, &gfns);
	if (!error)
		error = try_swap(list, &gfns, data);
	sim_gfns_clear(&gfns);
	return error;
}

/* ---- the guest ---- */

/* of every kernel */
static bool stock_range(const uint64_t *args)
{
	return args[0] % SIM_PAGE == 0 && args[1] &&
	       args[1] <= (UINT64_MAX - args[0]) / SIM_PAGE;
}

static bool strict_range(const uint64_t *args)
{
	uint64_t gfn = args[0] / SIM_PAGE;

	return stock_range(args) && gfn < GFN_LIMIT &&
	       args[1] <= GFN_LIMIT - gfn && !(args[2] & ~KNOWN_ATTRIBUTES) &&
	       (args[2] & (ENCRYPTED - 1)) <= PAGE_SIZE_MAX;
}

/* Linux ignores the answer: whatever is refused is lost for good. */
static uint64_t commit(struct sim_list *list, uint64_t first, uint64_t end,
		       bool shared)
{
	int changed = sim_gfns_assign(&list->gfns, first, end, shared);

	if (changed < 0)
		list->incomplete = true;
	if (changed > 0)
		list->generation++;
	return changed < 0 ? ANSWER_E2BIG : 0;
}

static bool tracked_call(struct sim_list *list, const uint64_t *args,
			 uint64_t *ret)
{
	uint64_t first = args[0] / SIM_PAGE, end = first + args[1];
	bool shared = !(args[2] & ENCRYPTED);

	*ret = ANSWER_EINVAL;
	if (!strict_range(args)) {
		list->incomplete = true;
		return true;
	}
	if (!list->exit_hypercall) {
		*ret = commit(list, first, end, shared);
		return true;
	}
	list->asked.waits = true;
	list->asked.shared = shared;
	list->asked.epoch = list->epoch;
	list->asked.first = first;
	list->asked.end = end;
	return false;
}

static bool call(struct sim_list *list, const uint64_t *args, uint64_t *ret)
{
	*ret = ANSWER_ENOSYS;
	if (tracks(list) && list->offered)
		return tracked_call(list, args, ret);
	if (tracks(list) || !list->exit_hypercall)
		return true;
	*ret = ANSWER_EINVAL;
	return !stock_range(args);
}

bool sim_list_hypercall(struct sim_list *list, uint64_t nr,
			const uint64_t *args, uint64_t *ret)
{
	bool answered = true;

	*ret = ANSWER_ENOSYS;
	if (nr != HC_MAP_GPA_RANGE)
		return true;
	pthread_mutex_lock(&list->lock);
	answered = call(list, args, ret);
	pthread_mutex_unlock(&list->lock);
	return answered;
}

/* Who has the MSR? The filter comes first, then KVM, then nobody. Putting the
 * reason FILTER on stands for a filter with the MSR in it. */
static bool msr_exits(const struct sim_list *list)
{
	if (list->exit_msr & MSR_FILTER)
		return true;
	return !(list->enabled & KVM_SHARED_LIST_MSR) && !list->hung_up &&
	       list->exit_msr & MSR_UNKNOWN;
}

static bool msr_there(const struct sim_list *list)
{
	return list->offered &&
	       (list->enabled & KVM_SHARED_LIST_MSR || list->hung_up);
}

bool sim_list_rdmsr(struct sim_list *list, uint64_t *value, bool *ret)
{
	bool answered;

	pthread_mutex_lock(&list->lock);
	answered = !msr_exits(list);
	*ret = !msr_there(list);
	*value = list->ready ? SEVLM_MSR_READY : 0;
	pthread_mutex_unlock(&list->lock);
	return answered;
}

bool sim_list_wrmsr(struct sim_list *list, uint64_t value, bool *ret)
{
	bool answered;

	pthread_mutex_lock(&list->lock);
	answered = !msr_exits(list);
	*ret = !msr_there(list) || value & ~(uint64_t)SEVLM_MSR_READY ||
	       (value && list->hung_up);
	if (answered && !*ret)
		list->ready = value;
	pthread_mutex_unlock(&list->lock);
	return answered;
}

bool sim_list_answers(struct sim_list *list, const struct sevlm_sim_exit *exit,
		      uint64_t *ret)
{
	bool answered, fault;

	if (exit->reason == SEVLM_SIM_EXIT_HYPERCALL)
		return sim_list_hypercall(list, exit->nr, exit->args, ret);
	if (exit->reason != SEVLM_SIM_EXIT_WRMSR)
		return false;
	answered = sim_list_wrmsr(list, exit->data, &fault);
	*ret = fault;
	return answered;
}

void sim_list_answered(struct sim_list *list, uint64_t value)
{
	pthread_mutex_lock(&list->lock);
	if (list->asked.waits && list->asked.epoch == list->epoch) {
		if (value)
			list->incomplete = true;
		else
			commit(list, list->asked.first, list->asked.end,
			       list->asked.shared);
	}
	list->asked.waits = false;
	pthread_mutex_unlock(&list->lock);
}

void sim_list_run(struct sim_list *list)
{
	pthread_mutex_lock(&list->lock);
	list->ran = true;
	pthread_mutex_unlock(&list->lock);
}

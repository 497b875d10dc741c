/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "internal.h"

/* Linux, Documentation/virt/kvm/x86/hypercalls.rst: KVM_HC_MAP_GPA_RANGE,
 * and uapi linux/kvm_para.h for the answers. */
#define HC_MAP_GPA_RANGE 12
#define MAP_PAGE_SIZE_MASK 0xfull
#define MAP_PAGE_SIZE_MAX 2
#define MAP_ENCRYPTED (1ull << 4)
#define MAP_KNOWN (MAP_PAGE_SIZE_MASK | MAP_ENCRYPTED)
#define ANSWER_ENOSYS (0ull - 1000)
#define ANSWER_EINVAL (0ull - 22)

#define GPA_LIMIT (1ull << 52)

#define CONTROL_PUBLIC                                                        \
	(SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY |                        \
	 SEVLM_CONTROL_INCOMPLETE | SEVLM_CONTROL_HUNG_UP)
#define CONTROL_TRAVELS (SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY)

static bool listening(uint32_t control)
{
	return (control & (SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_HUNG_UP)) ==
	       SEVLM_CONTROL_OFFERED;
}

SEVLM_API int sevlm_vm_offer(struct sevlm_vm *vm, uint32_t policy)
{
	uint32_t control;

	if (!vm)
		return -EINVAL;
	if (sevlm__policy_check(&vm->error, policy))
		return -EPERM;
	control = atomic_load(&vm->control);
	if (control & (SEVLM__CONTROL_SPOKE | SEVLM_CONTROL_HUNG_UP))
		return sevlm__fail(&vm->error, -EBADFD,
				   "the guest runs already: too late to offer");
	atomic_fetch_or(&vm->control, SEVLM_CONTROL_OFFERED);
	return 0;
}

/* One exchange, so that READY cannot slip in behind the hang-up. */
static void change(struct sevlm_vm *vm, uint32_t clear, uint32_t set)
{
	uint32_t old = atomic_load(&vm->control);

	while (!atomic_compare_exchange_weak(&vm->control, &old,
					     (old & ~clear) | set))
		;
}

SEVLM_API int sevlm_vm_hang_up(struct sevlm_vm *vm)
{
	if (!vm)
		return -EINVAL;
	change(vm, SEVLM_CONTROL_READY, SEVLM_CONTROL_HUNG_UP);
	return 0;
}

SEVLM_API int sevlm_vm_reset(struct sevlm_vm *vm)
{
	int ret;

	if (!vm)
		return -EINVAL;
	if (vm->engaged)
		return sevlm__fail(&vm->error, -EBADFD,
				   "an engine runs: end it before the reset");
	ret = sevlm__list_reset(vm);
	if (ret)
		return ret;
	sevlm__pages_reset(vm->pages);
	change(vm,
	       SEVLM__CONTROL_SPOKE | SEVLM__CONTROL_WITHDRAWN |
		       SEVLM_CONTROL_READY | SEVLM_CONTROL_INCOMPLETE |
		       SEVLM_CONTROL_HUNG_UP,
	       0);
	return 0;
}

static bool valid_range(uint64_t gpa, uint64_t count, uint64_t attributes)
{
	return !(gpa % PAGE_SIZE) && count && !(attributes & ~MAP_KNOWN) &&
	       (attributes & MAP_PAGE_SIZE_MASK) <= MAP_PAGE_SIZE_MAX &&
	       gpa < GPA_LIMIT && count <= (GPA_LIMIT - gpa) >> PAGE_SHIFT;
}

/* Linux ignores the answer: what is refused here is lost for good. */
static uint64_t map_gpa_range(struct sevlm_vm *vm, const uint64_t *args)
{
	bool shared = !(args[2] & MAP_ENCRYPTED);

	if (!valid_range(args[0], args[1], args[2]) ||
	    sevlm__pages_set(vm->pages, args[0], args[1], shared)) {
		sevlm__control_lost(vm);
		return ANSWER_EINVAL;
	}
	return 0;
}

SEVLM_API int sevlm_vm_hypercall(struct sevlm_vm *vm, uint64_t nr,
				 const uint64_t *args, uint64_t *ret_ret)
{
	if (!ret_ret)
		return -EINVAL;
	*ret_ret = ANSWER_ENOSYS;
	if (!vm || !args)
		return -EINVAL;
	if (nr != HC_MAP_GPA_RANGE)
		return -ENOTSUP;
	change(vm, 0, SEVLM__CONTROL_SPOKE);
	if (listening(atomic_load(&vm->control)))
		*ret_ret = map_gpa_range(vm, args);
	return 0;
}

SEVLM_API int sevlm_vm_rdmsr(struct sevlm_vm *vm, uint32_t index,
			     uint64_t *ret_value)
{
	uint32_t control;

	if (!ret_value)
		return -EINVAL;
	*ret_value = 0;
	if (!vm)
		return -EINVAL;
	if (index != SEVLM_MSR_MIGRATION_CONTROL)
		return -ENOTSUP;
	change(vm, 0, SEVLM__CONTROL_SPOKE);
	control = atomic_load(&vm->control);
	if (!(control & SEVLM_CONTROL_OFFERED))
		return -EPERM;
	*ret_value = control & SEVLM_CONTROL_READY ? SEVLM_MSR_READY : 0;
	return 0;
}

static uint32_t written(uint32_t control, uint64_t value)
{
	if (value)
		return (control | SEVLM_CONTROL_READY) &
		       ~SEVLM__CONTROL_WITHDRAWN;
	if (control & SEVLM_CONTROL_READY)
		control |= SEVLM__CONTROL_WITHDRAWN;
	return control & ~SEVLM_CONTROL_READY;
}

SEVLM_API int sevlm_vm_wrmsr(struct sevlm_vm *vm, uint32_t index,
			     uint64_t value)
{
	uint32_t old, new;

	if (!vm)
		return -EINVAL;
	if (index != SEVLM_MSR_MIGRATION_CONTROL)
		return -ENOTSUP;
	change(vm, 0, SEVLM__CONTROL_SPOKE);
	if (value & ~(uint64_t)SEVLM_MSR_READY)
		return -EPERM;
	old = atomic_load(&vm->control);
	do {
		if (!(old & SEVLM_CONTROL_OFFERED) ||
		    (value && (old & SEVLM_CONTROL_HUNG_UP)))
			return -EPERM;
		new = written(old, value);
	} while (!atomic_compare_exchange_weak(&vm->control, &old, new));
	return 0;
}

SEVLM_API int sevlm_vm_control(struct sevlm_vm *vm, uint32_t *ret_bits)
{
	if (!vm || !ret_bits)
		return -EINVAL;
	*ret_bits = atomic_load(&vm->control) & CONTROL_PUBLIC;
	return 0;
}

void sevlm__control_import(struct sevlm_vm *vm, uint32_t bits)
{
	uint32_t old = atomic_load(&vm->control), new;

	do {
		new = bits & CONTROL_TRAVELS;
		if (old & SEVLM_CONTROL_HUNG_UP)
			new = (new & ~SEVLM_CONTROL_READY) |
			      SEVLM_CONTROL_HUNG_UP;
	} while (!atomic_compare_exchange_weak(&vm->control, &old, new));
}

SEVLM_API int sevlm_vm_import_control(struct sevlm_vm *vm, uint32_t bits)
{
	if (!vm || bits & ~CONTROL_TRAVELS)
		return -EINVAL;
	if (vm->engaged)
		return sevlm__fail(&vm->error, -EBADFD,
				   "an engine runs: it takes the guest's "
				   "consent over by itself");
	sevlm__control_import(vm, bits);
	return 0;
}

void sevlm__control_ready(struct sevlm_vm *vm, bool ready)
{
	uint32_t old = atomic_load(&vm->control), new;

	do {
		if (!listening(old))
			return;
		new = written(old, ready);
	} while (!atomic_compare_exchange_weak(&vm->control, &old, new));
}

void sevlm__control_lost(struct sevlm_vm *vm)
{
	change(vm, 0, SEVLM_CONTROL_INCOMPLETE);
}

int sevlm__control_check(struct sevlm__error *error, uint32_t control)
{
	const char *why = NULL;

	if (!(control & SEVLM_CONTROL_OFFERED))
		why = "live migration was not offered to the guest";
	else if (control & SEVLM_CONTROL_HUNG_UP)
		why = "the guest was told to hang up";
	else if (control & SEVLM_CONTROL_INCOMPLETE)
		why = "a page state change of the guest was lost";
	else if (!(control & SEVLM_CONTROL_READY))
		why = "the guest is not ready: it has not said that it "
		      "announces its page states";
	return why ? sevlm__fail(error, -EPERM, "%s", why) : 0;
}

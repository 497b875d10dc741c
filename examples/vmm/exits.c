/* SPDX-License-Identifier: MIT-0 */
/* Why the guest stopped, and the answer it goes on with. */
#include <err.h>
#include <errno.h>

#include "hooks.h"
#include "own-msr.h"

/* The library fills in the answer of a call that is not its own, too: a VMM
 * with hypercalls of its own looks at -ENOTSUP. */
static int on_hypercall(struct vmm *vmm, struct kvm_run *run)
{
	uint64_t args[6], ret = 0;

	for (int i = 0; i < 6; i++)
		args[i] = run->hypercall.args[i];
	if (!hook_announced(vmm))
		sevlm_vm_hypercall(vmm->vm, run->hypercall.nr, args, &ret);
	run->hypercall.ret = ret;
	return 0;
}

static int own_rdmsr(uint32_t index, uint64_t *ret_value)
{
	if (index != OWN_MSR)
		return -EPERM;
	*ret_value = OWN_MSR_VALUE;
	return 0;
}

static int on_rdmsr(struct vmm *vmm, struct kvm_run *run)
{
	uint64_t value;
	int ret = sevlm_vm_rdmsr(vmm->vm, run->msr.index, &value);

	if (ret == -ENOTSUP)
		ret = own_rdmsr(run->msr.index, &value);
	run->msr.data = value;
	run->msr.error = ret ? 1 : 0; /* #GP */
	return 0;
}

/* Its own MSR is read-only, so whatever is not the library's gets #GP. */
static int on_wrmsr(struct vmm *vmm, struct kvm_run *run)
{
	int ret = sevlm_vm_wrmsr(vmm->vm, run->msr.index, run->msr.data);

	run->msr.error = ret ? 1 : 0;
	return 0;
}

static int on_in(struct vmm *vmm, struct kvm_run *run)
{
	uint32_t *data = (void *)((uint8_t *)run + run->io.data_offset);

	if (run->io.port != PORT_CONTROL || run->io.size != sizeof(*data) ||
	    run->io.count != 1)
		return -1;
	*data = device_read(vmm);
	return 0;
}

static int on_out(struct vmm *vmm, struct kvm_run *run)
{
	if (run->io.port == PORT_DOORBELL && vmm->script.file)
		return script_next(vmm);
	if (run->io.port != PORT_REPORT)
		return -1;
	device_written(vmm);
	return 0;
}

static int on_io(struct vmm *vmm, struct kvm_run *run)
{
	int ret = run->io.direction == KVM_EXIT_IO_OUT ? on_out(vmm, run) :
							 on_in(vmm, run);

	if (ret)
		warnx("the guest used port 0x%x", run->io.port);
	return ret;
}

int exits_handle(struct vmm *vmm)
{
	struct kvm_run *run = vmm->vcpu.run;

	switch (run->exit_reason) {
	case KVM_EXIT_HYPERCALL:
		return on_hypercall(vmm, run);
	case KVM_EXIT_X86_RDMSR:
		return on_rdmsr(vmm, run);
	case KVM_EXIT_X86_WRMSR:
		return on_wrmsr(vmm, run);
	case KVM_EXIT_IO:
		return on_io(vmm, run);
	case KVM_EXIT_HLT:
		return 1;
	default:
		warnx("the guest stopped with exit %u", run->exit_reason);
		return -1;
	}
}

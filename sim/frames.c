/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"

bool sim_frames_packet(struct sevlm_sim_vm *vm, uint64_t uaddr, uint32_t len)
{
	if (sim_kvm_in_page(uaddr, len))
		return true;
	if (!vm->host->multi_page || len > SIM_KVM_PACKET_MAX ||
	    (uaddr | len) % SIM_PAGE)
		return false;
	for (uint32_t i = 0; i < vm->frames.count; i++)
		if (uaddr >= vm->frames.at[i].uaddr &&
		    uaddr - vm->frames.at[i].uaddr < vm->frames.at[i].bytes &&
		    len <= vm->frames.at[i].bytes -
				   (uaddr - vm->frames.at[i].uaddr))
			return true;
	return false;
}

int sim_frames_extension(const struct sevlm_sim_host *host)
{
	return host->multi_page ? (int)SIM_KVM_PACKET_MAX : 0;
}

SIM_API int sevlm_sim_vm_contiguous(struct sevlm_sim_vm *vm, const void *hva,
				    uint64_t bytes)
{
	uint64_t uaddr = (uint64_t)(uintptr_t)hva;
	int error = 0;

	if (!vm || !hva || !bytes || (uaddr | bytes) % SIM_PAGE ||
	    uaddr + bytes < uaddr)
		return -EINVAL;
	pthread_mutex_lock(&vm->kvm_lock);
	if (vm->frames.count == SIM_FRAMES)
		error = -ENOBUFS;
	else
		vm->frames.at[vm->frames.count++] =
			(struct sim_frames_run){uaddr, bytes};
	pthread_mutex_unlock(&vm->kvm_lock);
	return error;
}

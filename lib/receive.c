/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

static bool firmware_in(struct sevlm_vm *vm, uint32_t state)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };
	struct sevlm__error unused;

	sevlm__error_clear(&unused);
	return !sevlm__kernel_guest_status(&vm->kernel, &unused, &status) &&
	       status.state == state;
}

static int start(struct sevlm_vm *vm, uint32_t policy, const void *pdh,
		 const void *session)
{
	int ret = sevlm__policy_check(&vm->error, policy);

	if (ret)
		return ret;
	/* or the answer below would be about the first session */
	if (firmware_in(vm, SEVLM_GUEST_RUPDATE))
		return sevlm__fail(&vm->error, -EBADFD,
				   "the guest is being received already");
	ret = sevlm__kernel_receive_start(&vm->kernel, &vm->error, policy, pdh,
					  session);
	/* KVM copies the handle out after firmware has succeeded */
	if (ret && firmware_in(vm, SEVLM_GUEST_RUPDATE))
		return 0;
	return ret;
}

SEVLM_API int sevlm_receive_start(struct sevlm_vm *vm, uint32_t policy,
				  const void *pdh, const void *session,
				  struct sevlm_receive **ret_receive)
{
	struct sevlm_receive *receive;
	int ret;

	if (!vm || !pdh || !session || !ret_receive)
		return -EINVAL;
	receive = calloc(1, sizeof(*receive));
	if (!receive)
		return -ENOMEM;
	receive->vm = vm;
	ret = start(vm, policy, pdh, session);
	if (ret) {
		free(receive);
		return ret;
	}
	receive->open = true;
	*ret_receive = receive;
	return 0;
}

int sevlm__receive_update(struct sevlm_receive *receive, void *hva,
			  const void *header, const void *payload)
{
	return sevlm__kernel_receive_update(&receive->vm->kernel,
					    &receive->vm->error, hva, header,
					    payload);
}

SEVLM_API int sevlm_receive_packet(struct sevlm_receive *receive, uint64_t gpa,
				   const void *header, const void *payload)
{
	struct sevlm__region region;

	if (!receive || !header || !payload || gpa % PAGE_SIZE)
		return -EINVAL;
	if (!receive->open)
		return -EBADFD;
	if (!sevlm__pages_find(receive->vm->pages, gpa, PAGE_SIZE, &region) ||
	    region.type == SEVLM_REGION_SKIP ||
	    region.type == SEVLM_REGION_SHARED)
		return -EINVAL;
	return sevlm__receive_update(receive, region.hva + (gpa - region.gpa),
				     header, payload);
}

SEVLM_API int sevlm_receive_finish(struct sevlm_receive *receive)
{
	struct sevlm_vm *vm;
	int ret;

	if (!receive)
		return -EINVAL;
	if (!receive->open)
		return -EBADFD;
	vm = receive->vm;
	ret = sevlm__kernel_receive_finish(&vm->kernel, &vm->error);
	if (ret && !firmware_in(vm, SEVLM_GUEST_RUNNING))
		return ret;
	receive->open = false;
	return 0;
}

SEVLM_API void sevlm_receive_free(struct sevlm_receive *receive)
{
	free(receive);
}

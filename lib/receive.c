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

int sevlm__receive_check(struct sevlm_vm *vm, uint32_t policy)
{
	/* what it says of the target as such, the source has looked at */
	struct sevlm__platform own = { .rooted = true, .same_owner = true };
	int ret = sevlm__policy_check(&vm->error, policy);

	if (!ret)
		ret = sevlm__kernel_platform_api(&vm->kernel, &vm->error,
						 &own.api_major,
						 &own.api_minor);
	return ret ? ret : sevlm__policy_fits(&vm->error, policy, &own);
}

static int start(struct sevlm_vm *vm, uint32_t policy, const void *pdh,
		 const void *session)
{
	int ret;

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

int sevlm__receive_start(struct sevlm_vm *vm, uint32_t policy, const void *pdh,
			 const void *session,
			 struct sevlm_receive **ret_receive)
{
	struct sevlm_receive *receive = calloc(1, sizeof(*receive));
	int ret;

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

SEVLM_API int sevlm_receive_start(struct sevlm_vm *vm,
				  const struct sevlm_peer *source,
				  const struct sevlm_trust *trust,
				  uint32_t policy, const void *session,
				  struct sevlm_receive **ret_receive)
{
	struct sevlm_chain_result result;
	struct sevlm_peer known;
	int ret;

	if (!vm || !session || !ret_receive || !sevlm__trust_usable(trust) ||
	    sevlm__peer_copy(&known, source))
		return -EINVAL;
	ret = sevlm__chain_check(&vm->error, "source", &known, trust, &result);
	if (!ret)
		ret = sevlm__receive_check(vm, policy);
	if (ret)
		return ret;
	return sevlm__receive_start(vm, policy, known.pdh, session,
				    ret_receive);
}

int sevlm__receive_update(struct sevlm_receive *receive, void *hva,
			  uint32_t pages, const void *header,
			  const void *payload)
{
	return sevlm__kernel_receive_update(&receive->vm->kernel,
					    &receive->vm->error, hva, pages,
					    header, payload);
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
				     1, header, payload);
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

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint32_t firmware_state(struct sevlm_vm *vm)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };
	struct sevlm__error unused;

	sevlm__error_clear(&unused);
	if (sevlm__kernel_guest_status(&vm->kernel, &unused, &status))
		return SEVLM_GUEST_UNINIT;
	return status.state;
}

static int may_send(struct sevlm_vm *vm, uint32_t *ret_policy)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };
	int ret;

	ret = sevlm__control_check(&vm->error, atomic_load(&vm->control));
	if (!ret)
		ret = sevlm__kernel_guest_status(&vm->kernel, &vm->error,
						 &status);
	if (!ret)
		ret = sevlm__policy_check(&vm->error, status.policy);
	if (!ret && status.state != SEVLM_GUEST_RUNNING)
		ret = sevlm__fail(&vm->error, -EBADFD,
				  "the guest is in firmware state %u, not "
				  "RUNNING",
				  status.state);
	*ret_policy = status.policy;
	return ret;
}

/*
 * Firmware looks at the chain only where the policy says so, and firmware in
 * the field is known not to compare API versions: here it is always done.
 */
static int check_target(struct sevlm_vm *vm, uint32_t policy,
			const struct sevlm_peer *target,
			const struct sevlm_trust *trust,
			const uint8_t *own_chain)
{
	struct sevlm__platform platform = { .rooted = true };
	struct sevlm_chain_result result;
	int ret = sevlm__chain_check(&vm->error, "target", target, trust,
				     &result);

	if (ret)
		return ret;
	platform.same_owner =
		sevlm_chain_same_owner(own_chain, target->chain) == 1;
	platform.api_major = result.api_major;
	platform.api_minor = result.api_minor;
	return sevlm__policy_fits(&vm->error, policy, &platform);
}

/*
 * KVM copies the session out after firmware has succeeded. If only the copy
 * failed the guest is in SUPDATE with a session nobody holds: undo it, or it
 * could never be sent again.
 */
static void undo_start(struct sevlm_vm *vm)
{
	struct sevlm__error unused;

	sevlm__error_clear(&unused);
	if (firmware_state(vm) == SEVLM_GUEST_SUPDATE)
		sevlm__kernel_send_cancel(&vm->kernel, &unused);
}

static int start(struct sevlm_send *send, const struct sevlm_peer *target,
		 const struct sevlm_trust *trust)
{
	struct sevlm_vm *vm = send->vm;
	uint8_t *chain = malloc(SEVLM_CHAIN_SIZE);
	uint32_t policy;
	int ret;

	if (!chain)
		return -ENOMEM;
	ret = may_send(vm, &policy);
	if (!ret)
		ret = sevlm__kernel_pdh_export(&vm->kernel, &vm->error,
					       send->pdh, chain);
	if (!ret)
		ret = check_target(vm, policy, target, trust, chain);
	if (!ret) {
		ret = sevlm__kernel_send_start(&vm->kernel, &vm->error, target,
					       send->session, &send->policy);
		if (ret)
			undo_start(vm);
	}
	free(chain);
	return ret;
}

SEVLM_API int sevlm_send_start(struct sevlm_vm *vm,
			       const struct sevlm_peer *target,
			       const struct sevlm_trust *trust,
			       struct sevlm_send **ret_send)
{
	struct sevlm_send *send;
	struct sevlm_peer known;
	int ret;

	if (!vm || !ret_send || !sevlm__trust_usable(trust) ||
	    sevlm__peer_copy(&known, target))
		return -EINVAL;
	send = calloc(1, sizeof(*send));
	if (!send)
		return -ENOMEM;
	send->vm = vm;
	ret = start(send, &known, trust);
	if (ret) {
		free(send);
		return ret;
	}
	send->open = true;
	*ret_send = send;
	return 0;
}

SEVLM_API int sevlm_send_session(const struct sevlm_send *send,
				 uint32_t *ret_policy, void *pdh, void *session)
{
	if (!send || !ret_policy || !pdh || !session)
		return -EINVAL;
	*ret_policy = send->policy;
	memcpy(pdh, send->pdh, sizeof(send->pdh));
	memcpy(session, send->session, sizeof(send->session));
	return 0;
}

int sevlm__send_update(struct sevlm_send *send, const void *hva,
		       uint32_t pages, void *header, void *payload)
{
	return sevlm__kernel_send_update(&send->vm->kernel, &send->vm->error,
					 hva, pages, header, payload);
}

SEVLM_API int sevlm_send_packet(struct sevlm_send *send, uint64_t gpa,
				void *header, void *payload)
{
	struct sevlm__pages *pages;
	uint64_t generation;
	uint8_t *hva;
	int ret;

	if (!send || !header || !payload || gpa % PAGE_SIZE)
		return -EINVAL;
	if (!send->open)
		return -EBADFD;
	pages = send->vm->pages;
	ret = sevlm__pages_private(pages, gpa, &hva, &generation);
	if (!ret)
		ret = sevlm__send_update(send, hva, 1, header, payload);
	/* the guest may have made it shared under our hands */
	if (!ret && sevlm__pages_generation(pages) != generation &&
	    sevlm__pages_shared(pages, gpa))
		return -EAGAIN;
	return ret;
}

/* After an error the firmware's state says whether the command was done. */
static int settle(struct sevlm_send *send, int ret, uint32_t done)
{
	if (ret && firmware_state(send->vm) != done)
		return ret;
	send->open = false;
	return 0;
}

SEVLM_API int sevlm_send_finish(struct sevlm_send *send)
{
	int ret;

	if (!send)
		return -EINVAL;
	if (!send->open)
		return -EBADFD;
	ret = sevlm__kernel_send_finish(&send->vm->kernel, &send->vm->error);
	return settle(send, ret, SEVLM_GUEST_SENT);
}

SEVLM_API int sevlm_send_cancel(struct sevlm_send *send)
{
	int ret;

	if (!send)
		return -EINVAL;
	if (!send->open)
		return -EBADFD;
	ret = sevlm__kernel_send_cancel(&send->vm->kernel, &send->vm->error);
	return settle(send, ret, SEVLM_GUEST_RUNNING);
}

SEVLM_API void sevlm_send_free(struct sevlm_send *send)
{
	if (!send)
		return;
	if (send->open)
		sevlm_send_cancel(send);
	sevlm__wipe(send, sizeof(*send));
	free(send);
}

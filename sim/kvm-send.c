/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "crypto.h"
#include "kvm.h"

/* what the kernel's allocator gives at most in one piece */
#define ALLOC_MAX (4u << 20)

static uint32_t fw_start(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_firmware_send_start(vm->host->firmware, vm->handle, arg);
}

static int query_session(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
			 struct kvm_sev_send_start *params)
{
	struct sim_start start = {0};
	int rc;

	rc = sim_kvm_issue(vm, cmd, fw_start, &start);
	params->session_len = start.session_len;
	return rc;
}

/* all three blobs of certificates, even where the policy needs none */
static bool start_good(const struct kvm_sev_send_start *params)
{
	return sim_kvm_blob(params->pdh_cert_uaddr, params->pdh_cert_len) &&
	       sim_kvm_blob(params->plat_certs_uaddr, params->plat_certs_len) &&
	       sim_kvm_blob(params->amd_certs_uaddr, params->amd_certs_len) &&
	       sim_kvm_blob(params->session_uaddr, params->session_len);
}

int sim_kvm_send_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_send_start *params = sim_kvm_user(cmd->data);
	uint8_t session[sizeof(struct sim_session)];
	struct sim_start start = {
		.pdh = sim_kvm_user(params->pdh_cert_uaddr),
		.pdh_len = params->pdh_cert_len,
		.chain = sim_kvm_user(params->plat_certs_uaddr),
		.chain_len = params->plat_certs_len,
		.amd = sim_kvm_user(params->amd_certs_uaddr),
		.amd_len = params->amd_certs_len,
		.session = session,
		.session_len = params->session_len,
	};
	int rc;

	if (!params->session_len)
		return query_session(vm, cmd, params);
	if (!start_good(params))
		return -EINVAL;
	rc = sim_kvm_ask(vm, vm->sev_fd, cmd, fw_start, &start);
	if (!rc) {
		/* of the two copies the session's comes first */
		rc = sim_kvm_copy_out(vm, cmd);
		if (rc)
			return rc;
		memcpy(sim_kvm_user(params->session_uaddr), session,
		       sizeof(session));
	} else if (rc == -ETIMEDOUT) {
		/* the driver has nothing to copy back */
		start.policy = 0;
	}
	params->policy = start.policy;
	params->session_len = start.session_len;
	return rc;
}

static uint32_t fw_update(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_firmware_send_update(vm->host->firmware, vm->handle,
					vm->memory, arg);
}

static int query_packet(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
			struct kvm_sev_send_update_data *params)
{
	struct sim_packet packet = {0};
	int rc;

	rc = sim_kvm_issue(vm, cmd, fw_update, &packet);
	params->hdr_len = packet.header_len;
	params->trans_len = packet.trans_len;
	return rc;
}

/* the whole of the caller's buffer, its tail zeroed */
static void copy_out(uint64_t uaddr, uint32_t room, const void *buf,
		     uint32_t bytes)
{
	uint8_t *out = sim_kvm_user(uaddr);

	memcpy(out, buf, bytes);
	memset(out + bytes, 0, room - bytes);
}

int sim_kvm_send_update(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_send_update_data *params = sim_kvm_user(cmd->data);
	uint8_t header[sizeof(struct sim_header)], trans[SIM_KVM_PACKET_MAX];
	struct sim_packet packet = {
		.header = header,
		.header_len = params->hdr_len,
		.hva = sim_kvm_user(params->guest_uaddr),
		.guest_len = params->guest_len,
		.trans = trans,
		.trans_len = params->trans_len,
	};
	int rc;

	if (!params->hdr_len || !params->trans_len)
		return query_packet(vm, cmd, params);
	if (!params->trans_uaddr || !params->guest_uaddr ||
	    !params->guest_len || !params->hdr_uaddr ||
	    !sim_frames_packet(vm, params->guest_uaddr, params->guest_len))
		return -EINVAL;
	rc = sim_kvm_pin(vm, params->guest_uaddr, params->guest_len);
	if (rc)
		return rc;
	if (params->hdr_len > ALLOC_MAX || params->trans_len > ALLOC_MAX)
		return -ENOMEM;
	rc = sim_kvm_issue(vm, cmd, fw_update, &packet);
	if (rc)
		return rc;
	copy_out(params->trans_uaddr, params->trans_len, trans,
		 packet.trans_len);
	copy_out(params->hdr_uaddr, params->hdr_len, header, packet.header_len);
	return 0;
}

static uint32_t fw_finish(struct sevlm_sim_vm *vm, void *arg)
{
	(void)arg;
	return sim_firmware_send_finish(vm->host->firmware, vm->handle);
}

int sim_kvm_send_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	return sim_kvm_issue(vm, cmd, fw_finish, NULL);
}

static uint32_t fw_cancel(struct sevlm_sim_vm *vm, void *arg)
{
	(void)arg;
	return sim_firmware_send_cancel(vm->host->firmware, vm->handle);
}

int sim_kvm_send_cancel(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	return sim_kvm_issue(vm, cmd, fw_cancel, NULL);
}

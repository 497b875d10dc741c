/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

#include "internal.h"

/* Values, not the names of installed headers: some released ones are wrong. */
#define STATUS_INVALID_LEN 0x04

static int on_file(int fd, uint32_t request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int vm_ioctl(struct sevlm__kernel *kernel, uint32_t request, void *arg)
{
	if (kernel->ops.vm)
		return kernel->ops.vm(kernel->ctx, request, arg);
	return on_file(kernel->vm_fd, request, arg);
}

static int sev_ioctl(struct sevlm__kernel *kernel, uint32_t request, void *arg)
{
	if (kernel->ops.sev)
		return kernel->ops.sev(kernel->ctx, request, arg);
	return on_file(kernel->sev_fd, request, arg);
}

int sevlm__kernel_init(struct sevlm__kernel *kernel,
		       const struct sevlm_vm_config *config)
{
	const size_t least = offsetof(struct sevlm_kernel_ops, host);
	int ret;

	memset(kernel, 0, sizeof(*kernel));
	kernel->vm_fd = config->vm_fd;
	kernel->sev_fd = config->sev_fd;
	kernel->kvm_fd = config->kvm_fd;
	kernel->ctx = config->ops_ctx;
	if (!config->ops)
		return config->vm_fd < 0 || config->sev_fd < 0 ? -EINVAL : 0;
	ret = sevlm__copy_in(&kernel->ops, sizeof(kernel->ops), config->ops,
			     least);
	if (ret)
		return ret;
	return kernel->ops.vm && kernel->ops.sev ? 0 : -EINVAL;
}

/* What KVM or the driver means by an errno, where firmware said nothing. */
static int kernel_error(int ret)
{
	switch (ret) {
	case -ENOTTY:
	case -EINVAL:
		return -ENOTSUP;
	case -ENOMEM:
	case -EINTR:
	case -ETIMEDOUT:
	case -EPERM:
		return ret;
	default:
		return -EIO;
	}
}

static int explain(struct sevlm__error *error, const char *name, int ret,
		   uint32_t status)
{
	const char *symbol = strerrorname_np(ret < 0 ? -ret : 0);

	error->status = status;
	if (ret == -EIO && status && status != SEVLM_FIRMWARE_NOT_ASKED)
		return sevlm__fail(error, -EREMOTEIO,
				   "firmware refused %s: %s (0x%02x)", name,
				   sevlm_firmware_strerror(status), status);
	return sevlm__fail(error, kernel_error(ret),
			   "the kernel refused %s: %s", name,
			   symbol ? symbol : "unknown errno");
}

/* KVM leaves the status alone when it fails before the firmware call. */
static int kvm_sev(struct sevlm__kernel *kernel, uint32_t id, void *data,
		   uint32_t *status)
{
	struct kvm_sev_cmd cmd = {
		.id = id,
		.data = (uintptr_t)data,
		.error = SEVLM_FIRMWARE_NOT_ASKED,
		.sev_fd = (uint32_t)kernel->sev_fd,
	};
	int ret = vm_ioctl(kernel, KVM_MEMORY_ENCRYPT_OP, &cmd);

	*status = cmd.error;
	return ret;
}

static int command(struct sevlm__kernel *kernel, struct sevlm__error *error,
		   const char *name, uint32_t id, void *data)
{
	uint32_t status;
	int ret = kvm_sev(kernel, id, data, &status);

	return ret < 0 ? explain(error, name, ret, status) : 0;
}

int sevlm__kernel_guest_status(struct sevlm__kernel *kernel,
			       struct sevlm__error *error,
			       struct sevlm_guest_status *ret)
{
	struct kvm_sev_guest_status data = { 0 };
	int code = command(kernel, error, "GUEST_STATUS", KVM_SEV_GUEST_STATUS,
			   &data);

	if (code)
		return code;
	ret->handle = data.handle;
	ret->policy = data.policy;
	ret->state = data.state;
	return 0;
}

static int sev_command(struct sevlm__kernel *kernel, uint32_t cmd, void *data,
		       uint32_t *status)
{
	struct sev_issue_cmd issue = {
		.cmd = cmd,
		.data = (uintptr_t)data,
		.error = SEVLM_FIRMWARE_NOT_ASKED,
	};
	int ret = sev_ioctl(kernel, SEV_ISSUE_CMD, &issue);

	*status = issue.error;
	return ret;
}

int sevlm__kernel_pdh_export(struct sevlm__kernel *kernel,
			     struct sevlm__error *error, void *pdh, void *chain)
{
	struct sev_user_data_pdh_cert_export data = {
		.pdh_cert_address = (uintptr_t)pdh,
		.pdh_cert_len = SEVLM_PDH_SIZE,
		.cert_chain_address = (uintptr_t)chain,
		.cert_chain_len = SEVLM_CHAIN_SIZE,
	};
	uint32_t status;
	int ret = sev_command(kernel, SEV_PDH_CERT_EXPORT, &data, &status);

	if (ret < 0)
		return explain(error, "PDH_CERT_EXPORT", ret, status);
	if (data.pdh_cert_len != SEVLM_PDH_SIZE ||
	    data.cert_chain_len != SEVLM_CHAIN_SIZE)
		return sevlm__fail(error, -EIO,
				   "PDH_CERT_EXPORT returned %u and %u bytes",
				   data.pdh_cert_len, data.cert_chain_len);
	return 0;
}

/*
 * Firmware tells the session's size only by refusing a buffer that is too
 * small. That one refusal is the answer; any other is a failure.
 */
static int session_size(struct sevlm__kernel *kernel,
			struct sevlm__error *error)
{
	struct kvm_sev_send_start data = { 0 };
	uint32_t status;
	int ret = kvm_sev(kernel, KVM_SEV_SEND_START, &data, &status);

	if (ret >= 0 || ret != -EIO || status != STATUS_INVALID_LEN)
		return explain(error, "SEND_START", ret < 0 ? ret : -EIO,
			       status);
	if (data.session_len != SEVLM_SESSION_SIZE)
		return sevlm__fail(error, -ENOTSUP,
				   "firmware wants a session of %u bytes",
				   data.session_len);
	return 0;
}

int sevlm__kernel_send_start(struct sevlm__kernel *kernel,
			     struct sevlm__error *error,
			     const struct sevlm_peer *peer, void *session,
			     uint32_t *ret_policy)
{
	struct kvm_sev_send_start data = {
		.pdh_cert_uaddr = (uintptr_t)peer->pdh,
		.pdh_cert_len = SEVLM_PDH_SIZE,
		.plat_certs_uaddr = (uintptr_t)peer->chain,
		.plat_certs_len = SEVLM_CHAIN_SIZE,
		.amd_certs_uaddr = (uintptr_t)peer->amd,
		.amd_certs_len = (uint32_t)peer->amd_bytes,
		.session_uaddr = (uintptr_t)session,
		.session_len = SEVLM_SESSION_SIZE,
	};
	int ret = session_size(kernel, error);

	if (!ret)
		ret = command(kernel, error, "SEND_START", KVM_SEV_SEND_START,
			      &data);
	if (!ret)
		*ret_policy = data.policy;
	return ret;
}

int sevlm__kernel_send_update(struct sevlm__kernel *kernel,
			      struct sevlm__error *error, const void *hva,
			      void *header, void *payload)
{
	struct kvm_sev_send_update_data data = {
		.hdr_uaddr = (uintptr_t)header,
		.hdr_len = SEVLM_PACKET_HEADER_SIZE,
		.guest_uaddr = (uintptr_t)hva,
		.guest_len = PAGE_SIZE,
		.trans_uaddr = (uintptr_t)payload,
		.trans_len = PAGE_SIZE,
	};

	return command(kernel, error, "SEND_UPDATE_DATA",
		       KVM_SEV_SEND_UPDATE_DATA, &data);
}

int sevlm__kernel_send_finish(struct sevlm__kernel *kernel,
			      struct sevlm__error *error)
{
	return command(kernel, error, "SEND_FINISH", KVM_SEV_SEND_FINISH, NULL);
}

int sevlm__kernel_send_cancel(struct sevlm__kernel *kernel,
			      struct sevlm__error *error)
{
	return command(kernel, error, "SEND_CANCEL", KVM_SEV_SEND_CANCEL, NULL);
}

int sevlm__kernel_receive_start(struct sevlm__kernel *kernel,
				struct sevlm__error *error, uint32_t policy,
				const void *pdh, const void *session)
{
	struct kvm_sev_receive_start data = {
		.policy = policy,
		.pdh_uaddr = (uintptr_t)pdh,
		.pdh_len = SEVLM_PDH_SIZE,
		.session_uaddr = (uintptr_t)session,
		.session_len = SEVLM_SESSION_SIZE,
	};

	return command(kernel, error, "RECEIVE_START", KVM_SEV_RECEIVE_START,
		       &data);
}

int sevlm__kernel_receive_update(struct sevlm__kernel *kernel,
				 struct sevlm__error *error, void *hva,
				 const void *header, const void *payload)
{
	struct kvm_sev_receive_update_data data = {
		.hdr_uaddr = (uintptr_t)header,
		.hdr_len = SEVLM_PACKET_HEADER_SIZE,
		.guest_uaddr = (uintptr_t)hva,
		.guest_len = PAGE_SIZE,
		.trans_uaddr = (uintptr_t)payload,
		.trans_len = PAGE_SIZE,
	};

	return command(kernel, error, "RECEIVE_UPDATE_DATA",
		       KVM_SEV_RECEIVE_UPDATE_DATA, &data);
}

int sevlm__kernel_receive_finish(struct sevlm__kernel *kernel,
				 struct sevlm__error *error)
{
	return command(kernel, error, "RECEIVE_FINISH", KVM_SEV_RECEIVE_FINISH,
		       NULL);
}

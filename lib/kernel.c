/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

#include "internal.h"
#include "uapi/kvm_sev_packet.h"
#include "uapi/kvm_shared_list.h"

/* Values, not the names of installed headers: some released ones are wrong. */
#define STATUS_INVALID_LEN 0x04
#define STATUS_INVALID_COMMAND 0x11
#define STATUS_UNSUPPORTED 0x15

/* an id far from those that any kernel gives out */
#define NO_COMMAND 0x7ffffff0u
/* the kernel's own ENOTSUPP, which user space has no name for */
#define ENOTSUPP_KERNEL 524
/* SEV API, PLATFORM_STATUS */
#define STATUS_OWNER_EXTERNAL (1u << 0)
#define STATUS_CONFIG_ES (1u << 8)

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

static int take_ops(struct sevlm__kernel *kernel,
		    const struct sevlm_kernel_ops *ops)
{
	const size_t least = offsetof(struct sevlm_kernel_ops, host);
	int ret = sevlm__copy_in(&kernel->ops, sizeof(kernel->ops), ops, least);

	if (ret)
		return ret;
	return kernel->ops.vm && kernel->ops.sev ? 0 : -EINVAL;
}

int sevlm__kernel_init(struct sevlm__kernel *kernel,
		       const struct sevlm_vm_config *config)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->vm_fd = config->vm_fd;
	kernel->sev_fd = config->sev_fd;
	kernel->kvm_fd = config->kvm_fd;
	kernel->ctx = config->ops_ctx;
	if (!config->ops)
		return config->vm_fd < 0 || config->sev_fd < 0 ? -EINVAL : 0;
	return take_ops(kernel, config->ops);
}

/* What KVM or the driver means by an errno, where firmware said nothing. */
static int kernel_error(int ret)
{
	switch (ret) {
	case -ENOTTY:
	case -EINVAL:
	case -ENOTSUP:
	case -ENOTSUPP_KERNEL:
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
	struct kvm_sev_cmd cmd;
	int ret;

	/* the hole behind id has a name in newer kernels: pad0 */
	memset(&cmd, 0, sizeof(cmd));
	cmd.id = id;
	cmd.data = (uintptr_t)data;
	cmd.error = SEVLM_FIRMWARE_NOT_ASKED;
	cmd.sev_fd = (uint32_t)kernel->sev_fd;
	ret = vm_ioctl(kernel, KVM_MEMORY_ENCRYPT_OP, &cmd);

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

int sevlm__kernel_platform_api(struct sevlm__kernel *kernel,
			       struct sevlm__error *error, uint32_t *ret_major,
			       uint32_t *ret_minor)
{
	struct sev_user_data_status data = { 0 };
	uint32_t status;
	int ret = sev_command(kernel, SEV_PLATFORM_STATUS, &data, &status);

	if (ret < 0)
		return explain(error, "PLATFORM_STATUS", ret, status);
	*ret_major = data.api_major;
	*ret_minor = data.api_minor;
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
			      uint32_t pages, void *header, void *payload)
{
	struct kvm_sev_send_update_data data = {
		.hdr_uaddr = (uintptr_t)header,
		.hdr_len = SEVLM_PACKET_HEADER_SIZE,
		.guest_uaddr = (uintptr_t)hva,
		.guest_len = pages * PAGE_SIZE,
		.trans_uaddr = (uintptr_t)payload,
		.trans_len = pages * PAGE_SIZE,
	};
	int ret = command(kernel, error, "SEND_UPDATE_DATA",
			  KVM_SEV_SEND_UPDATE_DATA, &data);

	/* firmware that wants packets smaller, where KVM did not mind */
	if (ret == -EREMOTEIO && pages > 1 &&
	    error->status == STATUS_INVALID_LEN)
		ret = -ENOTSUP;
	return ret;
}

int sevlm__kernel_send_finish(struct sevlm__kernel *kernel,
			      struct sevlm__error *error)
{
	return command(kernel, error, "SEND_FINISH", KVM_SEV_SEND_FINISH, NULL);
}

int sevlm__kernel_send_cancel(struct sevlm__kernel *kernel,
			      struct sevlm__error *error)
{
	int ret = command(kernel, error, "SEND_CANCEL", KVM_SEV_SEND_CANCEL,
			  NULL);

	/* the youngest command: firmware may not know it */
	if (ret == -EREMOTEIO && (error->status == STATUS_INVALID_COMMAND ||
				  error->status == STATUS_UNSUPPORTED))
		return sevlm__fail(error, -ENOTSUP,
				   "this firmware has no SEND_CANCEL: %s",
				   sevlm_firmware_strerror(error->status));
	return ret;
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
				 uint32_t pages, const void *header,
				 const void *payload)
{
	struct kvm_sev_receive_update_data data = {
		.hdr_uaddr = (uintptr_t)header,
		.hdr_len = SEVLM_PACKET_HEADER_SIZE,
		.guest_uaddr = (uintptr_t)hva,
		.guest_len = pages * PAGE_SIZE,
		.trans_uaddr = (uintptr_t)payload,
		.trans_len = pages * PAGE_SIZE,
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

bool sevlm__kernel_blocks(struct sevlm__kernel *kernel)
{
	return vm_ioctl(kernel, KVM_CHECK_EXTENSION,
			(void *)(uintptr_t)KVM_CAP_SEV_PACKET_SIZE) >=
	       (int)BLOCK_SIZE;
}

/* ---- the list of shared pages ---- */

_Static_assert(sizeof(struct sevlm__list_entry) ==
		       sizeof(struct kvm_shared_pages_entry) &&
	       offsetof(struct sevlm__list_entry, count) ==
		       offsetof(struct kvm_shared_pages_entry, npages) &&
	       offsetof(struct sevlm__list_entry, flags) ==
		       offsetof(struct kvm_shared_pages_entry, flags),
	       "entries are handed over as they are");
_Static_assert(SEVLM__LIST_READY == KVM_SHARED_PAGES_READY &&
	       SEVLM__LIST_INCOMPLETE == KVM_SHARED_PAGES_INCOMPLETE &&
	       SEVLM__LIST_TORN == KVM_SHARED_PAGES_TORN &&
	       SEVLM__LIST_DONE == KVM_SHARED_PAGES_DONE,
	       "flags are handed over as they are");

int sevlm__kernel_list_get(struct sevlm__kernel *kernel,
			   struct sevlm__error *error,
			   struct sevlm__list *list)
{
	struct kvm_shared_pages_list data = {
		.nents = list->room,
		.entries = (uintptr_t)list->entries,
		.cursor = list->cursor,
	};
	int ret = vm_ioctl(kernel, KVM_GET_SHARED_PAGES_LIST, &data);

	if (ret < 0)
		return explain(error, "KVM_GET_SHARED_PAGES_LIST", ret,
			       SEVLM_FIRMWARE_NOT_ASKED);
	list->filled = data.nents;
	list->flags = data.flags;
	list->cursor = data.cursor;
	list->generation = data.generation;
	list->max_ranges = data.max_ranges;
	return 0;
}

int sevlm__kernel_list_set(struct sevlm__kernel *kernel,
			   struct sevlm__error *error,
			   const struct sevlm__list *list)
{
	struct kvm_shared_pages_list data = {
		.flags = list->flags,
		.nents = list->room,
		.entries = (uintptr_t)list->entries,
		.generation = list->generation,
	};
	int ret = vm_ioctl(kernel, KVM_SET_SHARED_PAGES_LIST, &data);

	if (ret == -EAGAIN)
		return ret;
	return ret < 0 ? explain(error, "KVM_SET_SHARED_PAGES_LIST", ret,
				 SEVLM_FIRMWARE_NOT_ASKED) :
			 0;
}

/* ---- probing ---- */

int sevlm__kernel_init_probe(struct sevlm__kernel *kernel,
			     const struct sevlm_probe *probe)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->vm_fd = probe->scratch_vm_fd;
	kernel->sev_fd = probe->sev_fd;
	kernel->kvm_fd = probe->kvm_fd;
	kernel->ctx = probe->ops_ctx;
	return probe->ops ? take_ops(kernel, probe->ops) : 0;
}

static int host_ioctl(struct sevlm__kernel *kernel, uint32_t request, void *arg)
{
	if (kernel->ops.host)
		return kernel->ops.host(kernel->ctx, request, arg);
	if (kernel->ops.vm)
		return -ENOTSUP;
	return on_file(kernel->kvm_fd, request, arg);
}

int sevlm__kernel_api_version(struct sevlm__kernel *kernel)
{
	return host_ioctl(kernel, KVM_GET_API_VERSION, NULL);
}

static int extension(struct sevlm__kernel *kernel, uint32_t cap)
{
	int ret = host_ioctl(kernel, KVM_CHECK_EXTENSION,
			     (void *)(uintptr_t)cap);

	return ret > 0 ? ret : 0;
}

void sevlm__kernel_extensions(struct sevlm__kernel *kernel,
			      struct sevlm_host *host)
{
	static const struct {
		uint32_t cap, flag;
	} flags[] = {
		{ KVM_CAP_X86_USER_SPACE_MSR, SEVLM_HOST_USER_MSR },
		{ KVM_CAP_X86_MSR_FILTER, SEVLM_HOST_MSR_FILTER },
		{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		  SEVLM_HOST_MANUAL_PROTECT },
		{ KVM_CAP_DIRTY_LOG_RING, SEVLM_HOST_DIRTY_RING },
		{ KVM_CAP_X86_SHARED_PAGES_LIST, SEVLM_HOST_SHARED_LIST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (extension(kernel, flags[i].cap))
			host->flags |= flags[i].flag;
	if (extension(kernel, KVM_CAP_SEV_PACKET_SIZE) >= (int)BLOCK_SIZE)
		host->flags |= SEVLM_HOST_BLOCKS;
	host->exit_hypercall =
		(uint32_t)extension(kernel, KVM_CAP_EXIT_HYPERCALL);
}

/* Linux, Documentation/virt/kvm/x86/amd-memory-encryption.rst: no command is
 * the question whether there is SEV. */
bool sevlm__kernel_sev(struct sevlm__kernel *kernel)
{
	return !vm_ioctl(kernel, KVM_MEMORY_ENCRYPT_OP, NULL);
}

static int bare_command(struct sevlm__kernel *kernel, uint32_t id)
{
	uint32_t status;

	return kvm_sev(kernel, id, NULL, &status);
}

/*
 * On a VM that is no SEV guest KVM answers -ENOTTY to a command it knows and
 * -EINVAL to one it does not, before anything is read or done. That tells
 * them apart only where two controls come out so. Where SEV is off in this
 * KVM everything is -ENOTTY, which would pass for known; and an SEV guest
 * would take the commands, so the first control, which only asks, finds it
 * out before any other is issued.
 */
static bool tells_apart(struct sevlm__kernel *kernel)
{
	return bare_command(kernel, KVM_SEV_GUEST_STATUS) == -ENOTTY &&
	       bare_command(kernel, NO_COMMAND) == -EINVAL;
}

bool sevlm__kernel_commands(struct sevlm__kernel *kernel,
			    uint32_t *ret_commands)
{
	static const struct {
		uint32_t id, bit;
	} commands[] = {
		{ KVM_SEV_SEND_START, SEVLM_COMMAND_SEND_START },
		{ KVM_SEV_SEND_UPDATE_DATA, SEVLM_COMMAND_SEND_UPDATE_DATA },
		{ KVM_SEV_SEND_FINISH, SEVLM_COMMAND_SEND_FINISH },
		{ KVM_SEV_SEND_CANCEL, SEVLM_COMMAND_SEND_CANCEL },
		{ KVM_SEV_RECEIVE_START, SEVLM_COMMAND_RECEIVE_START },
		{ KVM_SEV_RECEIVE_FINISH, SEVLM_COMMAND_RECEIVE_FINISH },
	};
	const uint32_t around = SEVLM_COMMAND_RECEIVE_START |
				SEVLM_COMMAND_RECEIVE_FINISH;

	*ret_commands = 0;
	if (!tells_apart(kernel))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (bare_command(kernel, commands[i].id) == -ENOTTY)
			*ret_commands |= commands[i].bit;
	/* always -EINVAL on such a VM; it came with its neighbours */
	if ((*ret_commands & around) == around)
		*ret_commands |= SEVLM_COMMAND_RECEIVE_UPDATE_DATA;
	return true;
}

int sevlm__kernel_platform_status(struct sevlm__kernel *kernel,
				  struct sevlm_host *host)
{
	struct sev_user_data_status data = { 0 };
	uint32_t status;
	int ret = sev_command(kernel, SEV_PLATFORM_STATUS, &data, &status);

	if (ret < 0)
		return ret;
	host->api_major = data.api_major;
	host->api_minor = data.api_minor;
	host->build = data.build;
	host->guests = data.guest_count;
	host->platform_state = data.state;
	if (data.flags & STATUS_CONFIG_ES)
		host->flags |= SEVLM_HOST_ES;
	if (data.flags & STATUS_OWNER_EXTERNAL)
		host->flags |= SEVLM_HOST_EXTERNAL_OWNER;
	return 0;
}

/* Firmware tells how many sockets there are by refusing a buffer without room,
 * as it tells the session's size. */
static int chip_ids_size(struct sevlm__kernel *kernel,
			 struct sevlm__error *error, uint32_t *ret_bytes)
{
	struct sev_user_data_get_id2 data = { 0 };
	uint32_t status;
	int ret = sev_command(kernel, SEV_GET_ID2, &data, &status);

	if (ret != -EIO || status != STATUS_INVALID_LEN)
		return explain(error, "GET_ID2", ret < 0 ? ret : -EIO, status);
	if (data.length != SEVLM_CHIP_ID_SIZE &&
	    data.length != 2 * SEVLM_CHIP_ID_SIZE)
		return sevlm__fail(error, -ENOTSUP,
				   "firmware has chip IDs of %u bytes",
				   data.length);
	*ret_bytes = data.length;
	return 0;
}

int sevlm__kernel_chip_id(struct sevlm__kernel *kernel,
			  struct sevlm__error *error, void *id)
{
	uint8_t ids[2 * SEVLM_CHIP_ID_SIZE] = { 0 };
	struct sev_user_data_get_id2 data = { .address = (uintptr_t)ids };
	uint32_t status, bytes = 0;
	int ret = chip_ids_size(kernel, error, &bytes);

	if (ret)
		return ret;
	data.length = bytes;
	ret = sev_command(kernel, SEV_GET_ID2, &data, &status);
	if (ret < 0)
		return explain(error, "GET_ID2", ret, status);
	if (data.length != bytes)
		return sevlm__fail(error, -EIO, "GET_ID2 returned %u bytes",
				   data.length);
	memcpy(id, ids, SEVLM_CHIP_ID_SIZE);
	return 0;
}

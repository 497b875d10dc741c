/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

#include "door.h"
#include "memory.h"

#define INVALID_LEN 0x04

static void *at(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

/* Every byte of both buffers counts, so that a short one is seen. */
static void fill(uint64_t address, int with, size_t bytes)
{
	memset(at(address), with, bytes);
}

static void look(uint64_t address, size_t bytes)
{
	static uint8_t copy[4 * SEVLM_PAGE_SIZE];

	memcpy(copy, at(address), bytes);
}

static uint32_t guest_status(struct door *door, uint64_t data)
{
	struct kvm_sev_guest_status status = {
		.handle = 1,
		.policy = door->policy,
		.state = door->state,
	};

	memcpy(at(data), &status, sizeof(status));
	return 0;
}

static uint32_t send_start(struct door *door, uint64_t data)
{
	struct kvm_sev_send_start *start = at(data);

	if (start->session_len != SEVLM_SESSION_SIZE) {
		start->session_len = SEVLM_SESSION_SIZE;
		return INVALID_LEN;
	}
	look(start->pdh_cert_uaddr, SEVLM_PDH_SIZE);
	look(start->plat_certs_uaddr, SEVLM_CHAIN_SIZE);
	fill(start->session_uaddr, 0x33, SEVLM_SESSION_SIZE);
	start->policy = door->policy;
	door->state = SEVLM_GUEST_SUPDATE;
	return 0;
}

static uint32_t send_update(struct door *door, uint64_t data)
{
	const struct kvm_sev_send_update_data *update = at(data);

	MUST(door->state == SEVLM_GUEST_SUPDATE);
	MUST(memory_of_firmware(update->guest_uaddr, update->guest_len));
	MUST(update->trans_len == update->guest_len);
	fill(update->hdr_uaddr, 0x44, update->hdr_len);
	fill(update->trans_uaddr, 0x55, update->trans_len);
	door->packets++;
	return 0;
}

static uint32_t send_finish(struct door *door, uint64_t data)
{
	(void)data;
	MUST(door->state == SEVLM_GUEST_SUPDATE);
	door->finished++;
	door->state = SEVLM_GUEST_SENT;
	return 0;
}

static uint32_t send_cancel(struct door *door, uint64_t data)
{
	(void)data;
	MUST(door->state == SEVLM_GUEST_SUPDATE);
	door->cancelled++;
	door->state = SEVLM_GUEST_RUNNING;
	return 0;
}

static uint32_t receive_start(struct door *door, uint64_t data)
{
	const struct kvm_sev_receive_start *start = at(data);

	MUST(door->state == SEVLM_GUEST_UNINIT);
	look(start->pdh_uaddr, SEVLM_PDH_SIZE);
	look(start->session_uaddr, SEVLM_SESSION_SIZE);
	door->state = SEVLM_GUEST_RUPDATE;
	return 0;
}

static uint32_t receive_update(struct door *door, uint64_t data)
{
	const struct kvm_sev_receive_update_data *update = at(data);

	MUST(door->state == SEVLM_GUEST_RUPDATE);
	MUST(memory_of_firmware(update->guest_uaddr, update->guest_len));
	MUST(update->trans_len == update->guest_len);
	look(update->hdr_uaddr, update->hdr_len);
	look(update->trans_uaddr, update->trans_len);
	door->packets++;
	return 0;
}

static uint32_t receive_finish(struct door *door, uint64_t data)
{
	(void)data;
	MUST(door->state == SEVLM_GUEST_RUPDATE);
	door->finished++;
	door->state = SEVLM_GUEST_RUNNING;
	return 0;
}

static const struct {
	uint32_t id;
	uint32_t (*issue)(struct door *door, uint64_t data);
} commands[] = {
	{KVM_SEV_GUEST_STATUS, guest_status},
	{KVM_SEV_SEND_START, send_start},
	{KVM_SEV_SEND_UPDATE_DATA, send_update},
	{KVM_SEV_SEND_FINISH, send_finish},
	{KVM_SEV_SEND_CANCEL, send_cancel},
	{KVM_SEV_RECEIVE_START, receive_start},
	{KVM_SEV_RECEIVE_UPDATE_DATA, receive_update},
	{KVM_SEV_RECEIVE_FINISH, receive_finish},
};

/* Does the next one fail? Questions do not count, nor do they fail. */
static bool fails(struct door *door, uint32_t id)
{
	return id != KVM_SEV_GUEST_STATUS && door->fails_in &&
	       !--door->fails_in;
}

static int vm_door(void *ctx, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	struct door *door = ctx;
	bool failing;

	if (request == KVM_CHECK_EXTENSION)
		return 16384;
	if (request != KVM_MEMORY_ENCRYPT_OP || !cmd)
		return -ENOTTY;
	failing = fails(door, cmd->id);
	if (failing && !door->fails_late) {
		cmd->error = door->status;
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (commands[i].id == cmd->id) {
			cmd->error = commands[i].issue(door, cmd->data);
			return failing ? -EFAULT : cmd->error ? -EIO : 0;
		}
	return -EINVAL;
}

const struct certs *door_certs(int whose)
{
	static struct certs certs[2];

	if (!certs[0].amd_bytes) {
		certs_of_seed(&certs[DOOR_OWN], 1);
		certs_of_seed(&certs[DOOR_PEER], 2);
	}
	return &certs[whose];
}

const struct sevlm_trust *door_trust(void)
{
	static struct sevlm_trust *trust;

	if (!trust)
		trust = certs_trust(door_certs(DOOR_OWN));
	return trust;
}

static void platform_status(uint64_t data)
{
	const struct sev_user_data_status status = {.api_minor = 24};

	memcpy(at(data), &status, sizeof(status));
}

static int sev_door(void *ctx, uint32_t request, void *arg)
{
	const struct sev_issue_cmd *issue = arg;
	struct sev_user_data_pdh_cert_export *export;

	(void)ctx;
	if (request == SEV_ISSUE_CMD && issue->cmd == SEV_PLATFORM_STATUS) {
		platform_status(issue->data);
		return 0;
	}
	if (request != SEV_ISSUE_CMD || issue->cmd != SEV_PDH_CERT_EXPORT)
		return -ENOTTY;
	export = at(issue->data);
	memcpy(at(export->pdh_cert_address), door_certs(DOOR_OWN)->pdh, CERT);
	memcpy(at(export->cert_chain_address), door_certs(DOOR_OWN)->chain,
	       3 * CERT);
	return 0;
}

static const struct sevlm_kernel_ops ops = {
	.size = sizeof(ops),
	.vm = vm_door,
	.sev = sev_door,
};

struct sevlm_vm *door_vm(struct door *door)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = -1,
		.sev_fd = -1,
		.kvm_fd = -1,
		.ops = &ops,
		.ops_ctx = door,
	};
	struct sevlm_vm *vm;

	MUST(!sevlm_vm_new(&config, &vm));
	return vm;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: the ioctls of /dev/sev and of a VM
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "smoke.h"

int kvm_fd, sev_fd, vm_type;

/* /dev/sev: the firmware's status */

unsigned int platform(unsigned int cmd, void *data)
{
	struct sev_issue_cmd issue = {
		.cmd = cmd, .data = (uintptr_t)data, .error = NO_CALL,
	};

	if (ioctl(sev_fd, SEV_ISSUE_CMD, &issue) == 0)
		return OK;
	return issue.error;
}

/* This machine's certificates, the chip's key as AMD would sign it */
unsigned int export(struct peer *peer)
{
	struct sev_user_data_pdh_cert_export data = {
		.pdh_cert_address = (uintptr_t)peer->pdh,
		.pdh_cert_len = CERT,
		.cert_chain_address = (uintptr_t)peer->chain,
		.cert_chain_len = CHAIN,
	};
	unsigned int status = platform(SEV_PDH_CERT_EXPORT, &data);

	read_file("/certs/a/cek.cert", peer->chain + 2 * CERT, CERT);
	read_file("/certs/ask_ark.cert", peer->amd, AMD);
	return status;
}

/* Another machine's, from files */
void load(struct peer *peer, const char *chip)
{
	static const char *const names[] = { "pek", "oca", "cek" };
	char path[64];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/certs/%s/%s.cert", chip,
			 names[i]);
		read_file(path, peer->chain + i * CERT, CERT);
	}
	snprintf(path, sizeof(path), "/certs/%s/pdh.cert", chip);
	read_file(path, peer->pdh, CERT);
	read_file("/certs/ask_ark.cert", peer->amd, AMD);
}

unsigned int sev(struct vm *vm, unsigned int id, void *data)
{
	struct kvm_sev_cmd cmd = {
		.id = id, .data = (uintptr_t)data, .error = NO_CALL,
		.sev_fd = sev_fd,
	};

	if (ioctl(vm->fd, KVM_MEMORY_ENCRYPT_OP, &cmd) == 0)
		return OK;
	return cmd.error;
}

static void *room(void)
{
	void *at = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(at != MAP_FAILED, "memory");
	return at;
}

static void slot(struct vm *vm, int number, uint64_t gpa, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = number, .guest_phys_addr = gpa,
		.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory,
	};

	need(!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), "memslot");
}

unsigned int vm_open(struct vm *vm)
{
	struct kvm_enc_region region = { .size = MEMORY };
	uint64_t no_features[6] = {};
	unsigned int status;

	memset(vm, 0, sizeof(*vm));
	vm->vcpu = -1;
	vm->fd = ioctl(kvm_fd, KVM_CREATE_VM, vm_type);
	need(vm->fd >= 0, "KVM_CREATE_VM");
	vm->private = room();
	vm->shared = room();
	slot(vm, 0, 0, vm->shared);
	slot(vm, 1, C_BIT, vm->private);

	status = vm_type == SEV_VM ? sev(vm, SEV_INIT2, no_features) :
		 sev(vm, KVM_SEV_INIT, NULL);
	region.addr = (uintptr_t)vm->private;
	if (!status)
		need(!ioctl(vm->fd, KVM_MEMORY_ENCRYPT_REG_REGION, &region),
		     "KVM_MEMORY_ENCRYPT_REG_REGION");
	return status;
}

/* Whole, with the mapping of its vCPU: else the VM and its ASID stay */
void vm_close(struct vm *vm)
{
	if (vm->vcpu >= 0) {
		munmap(vm->run, vm->run_bytes);
		close(vm->vcpu);
	}
	close(vm->fd);
	munmap(vm->private, MEMORY);
	munmap(vm->shared, MEMORY);
}

unsigned int guest_status(struct vm *vm)
{
	struct kvm_sev_guest_status status = {};

	return sev(vm, KVM_SEV_GUEST_STATUS, &status);
}

unsigned int guest_state(struct vm *vm)
{
	struct kvm_sev_guest_status status = {};

	return sev(vm, KVM_SEV_GUEST_STATUS, &status) ? 0 : status.state;
}

unsigned int launch_start(struct vm *vm, uint32_t policy)
{
	struct kvm_sev_launch_start start = { .policy = policy };

	return sev(vm, KVM_SEV_LAUNCH_START, &start);
}

unsigned int launch_update(struct vm *vm, void *at, uint32_t bytes)
{
	struct kvm_sev_launch_update_data update = {
		.uaddr = (uintptr_t)at, .len = bytes,
	};

	return sev(vm, KVM_SEV_LAUNCH_UPDATE_DATA, &update);
}

unsigned int launch_measure(struct vm *vm, void *at, uint32_t *bytes)
{
	struct kvm_sev_launch_measure data = {
		.uaddr = (uintptr_t)at, .len = *bytes,
	};
	unsigned int status = sev(vm, KVM_SEV_LAUNCH_MEASURE, &data);

	*bytes = data.len;
	return status;
}

/* From nothing to RUNNING, in one piece */
void launch(struct vm *vm, uint32_t policy)
{
	uint8_t measure[48];
	uint32_t bytes = sizeof(measure);

	need(!vm_open(vm) && !launch_start(vm, policy) &&
	     !launch_update(vm, vm->private, MEMORY) &&
	     !launch_measure(vm, measure, &bytes) &&
	     !sev(vm, KVM_SEV_LAUNCH_FINISH, NULL), "launch");
}

unsigned int send_start(struct vm *vm, const struct peer *peer,
			uint8_t *session)
{
	struct kvm_sev_send_start start = {
		.pdh_cert_uaddr = (uintptr_t)peer->pdh, .pdh_cert_len = CERT,
		.plat_certs_uaddr = (uintptr_t)peer->chain,
		.plat_certs_len = CHAIN,
		.amd_certs_uaddr = (uintptr_t)peer->amd, .amd_certs_len = AMD,
		.session_uaddr = (uintptr_t)session, .session_len = SESSION,
	};

	return sev(vm, KVM_SEV_SEND_START, &start);
}

unsigned int send_part(struct vm *vm, void *at, uint32_t bytes,
		       struct packet *packet, uint32_t trans_bytes)
{
	struct kvm_sev_send_update_data update = {
		.hdr_uaddr = (uintptr_t)packet->header, .hdr_len = HEADER,
		.guest_uaddr = (uintptr_t)at, .guest_len = bytes,
		.trans_uaddr = (uintptr_t)packet->data,
		.trans_len = trans_bytes,
	};

	return sev(vm, KVM_SEV_SEND_UPDATE_DATA, &update);
}

unsigned int send_page(struct vm *vm, void *at, struct packet *packet)
{
	return send_part(vm, at, PAGE, packet, PAGE);
}

unsigned int receive_start(struct vm *vm, const uint8_t *pdh,
			   const uint8_t *session, uint32_t policy)
{
	struct kvm_sev_receive_start start = {
		.policy = policy, .pdh_uaddr = (uintptr_t)pdh, .pdh_len = CERT,
		.session_uaddr = (uintptr_t)session, .session_len = SESSION,
	};

	return sev(vm, KVM_SEV_RECEIVE_START, &start);
}

unsigned int receive_part(struct vm *vm, void *at, uint32_t bytes,
			  const struct packet *packet,
			  uint32_t trans_bytes)
{
	struct kvm_sev_receive_update_data update = {
		.hdr_uaddr = (uintptr_t)packet->header, .hdr_len = HEADER,
		.guest_uaddr = (uintptr_t)at, .guest_len = bytes,
		.trans_uaddr = (uintptr_t)packet->data,
		.trans_len = trans_bytes,
	};

	return sev(vm, KVM_SEV_RECEIVE_UPDATE_DATA, &update);
}

unsigned int receive_page(struct vm *vm, void *at,
			  const struct packet *packet)
{
	return receive_part(vm, at, PAGE, packet, PAGE);
}

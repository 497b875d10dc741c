/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two software hosts with a VM each, reached through the kernel door only. */
#ifndef SEVLM_SIM_DOOR_H
#define SEVLM_SIM_DOOR_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include <libsevlm/sim.h>

#include "check-main.h"

#define CERT SEVLM_SIM_CERT_SIZE
#define PAGE 4096u
#define PAGES 8u
#define BYTES (PAGES * PAGE)
#define UNTOUCHED 0xabcdabcdu

struct side {
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *vm;
	uint8_t *ram;
	uint8_t pdh[CERT];
	uint8_t chain[3 * CERT];
	uint8_t amd[SEVLM_SIM_AMD_SIZE];
	uint8_t session[128];
	uint8_t header[52];
	uint8_t trans[PAGE];
	uint32_t error; /* of the last command */
};

static struct side a, b;

static inline uint64_t address(const void *pointer)
{
	return (uintptr_t)pointer;
}

static inline int vm_ioctl(struct side *side, unsigned long request, void *arg)
{
	return sevlm_sim_ops()->vm(side->vm, (uint32_t)request, arg);
}

static inline int command_fd(struct side *side, uint32_t id, void *data,
			     int32_t fd)
{
	struct kvm_sev_cmd cmd = {
		.id = id,
		.data = address(data),
		.error = UNTOUCHED,
		.sev_fd = (uint32_t)fd,
	};
	int rc = vm_ioctl(side, KVM_MEMORY_ENCRYPT_OP, &cmd);

	side->error = cmd.error;
	return rc;
}

static inline int command(struct side *side, uint32_t id, void *data)
{
	return command_fd(side, id, data, SEVLM_SIM_SEV_FD);
}

static inline int dev_sev(struct sevlm_sim_host *host, uint32_t cmd, void *data,
			  uint32_t *error)
{
	struct sev_issue_cmd issue = {
		.cmd = cmd,
		.data = address(data),
		.error = UNTOUCHED,
	};
	int rc = sevlm_sim_host_sev(host, (uint32_t)SEV_ISSUE_CMD, &issue);

	*error = issue.error;
	return rc;
}

static inline int dev(struct side *side, uint32_t cmd, void *data)
{
	return dev_sev(side->host, cmd, data, &side->error);
}

static inline void fetch_certs(struct side *side)
{
	struct sev_user_data_pdh_cert_export export = {
		.pdh_cert_address = address(side->pdh),
		.pdh_cert_len = sizeof(side->pdh),
		.cert_chain_address = address(side->chain),
		.cert_chain_len = sizeof(side->chain),
	};
	uint32_t error;

	ck_assert_int_eq(
		dev_sev(side->host, SEV_PDH_CERT_EXPORT, &export, &error), 0);
	ck_assert_int_eq(sevlm_sim_host_cek(side->host, side->chain + 2 * CERT),
			 0);
	ck_assert_int_eq(sevlm_sim_host_amd(side->host, side->amd), 0);
}

static inline struct sevlm_sim_vm *new_vm(struct sevlm_sim_host *host)
{
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = 5,
		.memory = BYTES,
	};
	struct sevlm_sim_vm *vm;

	ck_assert_int_eq(sevlm_sim_vm_new(host, &config, &vm), 0);
	return vm;
}

static inline void side_up(struct side *side, uint64_t seed)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = seed,
		.asids = 3,
	};

	memset(side, 0, sizeof(*side));
	ck_assert_int_eq(sevlm_sim_host_new(&config, &side->host), 0);
	side->vm = new_vm(side->host);
	side->ram = aligned_alloc(PAGE, BYTES);
	ck_assert_ptr_nonnull(side->ram);
	memset(side->ram, 0, BYTES);
	fetch_certs(side);
}

static inline void side_down(struct side *side)
{
	sevlm_sim_vm_free(side->vm);
	sevlm_sim_host_free(side->host);
	free(side->ram);
}

static inline void sides_up(void)
{
	side_up(&a, 41);
	side_up(&b, 42);
}

static inline void sides_down(void)
{
	side_down(&a);
	side_down(&b);
}

/* another VM in its place */
static inline void renew(struct side *side)
{
	sevlm_sim_vm_free(side->vm);
	side->vm = new_vm(side->host);
}

static inline void plant_status(struct side *side, uint32_t id, uint32_t where,
				uint32_t status, uint32_t times)
{
	struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = id,
		.where = where,
		.times = times,
		.status = status,
		.error = EINTR,
	};

	ck_assert_int_eq(sevlm_sim_host_fail(side->host, &fault), 0);
}

static inline void silence(struct side *side, uint32_t id)
{
	plant_status(side, id, SEVLM_SIM_FAULT_SILENT, 0, 1);
}

static inline uint64_t asked(struct side *side, uint32_t id)
{
	return sevlm_sim_host_commands(side->host, id);
}

static inline void answered(struct side *side, int rc, int expected,
			    uint32_t error)
{
	ck_assert_int_eq(rc, expected);
	ck_assert_uint_eq(side->error, error);
}

static inline void launch(struct side *side, uint32_t policy)
{
	ck_assert_int_eq(
		sevlm_sim_vm_launch(side->vm, side->ram, NULL, 0, policy), 0);
}

static inline int init(struct side *side)
{
	return command(side, KVM_SEV_INIT, NULL);
}

static inline int launch_start(struct side *side)
{
	struct kvm_sev_launch_start params = {0};

	return command(side, KVM_SEV_LAUNCH_START, &params);
}

static inline void prepare(struct side *side)
{
	ck_assert_int_eq(sevlm_sim_vm_prepare(side->vm, side->ram), 0);
}

static inline struct kvm_sev_send_start start_params(struct side *from,
						     struct side *to)
{
	return (struct kvm_sev_send_start){
		.policy = UNTOUCHED,
		.pdh_cert_uaddr = address(to->pdh),
		.pdh_cert_len = sizeof(to->pdh),
		.plat_certs_uaddr = address(to->chain),
		.plat_certs_len = sizeof(to->chain),
		.amd_certs_uaddr = address(to->amd),
		.amd_certs_len = sizeof(to->amd),
		.session_uaddr = address(from->session),
		.session_len = sizeof(from->session),
	};
}

static inline int send_start(struct side *from, struct side *to)
{
	struct kvm_sev_send_start params = start_params(from, to);

	return command(from, KVM_SEV_SEND_START, &params);
}

static inline struct kvm_sev_receive_start receive_params(struct side *from)
{
	return (struct kvm_sev_receive_start){
		.pdh_uaddr = address(from->pdh),
		.pdh_len = sizeof(from->pdh),
		.session_uaddr = address(from->session),
		.session_len = sizeof(from->session),
	};
}

static inline int receive_start(struct side *from, struct side *to)
{
	struct kvm_sev_receive_start params = receive_params(from);

	return command(to, KVM_SEV_RECEIVE_START, &params);
}

static inline struct kvm_sev_send_update_data send_params(struct side *from,
							  uint32_t page)
{
	return (struct kvm_sev_send_update_data){
		.hdr_uaddr = address(from->header),
		.hdr_len = sizeof(from->header),
		.guest_uaddr = address(from->ram + page * PAGE),
		.guest_len = PAGE,
		.trans_uaddr = address(from->trans),
		.trans_len = sizeof(from->trans),
	};
}

static inline int send_page(struct side *from, uint32_t page)
{
	struct kvm_sev_send_update_data params = send_params(from, page);

	return command(from, KVM_SEV_SEND_UPDATE_DATA, &params);
}

static inline struct kvm_sev_receive_update_data update_params(
	struct side *from, struct side *to, uint32_t page)
{
	return (struct kvm_sev_receive_update_data){
		.hdr_uaddr = address(from->header),
		.hdr_len = sizeof(from->header),
		.guest_uaddr = address(to->ram + page * PAGE),
		.guest_len = PAGE,
		.trans_uaddr = address(from->trans),
		.trans_len = sizeof(from->trans),
	};
}

static inline int receive_page(struct side *from, struct side *to,
			       uint32_t page)
{
	struct kvm_sev_receive_update_data params =
		update_params(from, to, page);

	return command(to, KVM_SEV_RECEIVE_UPDATE_DATA, &params);
}

static inline uint32_t guest_state(struct side *side)
{
	struct kvm_sev_guest_status status = {0};

	ck_assert_int_eq(command(side, KVM_SEV_GUEST_STATUS, &status), 0);
	return status.state;
}

#endif /* SEVLM_SIM_DOOR_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A guest to be sent by a kernel that follows a script, and its target's
 * certificates. */
#ifndef SEVLM_SEND_FIXTURE_H
#define SEVLM_SEND_FIXTURE_H

#include <errno.h>
#include <string.h>

#include "certs.h"
#include "check-main.h"
#include "internal.h"
#include "script.h"

#define RAM_GPA 0x100000ull
#define RAM_BYTES 0x8000ull
#define SKIP_GPA 0x200000ull
#define SHARED_GPA 0x300000ull
#define PRIVATE_GPA 0x400000ull

static struct script script;
static struct sevlm_vm *vm;
static struct sevlm_send *send;
static struct certs certs;
static struct sevlm_trust *trust;
static struct sevlm_peer peer;
static uint8_t ram[RAM_BYTES] __attribute__((aligned(PAGE_SIZE)));

static inline void add(uint64_t gpa, uint32_t type)
{
	ck_assert_int_eq(sevlm_vm_add_region(vm, gpa, RAM_BYTES, ram, type), 0);
}

/* once: chains take their time to make */
static inline void make_all(void)
{
	certs_of_seed(&certs, 21);
	trust = certs_trust(&certs);
	peer = certs_peer(&certs);
}

static inline void set_up(void)
{
	vm = script_vm(&script);
	send = NULL;
	add(RAM_GPA, SEVLM_REGION_TRACKED);
	add(SKIP_GPA, SEVLM_REGION_SKIP);
	add(SHARED_GPA, SEVLM_REGION_SHARED);
	add(PRIVATE_GPA, SEVLM_REGION_PRIVATE);
}

static inline void tear_down(void)
{
	script_end(&script);
	sevlm_vm_free(vm);
}

static inline void consent(void)
{
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
	ck_assert_int_eq(sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, 1), 0);
}

static inline void give_pdh(const struct script_step *step, void *params)
{
	struct sev_user_data_pdh_cert_export *data = params;

	(void)step;
	memset((void *)(uintptr_t)data->pdh_cert_address, 0x51, SEVLM_PDH_SIZE);
	memset((void *)(uintptr_t)data->cert_chain_address, 0x53,
	       SEVLM_CHAIN_SIZE);
}

static inline void give_session(const struct script_step *step, void *params)
{
	struct kvm_sev_send_start *data = params;

	(void)step;
	memset((void *)(uintptr_t)data->session_uaddr, 0x52, data->session_len);
	data->policy = SEVLM_POLICY_NODBG | SEVLM_POLICY_SEV;
}

#define STEP_RUNNING                                                           \
	{                                                                      \
		.id = KVM_SEV_GUEST_STATUS,                                    \
		.answer =                                                      \
			&(const struct kvm_sev_guest_status){                  \
				.policy =                                      \
					SEVLM_POLICY_NODBG | SEVLM_POLICY_SEV, \
				.state = SEVLM_GUEST_RUNNING},                 \
		.bytes = sizeof(struct kvm_sev_guest_status)                   \
	}
#define STEP_PDH                                                               \
	{                                                                      \
		.door = SCRIPT_SEV, .id = SEV_PDH_CERT_EXPORT,                 \
		.look = give_pdh                                               \
	}
#define STEP_START                                                             \
	{                                                                      \
		.id = KVM_SEV_SEND_START, .look = give_session                 \
	}
#define STEPS_TO_START                                                         \
	STEP_RUNNING, STEP_PDH, SCRIPT_SESSION(SEVLM_SESSION_SIZE)

static inline int start(void)
{
	return sevlm_send_start(vm, &peer, trust, &send);
}

/* each case with a guest of its own */
static inline int run_cases(const char *name, void (*add_to)(TCase *tcase))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_to(tcase);
	suite_add_tcase(suite, tcase);
	make_all();
	failed = run_suite(suite);
	sevlm_trust_free(trust);
	return failed;
}

#endif /* SEVLM_SEND_FIXTURE_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What facts mean: every code of the library's table is provoked here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check-cases.h"
#include "check-main.h"
#include "internal.h"
#include "script.h"
#include "uapi/kvm_shared_list.h"

static struct sevlm_findings *list;
static struct script script;

static void set_up(void)
{
	ck_assert_int_eq(sevlm_findings_new(&list), 0);
}

static void tear_down(void)
{
	sevlm_findings_free(list);
	list = NULL;
}

static void afresh(void)
{
	tear_down();
	set_up();
}

static uint32_t count(void)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};
	uint32_t i = 0;

	while (!sevlm_findings_get(list, i, &finding))
		i++;
	return i;
}

/* by code; its severity, 0 where it is not in the list */
static uint32_t found(const char *prefix, const char *code)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	for (uint32_t i = 0; !sevlm_findings_get(list, i, &finding); i++)
		if (!strncmp(finding.code, prefix, strlen(prefix)) &&
		    !strcmp(finding.code + strlen(prefix), code))
			return finding.severity;
	return 0;
}

static const char *message(uint32_t index)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	ck_assert_int_eq(sevlm_findings_get(list, index, &finding), 0);
	return finding.message;
}

/* ---- hosts: one good host, and what is wrong with others ---- */

static struct sevlm_host changed(const struct change *changes)
{
	struct sevlm_host host = good;
	uint32_t word;

	for (int i = 0; i < 2 && changes[i].bits; i++) {
		memcpy(&word, (char *)&host + changes[i].offset, sizeof(word));
		word ^= changes[i].bits;
		memcpy((char *)&host + changes[i].offset, &word, sizeof(word));
	}
	return host;
}

static void check_case(const struct host_case *at, bool at_target)
{
	struct sevlm_host host = changed(at->changes);

	if (at_target)
		ck_assert_int_eq(sevlm_check_target(0, at->memory, &host, list),
				 0);
	else
		ck_assert_int_eq(sevlm_check_host(&host, at->memory, list), 0);
}

/* SEV-ES is named beside what follows from it, the rest stands alone */
static uint32_t beside(const struct host_case *at)
{
	return at->finding == SEVLM__ASIDS_SHORT ? 2 : 1;
}

START_TEST(of_this_host)
{
	const struct host_case *at = &host_cases[_i];
	const struct sevlm__finding_text *row =
		&sevlm__finding_texts[at->finding];

	check_case(at, false);
	ck_assert_uint_eq(found("", row->code), row->severity);
	ck_assert_uint_eq(count(), beside(at));
}
END_TEST

START_TEST(of_the_target)
{
	const struct host_case *at = &host_cases[_i];
	const struct sevlm__finding_text *row =
		&sevlm__finding_texts[at->finding];

	check_case(at, true);
	ck_assert_uint_eq(found(SEVLM__TARGET_PREFIX, row->code),
			  row->at_target);
	ck_assert_uint_eq(count(), beside(at));
	ck_assert(!strncmp(message(0), "On the target: ", 15));
}
END_TEST

START_TEST(nothing_wrong)
{
	ck_assert_int_eq(sevlm_check_host(&good, 0, list), 0);
	ck_assert_int_eq(sevlm_check_host(&good, MEMLOCK, list), 0);
	ck_assert_int_eq(sevlm_check_target(0, MEMLOCK, &good, list), 0);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* sending is what this host is for, receiving what the target is for */
START_TEST(roles)
{
	static const struct {
		uint32_t command, here, there;
		const char *code;
	} cases[] = {
		{SEVLM_COMMAND_SEND_START, SEVLM_SEVERITY_BLOCKER,
		 SEVLM_SEVERITY_WARNING, "send-missing"},
		{SEVLM_COMMAND_RECEIVE_START, SEVLM_SEVERITY_WARNING,
		 SEVLM_SEVERITY_BLOCKER, "receive-missing"},
		{SEVLM_COMMAND_SEND_CANCEL, SEVLM_SEVERITY_WARNING,
		 SEVLM_SEVERITY_INFO, "send-cancel-missing"},
	};
	struct sevlm_host host = good;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		host.commands = ALL_COMMANDS ^ cases[i].command;
		ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
		ck_assert_int_eq(sevlm_check_target(0, 0, &host, list), 0);
		ck_assert_uint_eq(found("", cases[i].code), cases[i].here);
		ck_assert_uint_eq(found(SEVLM__TARGET_PREFIX, cases[i].code),
				  cases[i].there);
	}
}
END_TEST

static const struct {
	int error;
	const char *ending;
} errnos[] = {
	{ENOENT, "missing"},   {ENODEV, "missing"},   {ENXIO, "missing"},
	{EACCES, "no-access"}, {EPERM, "no-access"},  {EBUSY, "unusable"},
	{ENOTTY, "unusable"},  {ENOTSUP, "unusable"}, {4095, "unusable"},
};

START_TEST(devices)
{
	struct sevlm_host host = good;
	char code[64];

	host.kvm_error = host.sev_error = errnos[_i].error;
	host.flags = 0;
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
	snprintf(code, sizeof(code), "kvm-%s", errnos[_i].ending);
	ck_assert_uint_eq(found("", code), SEVLM_SEVERITY_BLOCKER);
	snprintf(code, sizeof(code), "sev-device-%s", errnos[_i].ending);
	ck_assert_uint_eq(found("", code), SEVLM_SEVERITY_BLOCKER);
	/* what follows from them is not said again */
	ck_assert_uint_eq(count(), 2);
	ck_assert_ptr_nonnull(strstr(message(0), errnos[_i].error == 4095
							 ? "unknown errno"
							 : "(E"));
}
END_TEST

START_TEST(another_api)
{
	struct sevlm_host host = good;

	host.kvm_api = 11;
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
	ck_assert_uint_eq(found("", "kvm-unusable"), SEVLM_SEVERITY_BLOCKER);
	ck_assert_str_eq(message(0),
			 "/dev/kvm cannot be used (its API version is 11).");
}
END_TEST

/* with SEV off every command looks known, or none does: neither is said */
START_TEST(sev_off_stands_alone)
{
	struct sevlm_host host = good;

	host.flags &= ~SEVLM_HOST_SEV;
	host.commands = host.commands_known = 0;
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(found("", "sev-off"), SEVLM_SEVERITY_BLOCKER);
}
END_TEST

START_TEST(firmware_ages)
{
	static const struct {
		uint32_t major, minor, old;
	} cases[] = {{0, 16, 1}, {0, 17, 0}, {1, 0, 0}, {0, 0, 1}, {1, 55, 0}};
	struct sevlm_host host = good;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		afresh();
		host.api_major = cases[i].major;
		host.api_minor = cases[i].minor;
		ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
		ck_assert_uint_eq(count(), cases[i].old);
	}
}
END_TEST

START_TEST(asids_not_known)
{
	struct sevlm_host host = good;

	host.asids = 0;
	host.guests = 1000;
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
	host.asids = 1001;
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(without_limit)
{
	struct sevlm_host host = good;

	host.memlock = UINT64_MAX;
	ck_assert_int_eq(sevlm_check_host(&host, UINT64_MAX, list), 0);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(arguments)
{
	struct sevlm_vm *vm = script_vm(&script);
	struct sevlm_host host = good;

	ck_assert_int_eq(sevlm_check_host(NULL, 0, list), -EINVAL);
	ck_assert_int_eq(sevlm_check_host(&good, 0, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_check_target(0, 0, NULL, list), -EINVAL);
	ck_assert_int_eq(sevlm_check_target(0, 0, &good, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_check_vm(NULL, list), -EINVAL);
	ck_assert_int_eq(sevlm_check_vm(vm, NULL), -EINVAL);
	host.size--;
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), -EINVAL);
	ck_assert_int_eq(sevlm_check_target(0, 0, &host, list), -EINVAL);
	ck_assert_uint_eq(count(), 0);
	sevlm_vm_free(vm);
}
END_TEST

/* ---- guests ---- */

static void happens(struct sevlm_vm *vm, char what)
{
	static const uint64_t nonsense[6] = {1};
	uint64_t value;

	if (what == 'o')
		ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
	else if (what == 'r' || what == 'w')
		ck_assert_int_eq(sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL,
						what == 'r'),
				 0);
	else if (what == 's')
		sevlm_vm_rdmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, &value);
	else if (what == 'x')
		ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, nonsense, &value),
				 0);
	else if (what == 'h')
		ck_assert_int_eq(sevlm_vm_hang_up(vm), 0);
	else
		ck_assert_int_eq(sevlm_vm_reset(vm), 0);
}

static void check_guest(const struct guest_case *at)
{
	const struct kvm_sev_guest_status status = {
		.policy = at->policy,
		.state = at->state,
	};
	struct sevlm_vm *vm = script_vm(&script);

	for (const char *did = at->did; *did; did++)
		happens(vm, *did);
	SCRIPT_PLAY(&script, {.door = SCRIPT_VM,
			      .id = KVM_SEV_GUEST_STATUS,
			      .ret = at->refused,
			      .asked = at->refused == -EIO,
			      .status = at->refused ? 0x10 : 0,
			      .answer = &status,
			      .bytes = at->refused ? 0 : sizeof(status)});
	ck_assert_int_eq(sevlm_check_vm(vm, list), 0);
	script_end(&script);
	sevlm_vm_free(vm);
}

START_TEST(of_the_guest)
{
	const struct guest_case *at = &guest_cases[_i];
	const struct sevlm__finding_text *row =
		&sevlm__finding_texts[at->finding];

	check_guest(at);
	ck_assert_uint_eq(found("", row->code), row->severity);
	ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(a_guest_that_can_go)
{
	static const struct guest_case ways[] = {
		{.did = "or", .state = RUNNING, .policy = SEVLM_POLICY_NODBG},
		{.did = "orwr", .state = RUNNING, .policy = SEVLM_POLICY_NOKS},
		{.did = "orxRr", .state = RUNNING},
		{.did = "orhRr", .state = RUNNING},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		check_guest(&ways[i]);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(why_it_is_not_ready)
{
	static const struct guest_case silent = {
		.did = "o", .state = RUNNING,
	};
	static const struct guest_case spoke = {
		.did = "os", .state = RUNNING,
	};
	struct sevlm_finding finding = {.size = sizeof(finding)};

	check_guest(&silent);
	check_guest(&spoke);
	ck_assert_ptr_nonnull(strstr(message(0), "nor called at all"));
	ck_assert_ptr_nonnull(strstr(message(1), "but it has called"));
	ck_assert_int_eq(sevlm_findings_get(list, 0, &finding), 0);
	ck_assert_ptr_nonnull(strstr(finding.remedy, "older than 5.16"));
	ck_assert_ptr_nonnull(strstr(finding.remedy, "bit 17"));
	ck_assert_ptr_nonnull(
		strstr(finding.remedy, "SevLiveMigrationEnabled"));
}
END_TEST

START_TEST(what_the_firmware_said)
{
	static const struct guest_case refused = {
		.did = "or", .refused = -EIO,
	};

	check_guest(&refused);
	ck_assert_ptr_nonnull(strstr(message(0), "INVALID_GUEST"));
}
END_TEST

/* ---- guests whose page states the kernel keeps ---- */

static struct kernel_list {
	uint32_t flags;
	int error;
} kernel_list;

static int list_door(void *ctx, uint32_t request, void *arg)
{
	struct kvm_shared_pages_list *data = arg;
	struct kvm_sev_cmd *cmd = arg;

	(void)ctx;
	if (request == KVM_MEMORY_ENCRYPT_OP) {
		*(struct kvm_sev_guest_status *)(uintptr_t)cmd->data =
			(struct kvm_sev_guest_status){.state = RUNNING};
		return 0;
	}
	ck_assert_uint_eq(request, (uint32_t)KVM_GET_SHARED_PAGES_LIST);
	data->flags = kernel_list.flags;
	data->nents = 0;
	data->cursor = KVM_SHARED_PAGES_DONE;
	return kernel_list.error;
}

static struct sevlm_vm *listed_vm(void)
{
	const struct sevlm_kernel_ops ops = {
		.size = sizeof(ops), .vm = list_door, .sev = list_door,
	};
	const struct sevlm_vm_config config = {
		.size = sizeof(config), .vm_fd = -1, .sev_fd = 1, .kvm_fd = -1,
		.ops = &ops,
	};
	struct sevlm_vm *vm;

	kernel_list = (struct kernel_list){0};
	ck_assert_int_eq(sevlm_vm_new(&config, &vm), 0);
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
	ck_assert_int_eq(sevlm_vm_use_states(vm, SEVLM_STATES_LIST), 0);
	return vm;
}

static void check_listed(struct sevlm_vm *vm, const char *code)
{
	afresh();
	ck_assert_int_eq(sevlm_check_vm(vm, list), 0);
	ck_assert_uint_eq(count(), *code ? 1 : 0);
	if (*code)
		ck_assert_uint_eq(found("", code), SEVLM_SEVERITY_BLOCKER);
}

START_TEST(as_the_kernel_has_it)
{
	struct sevlm_vm *vm = listed_vm();

	check_listed(vm, "never-ready");
	ck_assert_str_eq(message(0), "The guest has not said that it is "
				     "ready.");
	kernel_list.flags = KVM_SHARED_PAGES_READY;
	check_listed(vm, "");
	kernel_list.flags = 0;
	check_listed(vm, "ready-withdrawn");
	kernel_list.flags = KVM_SHARED_PAGES_READY |
			    KVM_SHARED_PAGES_INCOMPLETE;
	check_listed(vm, "incomplete");
	sevlm_vm_free(vm);
}
END_TEST

static void provoke_states_silent(void)
{
	struct sevlm_vm *vm = listed_vm();

	kernel_list.flags = KVM_SHARED_PAGES_READY;
	ck_assert_int_eq(sevlm_vm_sync_states(vm, 0), 0);
	kernel_list.error = -ENOTTY;
	ck_assert_int_eq(sevlm_check_vm(vm, list), 0);
	sevlm_vm_free(vm);
}

START_TEST(states_silent)
{
	provoke_states_silent();
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(found("", "states-silent"), SEVLM_SEVERITY_BLOCKER);
	ck_assert_ptr_nonnull(strstr(message(0), "ENOTTY"));
}
END_TEST

/* ---- a policy and a target ---- */

START_TEST(firmware_floor)
{
	static const struct {
		uint32_t policy, findings;
	} cases[] = {
		{0x18000000, 0}, /* 0.24 */
		{0x19000000, 1}, /* 0.25 */
		{0x11000000, 0}, /* 0.17 */
		{0x00010000, 1}, /* 1.0 */
		{0xffff0000, 1},
		{0x00000001, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		afresh();
		ck_assert_int_eq(sevlm_check_target(cases[i].policy, 0, &good,
						    list),
				 0);
		ck_assert_uint_eq(count(), cases[i].findings);
		ck_assert_uint_eq(found("", "target-firmware-floor"),
				  cases[i].findings ? SEVLM_SEVERITY_BLOCKER
						    : 0);
	}
}
END_TEST

/* firmware that says nothing is not called too old besides */
START_TEST(floor_of_silent_firmware)
{
	struct sevlm_host host = good;

	host.flags &= ~SEVLM_HOST_FIRMWARE;
	host.api_minor = 0;
	ck_assert_int_eq(sevlm_check_target(0x19000000, 0, &host, list), 0);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(found("", "target-firmware-silent"),
			  SEVLM_SEVERITY_BLOCKER);
}
END_TEST

/* the policy is asked about twice and told once */
START_TEST(policy_once)
{
	static const struct guest_case guest = {
		.did = "or", .state = RUNNING, .policy = SEVLM_POLICY_NOSEND,
	};

	check_guest(&guest);
	ck_assert_int_eq(sevlm_check_target(SEVLM_POLICY_NOSEND, 0, &good,
					    list),
			 0);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(found("", "policy-nosend"), SEVLM_SEVERITY_BLOCKER);
}
END_TEST

/* ---- and every code of the table was among them ---- */

static void provoke_all(void)
{
	for (int i = 0; i < HOST_CASES; i++) {
		check_case(&host_cases[i], false);
		check_case(&host_cases[i], true);
	}
	for (int i = 0; i < GUEST_CASES; i++)
		check_guest(&guest_cases[i]);
	provoke_states_silent();
	ck_assert_int_eq(sevlm_check_target(0xff000000, 0, &good, list), 0);
}

START_TEST(every_code)
{
	const struct sevlm__finding_text *row = &sevlm__finding_texts[_i];

	provoke_all();
	ck_assert_msg(found("", row->code), "nothing provokes %s", row->code);
	if (_i < SEVLM__OF_A_GUEST)
		ck_assert_msg(found(SEVLM__TARGET_PREFIX, row->code),
			      "nothing provokes it of a target: %s", row->code);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("check");
	TCase *host = tcase_create("host");
	TCase *guest = tcase_create("guest");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(host, set_up, tear_down);
	tcase_add_loop_test(host, of_this_host, 0, HOST_CASES);
	tcase_add_loop_test(host, of_the_target, 0, HOST_CASES);
	tcase_add_test(host, nothing_wrong);
	tcase_add_test(host, roles);
	tcase_add_loop_test(host, devices, 0, ARRAY_SIZE(errnos));
	tcase_add_test(host, another_api);
	tcase_add_test(host, sev_off_stands_alone);
	tcase_add_test(host, firmware_ages);
	tcase_add_test(host, asids_not_known);
	tcase_add_test(host, without_limit);
	tcase_add_test(host, arguments);
	tcase_add_test(host, firmware_floor);
	tcase_add_test(host, floor_of_silent_firmware);
	tcase_add_checked_fixture(guest, set_up, tear_down);
	tcase_add_loop_test(guest, of_the_guest, 0, GUEST_CASES);
	tcase_add_test(guest, a_guest_that_can_go);
	tcase_add_test(guest, why_it_is_not_ready);
	tcase_add_test(guest, what_the_firmware_said);
	tcase_add_test(guest, as_the_kernel_has_it);
	tcase_add_test(guest, states_silent);
	tcase_add_test(guest, policy_once);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_loop_test(all, every_code, 0, SEVLM__FINDINGS);
	suite_add_tcase(suite, host);
	suite_add_tcase(suite, guest);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is asked of a host, and what becomes of the answers. */
#include <errno.h>
#include <string.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

#include "check-main.h"
#include "internal.h"

#define SHARED_LIST 0x53454c4du
#define PACKET_SIZE 0x53454c50u
#define SEV_FD 55
#define ASKED_MAX 32

/* a kernel that answers by a table and writes down what it was asked */
static struct door {
	int api;
	struct {
		uint32_t cap;
		int answer;
	} caps[8];
	int no_command;	   /* to the NULL command */
	int guest_status;  /* to GUEST_STATUS */
	int unknown;	   /* to ids that are not known */
	int known;	   /* to those that are */
	uint32_t lacks[8]; /* ids of SEND and RECEIVE */
	int status;	   /* to PLATFORM_STATUS */
	struct sev_user_data_status platform;
	uint32_t asked[ASKED_MAX]; /* ids, at the scratch VM */
	uint32_t count;
	uint32_t nulls, at_host, at_sev;
} door;

static struct sevlm_host host;

static int host_door(void *ctx, uint32_t request, void *arg)
{
	struct door *d = ctx;

	d->at_host++;
	if (request == KVM_GET_API_VERSION) {
		ck_assert_ptr_null(arg);
		return d->api;
	}
	ck_assert_uint_eq(request, KVM_CHECK_EXTENSION);
	for (size_t i = 0; i < ARRAY_SIZE(d->caps); i++)
		if (d->caps[i].cap == (uintptr_t)arg)
			return d->caps[i].answer;
	return 0;
}

static bool is_known(const struct door *d, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(d->lacks); i++)
		if (d->lacks[i] == id)
			return false;
	return id <= KVM_SEV_SEND_CANCEL && id != KVM_SEV_SEND_UPDATE_VMSA &&
	       id != KVM_SEV_RECEIVE_UPDATE_VMSA;
}

static int vm_door(void *ctx, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	struct door *d = ctx;

	ck_assert_uint_eq(request, KVM_MEMORY_ENCRYPT_OP);
	if (!cmd) {
		d->nulls++;
		return d->no_command;
	}
	/* nothing that a command could work on */
	ck_assert_uint_eq(cmd->data, 0);
	ck_assert_uint_eq(cmd->sev_fd, SEV_FD);
	ck_assert_uint_lt(d->count, ASKED_MAX);
	d->asked[d->count++] = cmd->id;
	if (cmd->id == KVM_SEV_GUEST_STATUS)
		return d->guest_status;
	/* KVM has it so for this one, known or not */
	if (cmd->id == KVM_SEV_RECEIVE_UPDATE_DATA)
		return -EINVAL;
	return is_known(d, cmd->id) ? d->known : d->unknown;
}

static int sev_door(void *ctx, uint32_t request, void *arg)
{
	struct sev_issue_cmd *cmd = arg;
	struct door *d = ctx;

	d->at_sev++;
	ck_assert_uint_eq(request, (uint32_t)SEV_ISSUE_CMD);
	ck_assert_uint_eq(cmd->cmd, SEV_PLATFORM_STATUS);
	memcpy((void *)(uintptr_t)cmd->data, &d->platform, sizeof(d->platform));
	return d->status;
}

static const struct sevlm_kernel_ops ops = {
	.size = sizeof(ops),
	.vm = vm_door,
	.sev = sev_door,
	.host = host_door,
};

static const struct sevlm_probe all = {
	.size = sizeof(all),
	.kvm_fd = 53,
	.sev_fd = SEV_FD,
	.scratch_vm_fd = 54,
	.asids = 7,
	.memlock = 1234567,
	.ops = &ops,
	.ops_ctx = &door,
};

static void set_up(void)
{
	door = (struct door){
		.api = 12,
		.caps = {{KVM_CAP_EXIT_HYPERCALL, 1 << 12},
			 {KVM_CAP_X86_USER_SPACE_MSR, 1},
			 {KVM_CAP_X86_MSR_FILTER, 1}},
		.guest_status = -ENOTTY,
		.known = -ENOTTY,
		.unknown = -EINVAL,
		.platform = {.api_minor = 24, .build = 9, .state = 1,
			     .guest_count = 3},
	};
	memset(&host, 0xff, sizeof(host));
	host.size = sizeof(host);
}

static void probe(void)
{
	ck_assert_int_eq(sevlm_probe_host(&all, &host), 0);
}

static void check_facts(uint32_t flags, uint32_t commands)
{
	ck_assert_int_eq(host.kvm_error, 0);
	ck_assert_int_eq(host.sev_error, 0);
	ck_assert_uint_eq(host.kvm_api, 12);
	ck_assert_uint_eq(host.flags, flags);
	ck_assert_uint_eq(host.commands, commands);
	ck_assert_uint_eq(host.asids, 7);
	ck_assert_uint_eq(host.memlock, 1234567);
	ck_assert_uint_eq(host.exit_hypercall, 1 << 12);
	ck_assert_uint_eq(host.api_major, 0);
	ck_assert_uint_eq(host.api_minor, 24);
	ck_assert_uint_eq(host.build, 9);
	ck_assert_uint_eq(host.guests, 3);
	ck_assert_uint_eq(host.platform_state, 1);
}

#define BASE                                                                   \
	(SEVLM_HOST_SEV | SEVLM_HOST_FIRMWARE | SEVLM_HOST_USER_MSR |          \
	 SEVLM_HOST_MSR_FILTER)

START_TEST(everything)
{
	probe();
	check_facts(BASE, 0x7f);
	ck_assert_uint_eq(host.commands_known, 1);
	ck_assert_uint_eq(host.size, sizeof(host));
}
END_TEST

/* ---- commands ---- */

/* never asked: it tells nothing; and nothing that a guest would miss */
START_TEST(what_is_asked)
{
	static const uint32_t ids[] = {
		KVM_SEV_SEND_START,    KVM_SEV_SEND_UPDATE_DATA,
		KVM_SEV_SEND_FINISH,   KVM_SEV_SEND_CANCEL,
		KVM_SEV_RECEIVE_START, KVM_SEV_RECEIVE_FINISH,
	};

	probe();
	ck_assert_uint_eq(door.nulls, 1);
	ck_assert_uint_eq(door.count, 2 + ARRAY_SIZE(ids));
	ck_assert_uint_eq(door.asked[0], KVM_SEV_GUEST_STATUS);
	ck_assert(!is_known(&door, door.asked[1]));
	ck_assert_mem_eq(&door.asked[2], ids, sizeof(ids));
}
END_TEST

/* KVM with SEV off, or on another processor */
START_TEST(sev_off)
{
	door.no_command = -ENOTTY;
	door.unknown = -ENOTTY;
	probe();
	check_facts(BASE & ~SEVLM_HOST_SEV, 0);
	ck_assert_uint_eq(host.commands_known, 0);
	ck_assert_uint_eq(door.count, 2);
}
END_TEST

/* KVM without the call at all */
START_TEST(no_such_ioctl)
{
	door.no_command = door.guest_status = -EINVAL;
	door.known = -EINVAL;
	probe();
	check_facts(BASE & ~SEVLM_HOST_SEV, 0);
	ck_assert_uint_eq(host.commands_known, 0);
	ck_assert_uint_eq(door.count, 1);
}
END_TEST

/* a guest in the scratch VM's place is asked for its state, and that is all */
static const int of_a_guest[] = {0, -EFAULT, -EIO, -EBADF, -EINVAL, -EBUSY};

START_TEST(not_a_scratch_vm)
{
	door.guest_status = of_a_guest[_i];
	door.known = 0;
	probe();
	check_facts(BASE, 0);
	ck_assert_uint_eq(host.commands_known, 0);
	ck_assert_uint_eq(door.count, 1);
	ck_assert_uint_eq(door.asked[0], KVM_SEV_GUEST_STATUS);
}
END_TEST

static const struct {
	uint32_t lacks[8];
	uint32_t commands;
} kernels[] = {
	{{KVM_SEV_SEND_START, KVM_SEV_SEND_UPDATE_DATA, KVM_SEV_SEND_FINISH,
	  KVM_SEV_SEND_CANCEL, KVM_SEV_RECEIVE_START,
	  KVM_SEV_RECEIVE_UPDATE_DATA, KVM_SEV_RECEIVE_FINISH}, 0},
	{{KVM_SEV_SEND_CANCEL}, 0x77},
	{{KVM_SEV_SEND_START}, 0x7e},
	{{KVM_SEV_SEND_UPDATE_DATA}, 0x7d},
	{{KVM_SEV_SEND_FINISH}, 0x7b},
	{{KVM_SEV_RECEIVE_START}, 0x4f},
	{{KVM_SEV_RECEIVE_FINISH}, 0x1f},
};

START_TEST(older_kernels)
{
	memcpy(door.lacks, kernels[_i].lacks, sizeof(door.lacks));
	probe();
	check_facts(BASE, kernels[_i].commands);
	ck_assert_uint_eq(host.commands_known, 1);
}
END_TEST

/* ---- capabilities ---- */

static const struct {
	uint32_t cap;
	int answer;
	uint32_t flag;
} caps[] = {
	{KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 3, SEVLM_HOST_MANUAL_PROTECT},
	{KVM_CAP_DIRTY_LOG_RING, 65536, SEVLM_HOST_DIRTY_RING},
	{SHARED_LIST, 1, SEVLM_HOST_SHARED_LIST},
	{SHARED_LIST, 3, SEVLM_HOST_SHARED_LIST},
	{PACKET_SIZE, 16384, SEVLM_HOST_BLOCKS},
	{PACKET_SIZE, 65536, SEVLM_HOST_BLOCKS},
	{PACKET_SIZE, 16383, 0},
	{KVM_CAP_DIRTY_LOG_RING, 0, 0},
	{KVM_CAP_DIRTY_LOG_RING, -EINVAL, 0},
};

START_TEST(capabilities)
{
	door.caps[3].cap = caps[_i].cap;
	door.caps[3].answer = caps[_i].answer;
	probe();
	check_facts(BASE | caps[_i].flag, 0x7f);
}
END_TEST

START_TEST(no_capabilities)
{
	memset(door.caps, 0, sizeof(door.caps));
	probe();
	ck_assert_uint_eq(host.flags, SEVLM_HOST_SEV | SEVLM_HOST_FIRMWARE);
	ck_assert_uint_eq(host.exit_hypercall, 0);
	door.caps[0].cap = KVM_CAP_EXIT_HYPERCALL;
	door.caps[0].answer = -EINVAL;
	probe();
	ck_assert_uint_eq(host.exit_hypercall, 0);
}
END_TEST

START_TEST(ignore_msrs)
{
	struct sevlm_probe by_vmm = all;

	by_vmm.ignore_msrs = 1;
	ck_assert_int_eq(sevlm_probe_host(&by_vmm, &host), 0);
	check_facts(BASE | SEVLM_HOST_IGNORE_MSRS, 0x7f);
	by_vmm.ignore_msrs = -1;
	ck_assert_int_eq(sevlm_probe_host(&by_vmm, &host), 0);
	check_facts(BASE, 0x7f);
}
END_TEST

/* ---- the firmware ---- */

static const struct {
	uint32_t flags, host;
} platforms[] = {
	{0x1, SEVLM_HOST_EXTERNAL_OWNER},
	{0x100, SEVLM_HOST_ES},
	{0x101, SEVLM_HOST_ES | SEVLM_HOST_EXTERNAL_OWNER},
	{0xfffffefe, 0},
};

START_TEST(platform_flags)
{
	door.platform.flags = platforms[_i].flags;
	probe();
	check_facts(BASE | platforms[_i].host, 0x7f);
}
END_TEST

static const struct {
	int ret, error;
} refusals[] = {
	{-EIO, 0},	   {-ETIMEDOUT, 0},   {-EBUSY, 0},
	{-ENODEV, ENODEV}, {-ENOTTY, ENOTTY}, {-EBADF, EBADF},
	{-EINVAL, EINVAL},
};

START_TEST(platform_refused)
{
	door.status = refusals[_i].ret;
	probe();
	ck_assert_int_eq(host.sev_error, refusals[_i].error);
	ck_assert_uint_eq(host.flags, BASE & ~SEVLM_HOST_FIRMWARE);
	ck_assert_uint_eq(host.api_minor, 0);
	ck_assert_uint_eq(host.guests, 0);
}
END_TEST

/* ---- doors and arguments ---- */

START_TEST(files_that_did_not_open)
{
	struct sevlm_probe none = all;

	none.kvm_fd = -EACCES;
	none.sev_fd = -ENOENT;
	none.scratch_vm_fd = -1;
	ck_assert_int_eq(sevlm_probe_host(&none, &host), 0);
	ck_assert_int_eq(host.kvm_error, EACCES);
	ck_assert_int_eq(host.sev_error, ENOENT);
	ck_assert_uint_eq(host.flags, 0);
	ck_assert_uint_eq(host.kvm_api, 0);
	ck_assert_uint_eq(host.commands_known, 0);
	ck_assert_uint_eq(door.at_host + door.at_sev + door.nulls + door.count,
			  0);
}
END_TEST

START_TEST(kvm_refuses)
{
	door.api = -ENOTTY;
	probe();
	ck_assert_int_eq(host.kvm_error, ENOTTY);
	ck_assert_uint_eq(host.kvm_api, 0);
	ck_assert_uint_eq(host.flags, SEVLM_HOST_SEV | SEVLM_HOST_FIRMWARE);
}
END_TEST

START_TEST(no_host_door)
{
	struct sevlm_kernel_ops two = ops;
	struct sevlm_probe by_vmm = all;

	two.host = NULL;
	by_vmm.ops = &two;
	ck_assert_int_eq(sevlm_probe_host(&by_vmm, &host), 0);
	ck_assert_int_eq(host.kvm_error, ENOTSUP);
	ck_assert_uint_eq(host.commands, 0x7f);
}
END_TEST

START_TEST(arguments)
{
	struct {
		struct sevlm_probe probe;
		uint64_t more;
	} newer = {all, 0};
	struct sevlm_probe bad = all;
	struct sevlm_kernel_ops no_vm = ops;

	ck_assert_int_eq(sevlm_probe_host(NULL, &host), -EINVAL);
	ck_assert_int_eq(sevlm_probe_host(&all, NULL), -EINVAL);
	bad.size--;
	ck_assert_int_eq(sevlm_probe_host(&bad, &host), -EINVAL);
	bad = all;
	bad.reserved = 1;
	ck_assert_int_eq(sevlm_probe_host(&bad, &host), -EINVAL);
	bad = all;
	no_vm.vm = NULL;
	bad.ops = &no_vm;
	ck_assert_int_eq(sevlm_probe_host(&bad, &host), -EINVAL);
	newer.probe.size = sizeof(newer);
	ck_assert_int_eq(sevlm_probe_host(&newer.probe, &host), 0);
	newer.more = 1;
	ck_assert_int_eq(sevlm_probe_host(&newer.probe, &host), -EINVAL);
	host.size = 0;
	ck_assert_int_eq(sevlm_probe_host(&all, &host), -EINVAL);
}
END_TEST

/* a caller of an older version has less room */
START_TEST(little_room)
{
	host.size = offsetof(struct sevlm_host, flags);
	probe();
	ck_assert_uint_eq(host.kvm_api, 12);
	ck_assert_uint_eq(host.flags, UINT32_MAX);
	ck_assert_uint_eq(host.memlock, UINT64_MAX);
}
END_TEST

static TCase *scripted(void)
{
	TCase *tc = tcase_create("scripted");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, everything);
	tcase_add_test(tc, what_is_asked);
	tcase_add_test(tc, sev_off);
	tcase_add_test(tc, no_such_ioctl);
	tcase_add_loop_test(tc, not_a_scratch_vm, 0, ARRAY_SIZE(of_a_guest));
	tcase_add_loop_test(tc, older_kernels, 0, ARRAY_SIZE(kernels));
	tcase_add_loop_test(tc, capabilities, 0, ARRAY_SIZE(caps));
	tcase_add_test(tc, no_capabilities);
	tcase_add_test(tc, ignore_msrs);
	tcase_add_loop_test(tc, platform_flags, 0, ARRAY_SIZE(platforms));
	tcase_add_loop_test(tc, platform_refused, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tc, files_that_did_not_open);
	tcase_add_test(tc, kvm_refuses);
	tcase_add_test(tc, no_host_door);
	tcase_add_test(tc, arguments);
	tcase_add_test(tc, little_room);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("probe");

	suite_add_tcase(suite, scripted());
	return run_suite(suite);
}

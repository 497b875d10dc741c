/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the library hands to the kernel, and what it makes of the answers. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "check-main.h"
#include "internal.h"
#include "script.h"

static struct script script;
static struct sevlm__kernel kernel;
static struct sevlm__error error;

/* buffers whose addresses are looked for in the parameters */
static uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE], amd[100];
static uint8_t session[SEVLM_SESSION_SIZE], page[BLOCK_SIZE];
static uint8_t header[SEVLM_PACKET_HEADER_SIZE], payload[BLOCK_SIZE];
static const struct sevlm_peer peer = {
	sizeof(peer), pdh, chain, amd, sizeof(amd),
};
static struct sevlm_guest_status guest;
static uint32_t policy;

#define AT(pointer) ((uint64_t)(uintptr_t)(pointer))

static void set_up(void)
{
	struct sevlm_vm_config config = script_config(&script);

	ck_assert_int_eq(sevlm__kernel_init(&kernel, &config), 0);
	sevlm__error_clear(&error);
}

/* ---- the commands ---- */

static int guest_status(void)
{
	return sevlm__kernel_guest_status(&kernel, &error, &guest);
}

static int pdh_export(void)
{
	return sevlm__kernel_pdh_export(&kernel, &error, pdh, chain);
}

static int send_start(void)
{
	return sevlm__kernel_send_start(&kernel, &error, &peer, session,
					&policy);
}

static int send_update(void)
{
	return sevlm__kernel_send_update(&kernel, &error, page, 1, header,
					 payload);
}

static int send_block(void)
{
	return sevlm__kernel_send_update(&kernel, &error, page, BLOCK_PAGES,
					 header, payload);
}

static int send_finish(void)
{
	return sevlm__kernel_send_finish(&kernel, &error);
}

static int send_cancel(void)
{
	return sevlm__kernel_send_cancel(&kernel, &error);
}

static int receive_start(void)
{
	return sevlm__kernel_receive_start(&kernel, &error, 0x11, pdh, session);
}

static int receive_update(void)
{
	return sevlm__kernel_receive_update(&kernel, &error, page, 1, header,
					    payload);
}

static int receive_block(void)
{
	return sevlm__kernel_receive_update(&kernel, &error, page, BLOCK_PAGES,
					    header, payload);
}

static int receive_finish(void)
{
	return sevlm__kernel_receive_finish(&kernel, &error);
}

/* ---- what they hand over ---- */

static void see_pdh_export(const struct script_step *step, void *params)
{
	const struct sev_user_data_pdh_cert_export *data = params;

	(void)step;
	ck_assert_uint_eq(data->pdh_cert_address, AT(pdh));
	ck_assert_uint_eq(data->pdh_cert_len, SEVLM_PDH_SIZE);
	ck_assert_uint_eq(data->cert_chain_address, AT(chain));
	ck_assert_uint_eq(data->cert_chain_len, SEVLM_CHAIN_SIZE);
}

/* the question for a session's length: firmware must see no garbage */
static void see_query(const struct script_step *step, void *params)
{
	static const struct kvm_sev_send_start nothing;

	(void)step;
	ck_assert_mem_eq(params, &nothing, sizeof(nothing));
}

static void see_send_start(const struct script_step *step, void *params)
{
	const struct kvm_sev_send_start *data = params;

	(void)step;
	ck_assert_uint_eq(data->pdh_cert_uaddr, AT(pdh));
	ck_assert_uint_eq(data->pdh_cert_len, SEVLM_PDH_SIZE);
	ck_assert_uint_eq(data->plat_certs_uaddr, AT(chain));
	ck_assert_uint_eq(data->plat_certs_len, SEVLM_CHAIN_SIZE);
	ck_assert_uint_eq(data->amd_certs_uaddr, AT(amd));
	ck_assert_uint_eq(data->amd_certs_len, sizeof(amd));
	ck_assert_uint_eq(data->session_uaddr, AT(session));
	ck_assert_uint_eq(data->session_len, SEVLM_SESSION_SIZE);
}

static void see_sent(const struct kvm_sev_send_update_data *data,
		     uint32_t bytes)
{
	ck_assert_uint_eq(data->hdr_uaddr, AT(header));
	ck_assert_uint_eq(data->hdr_len, SEVLM_PACKET_HEADER_SIZE);
	ck_assert_uint_eq(data->guest_uaddr, AT(page));
	ck_assert_uint_eq(data->guest_len, bytes);
	ck_assert_uint_eq(data->trans_uaddr, AT(payload));
	ck_assert_uint_eq(data->trans_len, bytes);
}

static void see_send_update(const struct script_step *step, void *params)
{
	(void)step;
	see_sent(params, PAGE_SIZE);
}

static void see_send_block(const struct script_step *step, void *params)
{
	(void)step;
	see_sent(params, 16384);
}

static void see_receive_start(const struct script_step *step, void *params)
{
	const struct kvm_sev_receive_start *data = params;

	(void)step;
	ck_assert_uint_eq(data->handle, 0);
	ck_assert_uint_eq(data->policy, 0x11);
	ck_assert_uint_eq(data->pdh_uaddr, AT(pdh));
	ck_assert_uint_eq(data->pdh_len, SEVLM_PDH_SIZE);
	ck_assert_uint_eq(data->session_uaddr, AT(session));
	ck_assert_uint_eq(data->session_len, SEVLM_SESSION_SIZE);
}

static void see_received(const struct kvm_sev_receive_update_data *data,
			 uint32_t bytes)
{
	ck_assert_uint_eq(data->hdr_uaddr, AT(header));
	ck_assert_uint_eq(data->hdr_len, SEVLM_PACKET_HEADER_SIZE);
	ck_assert_uint_eq(data->guest_uaddr, AT(page));
	ck_assert_uint_eq(data->guest_len, bytes);
	ck_assert_uint_eq(data->trans_uaddr, AT(payload));
	ck_assert_uint_eq(data->trans_len, bytes);
}

static void see_receive_update(const struct script_step *step, void *params)
{
	(void)step;
	see_received(params, PAGE_SIZE);
}

static void see_receive_block(const struct script_step *step, void *params)
{
	(void)step;
	see_received(params, 16384);
}

static void see_nothing(const struct script_step *step, void *params)
{
	(void)step;
	ck_assert_ptr_null(params);
}

static const struct {
	int (*call)(void);
	const char *name;
	enum script_door door;
	uint32_t id;
	bool asks_length; /* and so comes behind a question */
	void (*look)(const struct script_step *step, void *params);
} commands[] = {
	{guest_status, "GUEST_STATUS", SCRIPT_VM, KVM_SEV_GUEST_STATUS, false,
	 NULL},
	{pdh_export, "PDH_CERT_EXPORT", SCRIPT_SEV, SEV_PDH_CERT_EXPORT, false,
	 see_pdh_export},
	{send_start, "SEND_START", SCRIPT_VM, KVM_SEV_SEND_START, true,
	 see_send_start},
	{send_update, "SEND_UPDATE_DATA", SCRIPT_VM, KVM_SEV_SEND_UPDATE_DATA,
	 false, see_send_update},
	{send_finish, "SEND_FINISH", SCRIPT_VM, KVM_SEV_SEND_FINISH, false,
	 see_nothing},
	{send_cancel, "SEND_CANCEL", SCRIPT_VM, KVM_SEV_SEND_CANCEL, false,
	 see_nothing},
	{receive_start, "RECEIVE_START", SCRIPT_VM, KVM_SEV_RECEIVE_START,
	 false, see_receive_start},
	{receive_update, "RECEIVE_UPDATE_DATA", SCRIPT_VM,
	 KVM_SEV_RECEIVE_UPDATE_DATA, false, see_receive_update},
	{receive_finish, "RECEIVE_FINISH", SCRIPT_VM, KVM_SEV_RECEIVE_FINISH,
	 false, see_nothing},
	{send_block, "SEND_UPDATE_DATA", SCRIPT_VM, KVM_SEV_SEND_UPDATE_DATA,
	 false, see_send_block},
	{receive_block, "RECEIVE_UPDATE_DATA", SCRIPT_VM,
	 KVM_SEV_RECEIVE_UPDATE_DATA, false, see_receive_block},
	/* the question itself */
	{send_start, "SEND_START", SCRIPT_VM, KVM_SEV_SEND_START, false,
	 see_query},
};

#define COMMANDS ((int)ARRAY_SIZE(commands))
#define QUESTION (COMMANDS - 1)

/* the i-th command, its last step answered so */
static int answered(int i, int ret, bool asked, uint32_t status)
{
	const struct script_step steps[] = {
		SCRIPT_SESSION(SEVLM_SESSION_SIZE),
		{
			.door = commands[i].door,
			.id = commands[i].id,
			.look = commands[i].look,
			.ret = ret,
			.asked = asked,
			.status = status,
		},
	};
	const size_t from = commands[i].asks_length ? 0 : 1;
	int code;

	sevlm__error_clear(&error);
	script_play(&script, steps + from, ARRAY_SIZE(steps) - from);
	code = commands[i].call();
	script_end(&script);
	return code;
}

START_TEST(parameters)
{
	ck_assert_int_eq(answered(_i, 0, true, 0), 0);
	ck_assert_str_eq(error.text, "");
	ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
}
END_TEST

START_TEST(status_fields)
{
	static const struct kvm_sev_guest_status answer = {
		.handle = 0x01020304,
		.policy = 0x05060708,
		.state = 4,
	};

	SCRIPT_PLAY(&script, {.id = KVM_SEV_GUEST_STATUS,
			      .answer = &answer,
			      .bytes = sizeof(answer)});
	ck_assert_int_eq(guest_status(), 0);
	ck_assert_uint_eq(guest.handle, 0x01020304);
	ck_assert_uint_eq(guest.policy, 0x05060708);
	ck_assert_uint_eq(guest.state, 4);
}
END_TEST

/* ---- refusals ---- */

static const struct {
	int kernel;
	int code;
} meanings[] = {
	{-ENOTTY, -ENOTSUP}, {-EINVAL, -ENOTSUP}, {-ENOTSUP, -ENOTSUP},
	{-EBADF, -EIO},	     {-EBUSY, -EIO},	  {-EFAULT, -EIO},
	{-EIO, -EIO},	     {-ENODEV, -EIO},	  {-EINTR, -EINTR},
	{-ENOMEM, -ENOMEM},  {-EPERM, -EPERM},	  {-ETIMEDOUT, -ETIMEDOUT},
	{-EACCES, -EIO},     {-4095, -EIO},
};

static void check_sentence(int i, int code)
{
	ck_assert_int_eq(sevlm__public_error(code), code);
	ck_assert_ptr_nonnull(strstr(error.text, commands[i].name));
	ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(refused_by_the_kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		int code = answered(_i, meanings[i].kernel, false, 0);
		const char *symbol = strerrorname_np(-meanings[i].kernel);

		ck_assert_int_eq(code, meanings[i].code);
		ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
		check_sentence(_i, code);
		if (symbol)
			ck_assert_ptr_nonnull(strstr(error.text, symbol));
	}
}
END_TEST

/* KVM's errno decides unless it is the one that stands for firmware's */
START_TEST(refused_with_a_status)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		int expected = meanings[i].kernel == -EIO ? -EREMOTEIO
							  : meanings[i].code;
		int code = answered(_i, meanings[i].kernel, true, 0x0b);

		ck_assert_int_eq(code, expected);
		ck_assert_uint_eq(error.status, 0x0b);
		check_sentence(_i, code);
		/* firmware has succeeded, something behind it has not */
		code = answered(_i, meanings[i].kernel, true, 0);
		ck_assert_int_eq(code, meanings[i].code);
		ck_assert_uint_eq(error.status, 0);
		check_sentence(_i, code);
	}
}
END_TEST

START_TEST(refused_by_firmware)
{
	for (uint32_t status = 1; status < 0x40; status++) {
		bool absent = commands[_i].call == send_cancel &&
			      (status == 0x11 || status == 0x15);
		bool smaller = commands[_i].call == send_block &&
			       status == 0x04;
		int code;

		if (_i == QUESTION && status == 0x04)
			continue;
		code = answered(_i, -EIO, true, status);
		ck_assert_int_eq(code,
				 absent || smaller ? -ENOTSUP : -EREMOTEIO);
		ck_assert_uint_eq(error.status, status);
		check_sentence(_i, code);
		ck_assert_ptr_nonnull(
			strstr(error.text, sevlm_firmware_strerror(status)));
	}
}
END_TEST

/* ---- how long a session is ---- */

START_TEST(session_query)
{
	static const struct kvm_sev_send_start answer = {.policy = 0x21};

	SCRIPT_PLAY(&script,
		    {.id = KVM_SEV_SEND_START,
		     .ret = -EIO,
		     .asked = true,
		     .status = 0x04,
		     .look = see_query,
		     .answer =
			     &(const struct kvm_sev_send_start){
				     .session_len = SEVLM_SESSION_SIZE},
		     .bytes = sizeof(answer)},
		    {.id = KVM_SEV_SEND_START,
		     .look = see_send_start,
		     .answer = &answer,
		     .bytes = sizeof(answer)});
	ck_assert_int_eq(send_start(), 0);
	ck_assert_uint_eq(policy, 0x21);
	script_end(&script);
}
END_TEST

static const uint32_t odd_lengths[] = {0, 1, 127, 129, 4096, UINT32_MAX};

START_TEST(session_of_another_length)
{
	SCRIPT_PLAY(&script, SCRIPT_SESSION(odd_lengths[_i]));
	ck_assert_int_eq(send_start(), -ENOTSUP);
	ck_assert_uint_gt(strlen(error.text), 0);
	script_end(&script);
}
END_TEST

/* a kernel that says yes to a session of no bytes cannot be right */
START_TEST(session_query_granted)
{
	SCRIPT_PLAY(&script, SCRIPT_OK(KVM_SEV_SEND_START));
	ck_assert_int_eq(send_start(), -EIO);
	ck_assert_uint_gt(strlen(error.text), 0);
	script_end(&script);
}
END_TEST

/* the right length, but with another errno or status */
START_TEST(session_query_failed)
{
	static const struct kvm_sev_send_start answer = {
		.session_len = SEVLM_SESSION_SIZE,
	};
	static const struct {
		int ret;
		uint32_t status;
		int code;
	} cases[] = {{-EBUSY, 0x04, -EIO}, {-EIO, 0x16, -EREMOTEIO}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		SCRIPT_PLAY(&script, {.id = KVM_SEV_SEND_START,
				      .ret = cases[i].ret,
				      .asked = true,
				      .status = cases[i].status,
				      .answer = &answer,
				      .bytes = sizeof(answer)});
		ck_assert_int_eq(send_start(), cases[i].code);
		ck_assert_uint_eq(error.status, cases[i].status);
	}
	script_end(&script);
}
END_TEST

START_TEST(certificates_of_another_length)
{
	static const struct sev_user_data_pdh_cert_export answers[] = {
		{.pdh_cert_len = SEVLM_PDH_SIZE - 4,
		 .cert_chain_len = SEVLM_CHAIN_SIZE},
		{.pdh_cert_len = SEVLM_PDH_SIZE,
		 .cert_chain_len = SEVLM_CHAIN_SIZE + 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		SCRIPT_PLAY(&script, {.door = SCRIPT_SEV,
				      .id = SEV_PDH_CERT_EXPORT,
				      .answer = &answers[i],
				      .bytes = sizeof(answers[i])});
		ck_assert_int_eq(pdh_export(), -EIO);
		ck_assert_uint_gt(strlen(error.text), 0);
	}
}
END_TEST

/* ---- doors ---- */

static int init_with(const void *ops)
{
	struct sevlm_vm_config config = script_config(&script);

	config.ops = ops;
	return sevlm__kernel_init(&kernel, &config);
}

static int never(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	(void)request;
	(void)arg;
	return -ENODEV;
}

START_TEST(ops_sizes)
{
	struct {
		struct sevlm_kernel_ops ops;
		uint64_t more[4];
	} table = {.ops = script_ops};
	const size_t least = offsetof(struct sevlm_kernel_ops, host);

	table.ops.host = never;
	ck_assert_int_eq(init_with(&table), 0);
	ck_assert(kernel.ops.host == never);
	/* a caller that does not know host */
	table.ops.size = least;
	ck_assert_int_eq(init_with(&table), 0);
	ck_assert(!kernel.ops.host);
	for (size_t size = 0; size < least; size++) {
		table.ops.size = size;
		ck_assert_int_eq(init_with(&table), -EINVAL);
	}
	/* a caller that knows more than we do */
	table.ops.size = sizeof(table);
	ck_assert_int_eq(init_with(&table), 0);
	table.more[3] = 1;
	ck_assert_int_eq(init_with(&table), -EINVAL);
	table.ops.size = SIZE_MAX;
	ck_assert_int_eq(init_with(&table), -EINVAL);
}
END_TEST

START_TEST(ops_required)
{
	struct sevlm_kernel_ops ops = script_ops;

	ops.vm = NULL;
	ck_assert_int_eq(init_with(&ops), -EINVAL);
	ops = script_ops;
	ops.sev = NULL;
	ck_assert_int_eq(init_with(&ops), -EINVAL);
}
END_TEST

static int init_fds(int vm_fd, int sev_fd)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = vm_fd,
		.sev_fd = sev_fd,
		.kvm_fd = -1,
	};

	return sevlm__kernel_init(&kernel, &config);
}

START_TEST(plain_files)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(init_fds(-1, fd), -EINVAL);
	ck_assert_int_eq(init_fds(fd, -1), -EINVAL);
	ck_assert_int_eq(init_fds(fd, fd), 0);
	for (int i = 0; i < COMMANDS; i++) {
		sevlm__error_clear(&error);
		ck_assert_int_eq(commands[i].call(), -ENOTSUP);
		ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
		check_sentence(i, -ENOTSUP);
		ck_assert_ptr_nonnull(strstr(error.text, "ENOTTY"));
	}
	close(fd);
	for (int i = 0; i < COMMANDS; i++) {
		ck_assert_int_eq(commands[i].call(), -EIO);
		check_sentence(i, -EIO);
		ck_assert_ptr_nonnull(strstr(error.text, "EBADF"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel");
	TCase *command = tcase_create("commands");
	TCase *doors = tcase_create("doors");

	tcase_add_checked_fixture(command, set_up, NULL);
	tcase_add_loop_test(command, parameters, 0, QUESTION);
	tcase_add_test(command, status_fields);
	tcase_add_loop_test(command, refused_by_the_kernel, 0, COMMANDS);
	tcase_add_loop_test(command, refused_with_a_status, 0, COMMANDS);
	tcase_add_loop_test(command, refused_by_firmware, 0, COMMANDS);
	tcase_add_test(command, session_query);
	tcase_add_loop_test(command, session_of_another_length, 0,
			    ARRAY_SIZE(odd_lengths));
	tcase_add_test(command, session_query_granted);
	tcase_add_test(command, session_query_failed);
	tcase_add_test(command, certificates_of_another_length);
	tcase_add_test(doors, ops_sizes);
	tcase_add_test(doors, ops_required);
	tcase_add_test(doors, plain_files);
	suite_add_tcase(suite, command);
	suite_add_tcase(suite, doors);
	return run_suite(suite);
}

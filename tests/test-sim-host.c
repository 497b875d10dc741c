/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* /dev/sev of a software host, its configuration, and planted faults. */
#include <pthread.h>

#include <libsevlm/libsevlm.h>

#include "sim-door.h"

/* ---- configuration ---- */

static int make(struct sevlm_sim_host_config config)
{
	struct sevlm_sim_host *host;
	int rc;

	config.size = config.size ? config.size : sizeof(config);
	rc = sevlm_sim_host_new(&config, &host);
	if (!rc)
		sevlm_sim_host_free(host);
	return rc;
}

START_TEST(config_refused)
{
	const struct sevlm_sim_host_config bad[] = {
		{.size = 8},	    {.size = 1 << 20},	{.asids = 64},
		{.api_major = 256}, {.api_minor = 256}, {.build = 256},
		{.init_on_use = 2}, {.reserved = 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(make(bad[i]), -EINVAL);
	ck_assert_int_eq(make((struct sevlm_sim_host_config){.asids = 63}), 0);
	ck_assert_int_eq(sevlm_sim_host_new(NULL, NULL), -EINVAL);
	sevlm_sim_host_free(NULL);
}
END_TEST

START_TEST(config_of_a_newer_caller)
{
	struct {
		struct sevlm_sim_host_config known;
		uint64_t unknown;
	} config = {.known = {.size = sizeof(config), .seed = 1}};
	struct sevlm_sim_host *host;

	ck_assert_int_eq(sevlm_sim_host_new(&config.known, &host), 0);
	sevlm_sim_host_free(host);
	config.unknown = 1;
	ck_assert_int_eq(sevlm_sim_host_new(&config.known, &host), -EINVAL);
}
END_TEST

START_TEST(nothing_given)
{
	uint8_t buf[SEVLM_SIM_AMD_SIZE];

	ck_assert_int_eq(sevlm_sim_host_amd(NULL, buf), -EINVAL);
	ck_assert_int_eq(sevlm_sim_host_amd(a.host, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_sim_host_cek(NULL, buf), -EINVAL);
	ck_assert_int_eq(sevlm_sim_host_cek(a.host, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_sim_host_fail(NULL, NULL), -EINVAL);
	ck_assert_uint_eq(sevlm_sim_host_commands(NULL, 0), 0);
	ck_assert_uint_eq(sevlm_sim_host_commands(a.host, 32), 0);
	ck_assert_int_eq(sevlm_sim_host_sev(NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_sim_ops()->vm(NULL, 0, NULL), -EBADF);
	ck_assert_int_eq(sevlm_sim_ops()->sev(NULL, 0, NULL), -EBADF);
	ck_assert_int_eq(sevlm_sim_ops()->host(NULL, 0, NULL), -EBADF);
}
END_TEST

START_TEST(default_host)
{
	struct sev_user_data_status status;
	struct sevlm_sim_host *host;
	uint32_t error;

	ck_assert_int_eq(sevlm_sim_host_new(NULL, &host), 0);
	ck_assert_int_eq(dev_sev(host, SEV_PLATFORM_STATUS, &status, &error),
			 0);
	ck_assert_uint_eq(status.api_major, 0);
	ck_assert_uint_eq(status.api_minor, 24);
	sevlm_sim_host_free(host);
}
END_TEST

/* ---- /dev/sev ---- */

START_TEST(sev_requests)
{
	struct sev_issue_cmd cmd = {.cmd = SEV_MAX};
	uint32_t error;

	ck_assert_int_eq(sevlm_sim_host_sev(a.host, KVM_GET_API_VERSION, &cmd),
			 -EINVAL);
	ck_assert_int_eq(
		sevlm_sim_host_sev(a.host, (uint32_t)SEV_ISSUE_CMD, NULL),
		-EFAULT);
	ck_assert_int_eq(
		sevlm_sim_host_sev(a.host, (uint32_t)SEV_ISSUE_CMD, &cmd),
		-EINVAL);
	ck_assert_int_eq(dev_sev(a.host, SEV_PLATFORM_STATUS, NULL, &error),
			 -EFAULT);
	ck_assert_uint_eq(error, 0);
	ck_assert_int_eq(dev_sev(a.host, SEV_PDH_CERT_EXPORT, NULL, &error),
			 -EFAULT);
	ck_assert_uint_eq(error, UNTOUCHED);
	ck_assert_int_eq(dev_sev(a.host, SEV_GET_ID2, NULL, &error), -EFAULT);
	ck_assert_uint_eq(error, UNTOUCHED);
	ck_assert_int_eq(dev_sev(a.host, SEV_PEK_GEN, NULL, &error), -EIO);
	ck_assert_uint_eq(error, 0x11);
}
END_TEST

START_TEST(sev_status)
{
	struct sev_user_data_status status;
	uint32_t error;

	for (uint32_t guests = 0; guests < 2; guests++) {
		ck_assert_int_eq(
			dev_sev(a.host, SEV_PLATFORM_STATUS, &status, &error),
			0);
		ck_assert_uint_eq(error, 0);
		ck_assert_uint_eq(status.state, 1 + guests);
		ck_assert_uint_eq(status.guest_count, guests);
		ck_assert_uint_eq(status.flags, 0);
		if (!guests)
			launch(&a, 0);
	}
}
END_TEST

START_TEST(sev_export_query)
{
	struct sev_user_data_pdh_cert_export export = {0};
	uint32_t error;

	ck_assert_int_eq(dev_sev(a.host, SEV_PDH_CERT_EXPORT, &export, &error),
			 -EIO);
	ck_assert_uint_eq(error, 4);
	ck_assert_uint_eq(export.pdh_cert_len, CERT);
	ck_assert_uint_eq(export.cert_chain_len, 3 * CERT);
	export.pdh_cert_address = address(a.pdh);
	export.cert_chain_address = address(a.chain);
	export.pdh_cert_len = 16385;
	ck_assert_int_eq(dev_sev(a.host, SEV_PDH_CERT_EXPORT, &export, &error),
			 -EFAULT);
	ck_assert_uint_eq(error, UNTOUCHED);
	/* one length of 0 makes it a query, whatever the other one is */
	export.cert_chain_len = 0;
	ck_assert_int_eq(dev_sev(a.host, SEV_PDH_CERT_EXPORT, &export, &error),
			 -EIO);
	ck_assert_uint_eq(export.pdh_cert_len, CERT);
	export.pdh_cert_len = CERT;
	export.cert_chain_len = 3 * CERT - 1;
	ck_assert_int_eq(dev_sev(a.host, SEV_PDH_CERT_EXPORT, &export, &error),
			 -EIO);
	ck_assert_uint_eq(error, 4);
}
END_TEST

START_TEST(sev_export_has_the_unsigned_cek)
{
	uint8_t pdh[CERT], chain[3 * CERT];
	struct sev_user_data_pdh_cert_export export = {
		.pdh_cert_address = address(pdh),
		.pdh_cert_len = sizeof(pdh),
		.cert_chain_address = address(chain),
		.cert_chain_len = sizeof(chain),
	};
	const uint8_t *cek = chain + 2 * CERT;
	uint32_t error;

	ck_assert_int_eq(
		sevlm_sim_ops()->sev(a.vm, (uint32_t)SEV_ISSUE_CMD, NULL),
		-EFAULT);
	ck_assert_int_eq(dev_sev(a.host, SEV_PDH_CERT_EXPORT, &export, &error),
			 0);
	ck_assert_mem_eq(pdh, a.pdh, CERT);
	ck_assert_mem_eq(chain, a.chain, 2 * CERT);
	ck_assert_mem_eq(cek, a.chain + 2 * CERT, 0x414);
	for (size_t i = 0x41c; i < 0x61c; i++)
		ck_assert_uint_eq(cek[i], 0);
}
END_TEST

START_TEST(sev_id)
{
	uint8_t id[64] = {0}, zero[64] = {0};
	struct sev_user_data_get_id2 data = {0, 0};
	uint32_t error;

	ck_assert_int_eq(dev_sev(a.host, SEV_GET_ID2, &data, &error), -EIO);
	ck_assert_uint_eq(error, 4);
	ck_assert_uint_eq(data.length, 64);
	data.address = address(id);
	data.length = 0xffffffffu;
	ck_assert_int_eq(dev_sev(a.host, SEV_GET_ID2, &data, &error), -ENOMEM);
	data.length = 64;
	ck_assert_int_eq(dev_sev(a.host, SEV_GET_ID2, &data, &error), 0);
	ck_assert_mem_ne(id, zero, sizeof(id));
}
END_TEST

START_TEST(sev_id_before_version_16)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 3,
		.api_minor = 15,
	};
	struct sev_user_data_get_id2 data = {0, 0};
	struct sevlm_sim_host *old;
	uint32_t error;

	ck_assert_int_eq(sevlm_sim_host_new(&config, &old), 0);
	ck_assert_int_eq(dev_sev(old, SEV_GET_ID2, &data, &error), -524);
	sevlm_sim_host_free(old);
}
END_TEST

/* ---- threads ---- */

static void *send_all(void *arg)
{
	struct side *side = arg;
	long failed = 0;

	for (uint32_t i = 0; i < 40 * PAGES; i++)
		failed += send_page(side, i % PAGES) != 0;
	return (void *)failed;
}

/* two guests of one host: each has its own session, all take turns */
START_TEST(guests_take_turns)
{
	struct side more = a;
	pthread_t thread;
	void *failed;

	more.vm = new_vm(a.host);
	more.ram = aligned_alloc(PAGE, BYTES);
	ck_assert_ptr_nonnull(more.ram);
	memset(more.ram, 0, BYTES);
	launch(&a, 0);
	launch(&more, 0);
	ck_assert_int_eq(send_start(&a, &b), 0);
	ck_assert_int_eq(send_start(&more, &b), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_all, &more), 0);
	ck_assert_ptr_null(send_all(&a));
	ck_assert_int_eq(pthread_join(thread, &failed), 0);
	ck_assert_ptr_null(failed);
	ck_assert_uint_eq(
		sevlm_sim_host_commands(a.host, KVM_SEV_SEND_UPDATE_DATA),
		80 * PAGES);
	prepare(&b);
	ck_assert_int_eq(receive_start(&more, &b), 0);
	ck_assert_int_eq(receive_page(&a, &b, 0), -EIO);
	ck_assert_int_eq(receive_page(&more, &b, 0), 0);
	sevlm_sim_vm_free(more.vm);
	free(more.ram);
}
END_TEST

/* ---- faults ---- */

static void plant(struct side *side, uint32_t id, uint32_t where,
		  uint32_t after, uint32_t times)
{
	struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = id,
		.where = where,
		.after = after,
		.times = times,
		.status = 0x13,
		.error = EINTR,
	};

	ck_assert_int_eq(sevlm_sim_host_fail(side->host, &fault), 0);
}

static void sending(void)
{
	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
}

START_TEST(fault_refused)
{
	struct sevlm_sim_fault bad[] = {
		{.size = 8, .where = 1, .error = 1},
		{.size = sizeof(*bad), .where = 0, .error = 1},
		{.size = sizeof(*bad), .where = 4, .error = 1, .command = 9},
		{.size = sizeof(*bad),
		 .where = 7,
		 .error = 1,
		 .status = 1,
		 .command = 9},
		{.size = sizeof(*bad), .where = 3, .error = 1, .command = 64},
		{.size = sizeof(*bad), .where = 3, .error = 1, .command = 68},
		{.size = sizeof(*bad), .where = 2, .status = 1, .command = 0},
		{.size = sizeof(*bad), .where = 3, .error = 1, .command = 0},
		{.size = sizeof(*bad), .where = 4, .status = 1, .command = 0},
		{.size = sizeof(*bad), .where = 5, .command = 0},
		{.size = sizeof(*bad), .where = 6, .command = 0},
		{.size = sizeof(*bad), .where = 2, .status = 1, .command = 69},
		{.size = sizeof(*bad), .where = 5, .command = 69},
		{.size = sizeof(*bad), .where = 1, .error = -1},
		{.size = sizeof(*bad), .where = 2, .status = 0, .command = 9},
		{.size = sizeof(*bad),
		 .where = 2,
		 .status = 0x10000,
		 .command = 9},
		{.size = sizeof(*bad), .where = 3, .error = 4096, .command = 9},
		{.size = sizeof(*bad), .where = 1, .error = 1, .command = 32},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(sevlm_sim_host_fail(a.host, &bad[i]), -EINVAL);
}
END_TEST

START_TEST(fault_before)
{
	sending();
	plant(&a, KVM_SEV_SEND_UPDATE_DATA, SEVLM_SIM_FAULT_BEFORE, 1, 2);
	ck_assert_int_eq(send_page(&a, 0), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(send_page(&a, 0), -EINTR);
		ck_assert_uint_eq(a.error, UNTOUCHED);
	}
	ck_assert_int_eq(send_page(&a, 0), 0);
	ck_assert_uint_eq(
		sevlm_sim_host_commands(a.host, KVM_SEV_SEND_UPDATE_DATA), 2);
}
END_TEST

START_TEST(fault_status)
{
	sending();
	plant(&a, KVM_SEV_SEND_FINISH, SEVLM_SIM_FAULT_STATUS, 0, 1);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_FINISH, NULL), -EIO);
	ck_assert_uint_eq(a.error, 0x13);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SUPDATE);
	ck_assert_uint_eq(sevlm_sim_host_commands(a.host, KVM_SEV_SEND_FINISH),
			  1);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_FINISH, NULL), 0);
}
END_TEST

START_TEST(fault_after)
{
	sending();
	memset(a.trans, 0x77, sizeof(a.trans));
	plant(&a, KVM_SEV_SEND_UPDATE_DATA, SEVLM_SIM_FAULT_AFTER, 0, 1);
	ck_assert_int_eq(send_page(&a, 0), -EINTR);
	ck_assert_uint_eq(a.error, 0);
	for (size_t i = 0; i < sizeof(a.trans); i++)
		ck_assert_uint_eq(a.trans[i], 0x77);
	ck_assert_uint_eq(
		sevlm_sim_host_commands(a.host, KVM_SEV_SEND_UPDATE_DATA), 1);
	plant(&a, KVM_SEV_SEND_FINISH, SEVLM_SIM_FAULT_AFTER, 0, 1);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_FINISH, NULL), -EINTR);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SENT);
}
END_TEST

/* the guest is sending, and its session is lost */
START_TEST(fault_after_send_start)
{
	struct kvm_sev_send_start params = start_params(&a, &b);

	launch(&a, 0);
	memset(a.session, 0x77, sizeof(a.session));
	plant(&a, KVM_SEV_SEND_START, SEVLM_SIM_FAULT_AFTER, 0, 1);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &params), -EINTR);
	ck_assert_uint_eq(params.policy, UNTOUCHED);
	ck_assert_uint_eq(a.session[5], 0x77);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SUPDATE);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_CANCEL, NULL), 0);
	ck_assert_int_eq(send_start(&a, &b), 0);
}
END_TEST

/* KVM takes the guest back; the VM's ASID was in use and is not flushed */
START_TEST(fault_after_receive_start)
{
	struct kvm_sev_receive_start params = receive_params(&a);
	struct sev_user_data_status status;
	uint32_t error;

	sending();
	plant(&b, KVM_SEV_RECEIVE_START, SEVLM_SIM_FAULT_AFTER, 0, 1);
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_START, &params), -EINTR);
	ck_assert_uint_eq(params.handle, 0);
	ck_assert_int_eq(dev_sev(b.host, SEV_PLATFORM_STATUS, &status, &error),
			 0);
	ck_assert_uint_eq(status.guest_count, 0);
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_START, &params), -EIO);
	ck_assert_uint_eq(b.error, 0x0f);
	renew(&b);
	prepare(&b);
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_START, &params), 0);
}
END_TEST

START_TEST(fault_at_init)
{
	plant(&a, KVM_SEV_INIT, SEVLM_SIM_FAULT_BEFORE, 0, 4);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), -EINTR);
		ck_assert_uint_eq(a.error, UNTOUCHED);
	}
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
}
END_TEST

/* a length query is no success */
START_TEST(fault_does_not_count_queries)
{
	struct kvm_sev_send_update_data query = {0};

	sending();
	plant(&a, KVM_SEV_SEND_UPDATE_DATA, SEVLM_SIM_FAULT_STATUS, 1, 1);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_UPDATE_DATA, &query), -EIO);
	ck_assert_uint_eq(a.error, 4);
	ck_assert_int_eq(send_page(&a, 0), 0);
	ck_assert_int_eq(send_page(&a, 0), -EIO);
	ck_assert_uint_eq(a.error, 0x13);
	ck_assert_int_eq(send_page(&a, 0), 0);
}
END_TEST

START_TEST(fault_taken_back)
{
	sending();
	plant(&a, KVM_SEV_SEND_UPDATE_DATA, SEVLM_SIM_FAULT_BEFORE, 0, 9);
	ck_assert_int_eq(send_page(&a, 0), -EINTR);
	ck_assert_int_eq(sevlm_sim_host_fail(a.host, NULL), 0);
	ck_assert_int_eq(send_page(&a, 0), 0);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest **tests,
		size_t count)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, sides_up, sides_down);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	const TTest *host[] = {
		config_refused,	  config_of_a_newer_caller,
		nothing_given,	  default_host,
		sev_requests,	  sev_status,
		sev_export_query, sev_export_has_the_unsigned_cek,
		sev_id,		  sev_id_before_version_16,
		guests_take_turns};
	const TTest *faults[] = {
		fault_refused,		fault_before,
		fault_status,		fault_after,
		fault_after_send_start, fault_after_receive_start,
		fault_at_init,		fault_does_not_count_queries,
		fault_taken_back};
	Suite *suite = suite_create("sim-host");

	add(suite, "host", host, sizeof(host) / sizeof(host[0]));
	add(suite, "faults", faults, sizeof(faults) / sizeof(faults[0]));
	return run_suite(suite);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The beginning of a platform: INIT, DF_FLUSH behind it, and who asks. */
#include "sim-door.h"

#define STATUS 0x13u
#define WBINVD_REQUIRED 0x0eu
#define DFFLUSH_REQUIRED 0x0fu
#define SECURE_DATA_INVALID 0x18u
#define NOT_ASKED UINT32_MAX
#define ASIDS 3 /* of sim-door.h */
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* a host whose platform nobody has brought up yet */
static void cold(void)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 43,
		.asids = ASIDS,
		.init_on_use = 1,
	};

	sides_up();
	sevlm_sim_vm_free(a.vm);
	sevlm_sim_host_free(a.host);
	ck_assert_int_eq(sevlm_sim_host_new(&config, &a.host), 0);
	a.vm = new_vm(a.host);
}

static uint8_t platform(void)
{
	struct sev_user_data_status status;

	answered(&a, dev(&a, SEV_PLATFORM_STATUS, &status), 0, 0);
	return status.state;
}

static void expect_asked(uint64_t inits, uint64_t flushes)
{
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_INIT), inits);
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DF_FLUSH), flushes);
}

START_TEST(up_at_the_first_guest)
{
	ck_assert_uint_eq(platform(), 0);
	expect_asked(0, 0);
	answered(&a, init(&a), 0, 0);
	ck_assert_uint_eq(platform(), 1);
	answered(&a, launch_start(&a), 0, 0);
	renew(&a);
	answered(&a, init(&a), 0, UNTOUCHED);
	expect_asked(1, 1);
}
END_TEST

static const struct {
	uint32_t id;
	uint64_t inits;
} devs[] = {
	{SEV_FACTORY_RESET, 0},	  {SEV_PLATFORM_STATUS, 0},
	{SEV_PEK_GEN, 1},	  {SEV_PEK_CSR, 1},
	{SEV_PDH_GEN, 1},	  {SEV_PDH_CERT_EXPORT, 1},
	{SEV_PEK_CERT_IMPORT, 1}, {SEV_GET_ID, 0},
	{SEV_GET_ID2, 0},
};

START_TEST(up_for_dev_sev)
{
	dev(&a, devs[_i].id, NULL);
	expect_asked(devs[_i].inits, devs[_i].inits);
	ck_assert_uint_eq(platform(), devs[_i].inits);
	answered(&a, init(&a), 0, devs[_i].inits ? UNTOUCHED : 0);
	expect_asked(1, 1);
}
END_TEST

START_TEST(up_from_the_beginning)
{
	renew(&b);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_INIT), 1);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_DF_FLUSH), 1);
	plant_status(&b, SEVLM_SIM_COMMAND_INIT, SEVLM_SIM_FAULT_STATUS, STATUS,
		     1);
	answered(&b, init(&b), 0, UNTOUCHED);
}
END_TEST

/* The next one tries again. Each costs an ASID, and as many as there are the
 * host: a DF_FLUSH to have them back is nothing for a platform that is down. */
START_TEST(init_fails)
{
	plant_status(&a, SEVLM_SIM_COMMAND_INIT, SEVLM_SIM_FAULT_STATUS, STATUS,
		     (uint32_t)_i);
	for (int i = 0; i < _i; i++)
		answered(&a, init(&a), -EIO, STATUS);
	if (_i == ASIDS) {
		answered(&a, init(&a), -EBUSY, UNTOUCHED);
		expect_asked(ASIDS, 1);
		answered(&a, dev(&a, SEV_PDH_GEN, NULL), 0, 0);
		answered(&a, init(&a), 0, UNTOUCHED);
	} else {
		answered(&a, init(&a), 0, 0);
	}
	answered(&a, launch_start(&a), 0, 0);
}
END_TEST

START_TEST(init_does_not_reach_firmware)
{
	plant_status(&a, SEVLM_SIM_COMMAND_INIT, SEVLM_SIM_FAULT_BEFORE, 0, 1);
	answered(&a, init(&a), -EINTR, NOT_ASKED);
	answered(&a, init(&a), 0, 0);
	expect_asked(1, 1);
}
END_TEST

/* Firmware is up, and the driver never believes it. */
START_TEST(late_init)
{
	plant_status(&a, SEVLM_SIM_COMMAND_INIT, SEVLM_SIM_FAULT_LATE, STATUS,
		     1);
	answered(&a, init(&a), -EIO, STATUS);
	ck_assert_uint_eq(platform(), 1);
	answered(&a, init(&a), -EIO, 1);
	answered(&a, dev(&a, SEV_PDH_GEN, NULL), -EIO, 1);
	expect_asked(3, 0);
}
END_TEST

START_TEST(lost_data_is_replaced)
{
	plant_status(&a, SEVLM_SIM_COMMAND_INIT, SEVLM_SIM_FAULT_STATUS,
		     SECURE_DATA_INVALID, (uint32_t)_i);
	if (_i == 2)
		answered(&a, init(&a), -EIO, SECURE_DATA_INVALID);
	answered(&a, init(&a), 0, 0);
	expect_asked(1 + (uint64_t)_i, 1);
}
END_TEST

static const struct {
	uint32_t where;
	int rc;
	uint32_t error;
} flushes[] = {
	{SEVLM_SIM_FAULT_STATUS, -EIO, WBINVD_REQUIRED},
	{SEVLM_SIM_FAULT_BEFORE, -EINTR, 0},
};

/* It counts as up, no ASID is usable, and nobody flushes but KVM when it has
 * given out the last one. */
START_TEST(flush_fails_behind_init)
{
	plant_status(&a, SEVLM_SIM_COMMAND_DF_FLUSH, flushes[_i].where,
		     WBINVD_REQUIRED, 1);
	answered(&a, init(&a), flushes[_i].rc, flushes[_i].error);
	expect_asked(1, !_i);
	ck_assert_uint_eq(platform(), 1);
	for (int i = 1; i < ASIDS; i++) {
		answered(&a, init(&a), 0, UNTOUCHED);
		for (int attempt = 0; attempt < 2; attempt++)
			answered(&a, launch_start(&a), -EIO, DFFLUSH_REQUIRED);
		renew(&a);
	}
	expect_asked(1, !_i);
	for (int i = 0; i < ASIDS; i++) {
		launch(&a, 0);
		renew(&a);
	}
	expect_asked(1, !_i + 1);
}
END_TEST

START_TEST(nothing_is_received_without_a_flush)
{
	plant_status(&a, SEVLM_SIM_COMMAND_DF_FLUSH, SEVLM_SIM_FAULT_STATUS,
		     WBINVD_REQUIRED, 1);
	answered(&a, dev(&a, SEV_PDH_GEN, NULL), -EIO, WBINVD_REQUIRED);
	fetch_certs(&a);
	launch(&b, 0);
	ck_assert_int_eq(send_start(&b, &a), 0);
	for (int i = 0; i < ASIDS; i++) {
		prepare(&a);
		answered(&a, receive_start(&b, &a), -EIO, DFFLUSH_REQUIRED);
		renew(&a);
	}
	prepare(&a);
	answered(&a, receive_start(&b, &a), 0, 0);
}
END_TEST

/* carried out, and the driver has given up: all is as it should be */
START_TEST(late_flush_behind_init)
{
	plant_status(&a, SEVLM_SIM_COMMAND_DF_FLUSH, SEVLM_SIM_FAULT_LATE,
		     STATUS, 1);
	answered(&a, init(&a), -EIO, STATUS);
	answered(&a, init(&a), 0, UNTOUCHED);
	answered(&a, launch_start(&a), 0, 0);
	expect_asked(1, 1);
}
END_TEST

START_TEST(no_answer_to_init)
{
	silence(&a, SEVLM_SIM_COMMAND_INIT);
	answered(&a, init(&a), -ETIMEDOUT, 0);
	/* it is not up, so that this one asks as well */
	answered(&a, init(&a), -EBUSY, NOT_ASKED);
	answered(&a, dev(&a, SEV_PDH_GEN, NULL), -EBUSY, NOT_ASKED);
	expect_asked(1, 0);
}
END_TEST

START_TEST(no_answer_to_the_flush_behind_init)
{
	silence(&a, SEVLM_SIM_COMMAND_DF_FLUSH);
	answered(&a, dev(&a, SEV_PDH_GEN, NULL), -ETIMEDOUT, 0);
	answered(&a, dev(&a, SEV_PDH_GEN, NULL), -EBUSY, UNTOUCHED);
	answered(&a, init(&a), 0, UNTOUCHED);
	answered(&a, launch_start(&a), -EBUSY, UNTOUCHED);
	expect_asked(1, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-psp-init");
	TCase *tc = tcase_create("beginning");

	tcase_add_checked_fixture(tc, cold, sides_down);
	tcase_add_test(tc, up_at_the_first_guest);
	tcase_add_loop_test(tc, up_for_dev_sev, 0, COUNT(devs));
	tcase_add_test(tc, up_from_the_beginning);
	tcase_add_loop_test(tc, init_fails, 1, ASIDS + 1);
	tcase_add_test(tc, init_does_not_reach_firmware);
	tcase_add_test(tc, late_init);
	tcase_add_loop_test(tc, lost_data_is_replaced, 1, 3);
	tcase_add_loop_test(tc, flush_fails_behind_init, 0, COUNT(flushes));
	tcase_add_test(tc, nothing_is_received_without_a_flush);
	tcase_add_test(tc, late_flush_behind_init);
	tcase_add_test(tc, no_answer_to_init);
	tcase_add_test(tc, no_answer_to_the_flush_behind_init);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}

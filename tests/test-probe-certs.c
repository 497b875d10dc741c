/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a host's /dev/sev says of its identity, without a guest. */
#include <errno.h>
#include <string.h>

#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include "certs.h"
#include "check-main.h"
#include "internal.h"

static struct sevlm_sim_host *host;
/* a driver by a table, where there is no software host for it */
static struct {
	bool on;
	uint32_t sockets; /* IDs that there are */
	uint32_t later; /* bytes that the second answer names */
	int error;
	uint32_t status;
	uint32_t asked;
} script;

static uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];
static uint8_t id[SEVLM_CHIP_ID_SIZE];

static int scripted(struct sev_issue_cmd *cmd)
{
	struct sev_user_data_get_id2 *data = (void *)(uintptr_t)cmd->data;
	const uint32_t bytes = 64 * script.sockets;
	uint8_t *out = (void *)(uintptr_t)data->address;

	script.asked++;
	cmd->error = script.status;
	if (script.error)
		return script.error;
	if (!out || data->length < bytes) {
		data->length = bytes;
		cmd->error = 4;
		return -EIO;
	}
	for (uint32_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)i;
	data->length = script.later ? script.later : bytes;
	cmd->error = 0;
	return 0;
}

static int sev_door(void *ctx, uint32_t request, void *arg)
{
	return script.on ? scripted(arg)
			 : sevlm_sim_host_sev(ctx, request, arg);
}

static int vm_door(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	(void)request;
	(void)arg;
	ck_abort_msg("no VM is to be asked");
	return -ENOTTY;
}

static const struct sevlm_kernel_ops ops = {
	.size = sizeof(ops),
	.vm = vm_door,
	.sev = sev_door,
};

static struct sevlm_probe probe;

static void host_of(uint32_t api_minor)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 8,
		.api_minor = api_minor,
	};

	ck_assert_int_eq(sevlm_sim_host_new(&config, &host), 0);
	probe = (struct sevlm_probe){
		.size = sizeof(probe),
		.kvm_fd = -ENOENT,
		.sev_fd = 3,
		.scratch_vm_fd = -1,
		.ops = &ops,
		.ops_ctx = host,
	};
}

static void set_up(void)
{
	memset(&script, 0, sizeof(script));
	memset(id, 0xa5, sizeof(id));
	host_of(24);
}

static void tear_down(void)
{
	sevlm_sim_host_free(host);
}

START_TEST(certificates_are_the_firmwares)
{
	struct certs certs;

	ck_assert_int_eq(sevlm_probe_certs(&probe, pdh, chain), 0);
	certs_of_host(&certs, host);
	ck_assert_mem_eq(pdh, certs.pdh, sizeof(pdh));
	/* but for AMD's signature, which is not the firmware's to give */
	ck_assert_int_eq(sevlm_chain_set_cek(chain, certs.chain + AT_CEK, CERT),
			 0);
	ck_assert_mem_eq(chain, certs.chain, sizeof(chain));
}
END_TEST

START_TEST(chip_id_is_the_firmwares)
{
	uint8_t expected[64];
	struct sev_user_data_get_id2 data = {(uintptr_t)expected, 64};
	struct sev_issue_cmd cmd = {
		.cmd = SEV_GET_ID2,
		.data = (uintptr_t)&data,
	};

	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), 0);
	ck_assert_int_eq(
		sevlm_sim_host_sev(host, (uint32_t)SEV_ISSUE_CMD, &cmd), 0);
	ck_assert_mem_eq(id, expected, sizeof(id));
}
END_TEST

START_TEST(chip_id_of_old_firmware)
{
	sevlm_sim_host_free(host);
	host_of(15);
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), -ENOTSUP);
}
END_TEST

START_TEST(chip_id_of_two_sockets_is_the_firsts)
{
	uint8_t expected[64];

	for (int i = 0; i < 64; i++)
		expected[i] = (uint8_t)i;
	script.on = true;
	script.sockets = (uint32_t)_i;
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), 0);
	ck_assert_mem_eq(id, expected, sizeof(id));
	ck_assert_uint_eq(script.asked, 2);
}
END_TEST

START_TEST(chip_id_of_a_strange_size)
{
	script.on = true;
	script.sockets = 3;
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), -ENOTSUP);
	script.sockets = 0;
	ck_assert_int_lt(sevlm_probe_chip_id(&probe, id), 0);
	script.sockets = 1;
	script.later = 32;
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), -EIO);
	ck_assert_uint_eq(id[0], 0xa5);
}
END_TEST

static const struct {
	int error;
	uint32_t status;
	int expected;
} failures[] = {
	{-EIO, 1, -EREMOTEIO},	{-EPERM, SEVLM_FIRMWARE_NOT_ASKED, -EPERM},
	{-ENOTTY, 0, -ENOTSUP}, {-524, 0, -ENOTSUP},
	{-ENOMEM, 0, -ENOMEM},	{-EFAULT, 0, -EIO},
};

START_TEST(refusals_are_of_the_closed_set)
{
	script.on = true;
	script.error = failures[_i].error;
	script.status = failures[_i].status;
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id),
			 failures[_i].expected);
	ck_assert_int_eq(sevlm_probe_certs(&probe, pdh, chain),
			 failures[_i].expected);
}
END_TEST

static const struct {
	int fd, expected;
} opens[] = {
	{-ENOENT, -ENOTSUP}, {-ENODEV, -ENOTSUP}, {-EACCES, -EPERM},
	{-EPERM, -EPERM},    {-EMFILE, -EIO},	  {-ENOMEM, -ENOMEM},
};

START_TEST(device_that_did_not_open)
{
	probe.sev_fd = opens[_i].fd;
	ck_assert_int_eq(sevlm_probe_certs(&probe, pdh, chain),
			 opens[_i].expected);
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), opens[_i].expected);
}
END_TEST

START_TEST(arguments)
{
	ck_assert_int_eq(sevlm_probe_certs(NULL, pdh, chain), -EINVAL);
	ck_assert_int_eq(sevlm_probe_certs(&probe, NULL, chain), -EINVAL);
	ck_assert_int_eq(sevlm_probe_certs(&probe, pdh, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_probe_chip_id(NULL, id), -EINVAL);
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, NULL), -EINVAL);
	probe.reserved = 1;
	ck_assert_int_eq(sevlm_probe_chip_id(&probe, id), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("certs");
	Suite *suite = suite_create("probe-certs");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, certificates_are_the_firmwares);
	tcase_add_test(tcase, chip_id_is_the_firmwares);
	tcase_add_test(tcase, chip_id_of_old_firmware);
	tcase_add_loop_test(tcase, chip_id_of_two_sockets_is_the_firsts, 1, 3);
	tcase_add_test(tcase, chip_id_of_a_strange_size);
	tcase_add_loop_test(tcase, refusals_are_of_the_closed_set, 0,
			    (int)ARRAY_SIZE(failures));
	tcase_add_loop_test(tcase, device_that_did_not_open, 0,
			    (int)ARRAY_SIZE(opens));
	tcase_add_test(tcase, arguments);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the firmware refuses to send, and to receive. */
#include "sim-platform.h"

#define OWNER (SEVLM_POLICY_DOMAIN)
#define CHIP (SEVLM_POLICY_SEV)

static struct platform a, b;
static uint8_t session[128];
static struct packet packet;

static void up(void)
{
	platform_up(&a, 21, 24);
	platform_up(&b, 22, 16);
	memset(a.ram, 0x3c, PAGES * SIM_PAGE);
}

static void down(void)
{
	platform_down(&a);
	platform_down(&b);
}

/* ---- SEND_START ---- */

START_TEST(start_nosend)
{
	struct sim_start query = {0};
	uint32_t handle = running_guest(&a, SEVLM_POLICY_NOSEND);

	ck_assert_uint_eq(send_start(&a, &b, handle, session),
			  SIM_POLICY_FAILURE);
	ck_assert_uint_eq(sim_firmware_send_start(a.fw, handle, &query),
			  SIM_POLICY_FAILURE);
	ck_assert_uint_eq(state_of(&a, handle), SIM_GSTATE_RUNNING);
}
END_TEST

START_TEST(start_lengths)
{
	uint32_t handle = running_guest(&a, 0);

	for (int i = 0; i < 10; i++) {
		struct sim_start start = start_to(&b, session);
		uint32_t *lengths[] = {&start.pdh_len, &start.chain_len,
				       &start.amd_len, &start.session_len};
		uint32_t *len = lengths[i % 4];

		*len = i < 4 ? *len - 1 : i < 8 ? *len + 1 : 0;
		ck_assert_uint_eq(sim_firmware_send_start(a.fw, handle, &start),
				  SIM_INVALID_LEN);
		ck_assert_uint_eq(start.session_len, 128);
		ck_assert_uint_eq(state_of(&a, handle), SIM_GSTATE_RUNNING);
	}
}
END_TEST

START_TEST(start_query)
{
	uint32_t handle = running_guest(&a, 0);
	struct sim_start start = {0};

	ck_assert_uint_eq(sim_firmware_send_start(a.fw, handle, &start),
			  SIM_INVALID_LEN);
	ck_assert_uint_eq(start.session_len, 128);
}
END_TEST

START_TEST(start_tells_policy)
{
	uint32_t handle = running_guest(&a, SEVLM_POLICY_NODBG | 7u << 24);
	struct sim_start start = start_to(&b, session);

	ck_assert_uint_eq(sim_firmware_send_start(a.fw, handle, &start), 0);
	ck_assert_uint_eq(start.policy, SEVLM_POLICY_NODBG | 7u << 24);
}
END_TEST

START_TEST(start_to_another_owner)
{
	ck_assert_uint_eq(send_start(&a, &b, running_guest(&a, OWNER), session),
			  SIM_POLICY_FAILURE);
}
END_TEST

START_TEST(start_to_the_same_owner)
{
	ck_assert_uint_eq(
		send_start(&a, &a, running_guest(&a, OWNER | CHIP), session),
		SIM_SUCCESS);
}
END_TEST

/* one byte turned: where, under which policy, and what comes of it */
static const struct {
	int blob; /* 0 pdh, 1 PEK, 2 OCA, 3 CEK, 4 ASK, 5 ARK */
	uint32_t offset;
	uint32_t policy, status;
} turns[] = {
	/* form counts under every policy */
	{0, 0x00, 0, SIM_INVALID_CERTIFICATE},
	{1, 0x08, 0, SIM_INVALID_CERTIFICATE},
	{2, 0x0c, 0, SIM_INVALID_CERTIFICATE},
	{3, 0x14, 0, SIM_INVALID_CERTIFICATE},
	{4, 0x24, 0, SIM_INVALID_CERTIFICATE},
	{5, 0x3c, 0, SIM_INVALID_CERTIFICATE},
	/* signatures count where policy asks for them */
	{0, 0x41c, 0, SIM_SUCCESS},
	{0, 0x41c, OWNER, SIM_BAD_SIGNATURE},
	{0, 0x41c, CHIP, SIM_BAD_SIGNATURE},
	{0, 0x05, CHIP, SIM_BAD_SIGNATURE},
	{0, 0x414, CHIP, SIM_INVALID_CERTIFICATE},
	{0, 0x418, CHIP, SIM_INVALID_CERTIFICATE},
	{1, 0x41c, OWNER, SIM_BAD_SIGNATURE},
	{1, 0x624, OWNER, SIM_SUCCESS},
	{1, 0x624, CHIP, SIM_BAD_SIGNATURE},
	{2, 0x41c, CHIP, SIM_BAD_SIGNATURE},
	{3, 0x41c, 0, SIM_SUCCESS},
	{3, 0x41c, CHIP, SIM_BAD_SIGNATURE},
	{3, 0x418, CHIP, SIM_INVALID_CERTIFICATE},
	{3, 0x05, CHIP, SIM_BAD_SIGNATURE},
	{4, 0x14, CHIP, SIM_INVALID_CERTIFICATE},
	{4, 0x04, CHIP, SIM_BAD_SIGNATURE},
	{4, 0x440, CHIP, SIM_BAD_SIGNATURE},
	{4, 0x440, 0, SIM_SUCCESS},
	{5, 0x04, CHIP, SIM_INVALID_CERTIFICATE},
	{5, 0x240, CHIP, SIM_INVALID_CERTIFICATE},
	{5, 0x440, CHIP, SIM_BAD_SIGNATURE},
	{5, 0x440, 0, SIM_SUCCESS},
};

START_TEST(start_with_a_byte_turned)
{
	/* to itself, so that only the turned byte is in the way */
	uint8_t *blobs[] = {a.pdh,	    a.chain,
			    a.chain + CERT, a.chain + 2 * CERT,
			    a.amd,	    a.amd + SIM_AMD_CERT};
	uint32_t handle = running_guest(&a, turns[_i].policy);

	ck_assert_uint_eq(send_start(&a, &a, handle, session), 0);
	ck_assert_uint_eq(sim_firmware_send_cancel(a.fw, handle), 0);
	blobs[turns[_i].blob][turns[_i].offset] ^= 0x04;
	ck_assert_uint_eq(send_start(&a, &a, handle, session),
			  turns[_i].status);
	ck_assert_uint_eq(state_of(&a, handle), turns[_i].status
							? SIM_GSTATE_RUNNING
							: SIM_GSTATE_SUPDATE);
}
END_TEST

/* as PDH_CERT_EXPORT gives it */
START_TEST(start_with_the_unsigned_cek)
{
	uint32_t handle = running_guest(&a, CHIP);

	sim_identity_chain(b.identity, b.chain);
	ck_assert_uint_eq(send_start(&a, &b, handle, session),
			  SIM_INVALID_CERTIFICATE);
}
END_TEST

START_TEST(start_with_slots_exchanged)
{
	struct sim_cert *pek = (struct sim_cert *)b.chain;
	uint32_t handle = running_guest(&a, CHIP);
	struct sim_cert_sig sig = pek->sig[0];

	pek->sig[0] = pek->sig[1];
	pek->sig[1] = sig;
	ck_assert_uint_eq(send_start(&a, &b, handle, session), SIM_SUCCESS);
}
END_TEST

/* with 2048 bits, and the ARK as short as AMD published one */
START_TEST(start_with_a_short_amd_blob)
{
	static uint8_t amd[1408];
	uint8_t *ark = amd + 832;
	uint32_t handle;

	sim_put32(amd, 1);
	sim_put32(amd + 36, SIM_USAGE_ASK);
	sim_put32(amd + 56, 2048);
	sim_put32(amd + 60, 2048);
	memcpy(ark, amd, 64);
	sim_put32(ark + 36, SIM_USAGE_ARK);
	for (int i = 0; i < 2; i++) {
		struct sim_start start = start_to(&b, session);

		start.amd = amd;
		start.amd_len = sizeof(amd);
		handle = running_guest(&a, i ? CHIP : 0);
		ck_assert_uint_eq(sim_firmware_send_start(a.fw, handle, &start),
				  i ? SIM_INVALID_CERTIFICATE : SIM_SUCCESS);
		sim_firmware_deactivate(a.fw, handle);
	}
}
END_TEST

/* ---- SEND_UPDATE_DATA ---- */

static uint32_t sending(void)
{
	uint32_t handle = running_guest(&a, 0);

	ck_assert_uint_eq(send_start(&a, &b, handle, session), 0);
	return handle;
}

static const struct {
	uint32_t header_len, guest_len, trans_len, status;
} lengths[] = {
	{0, 0, 0, SIM_INVALID_LEN},	   {51, 4096, 4096, SIM_INVALID_LEN},
	{52, 4096, 4095, SIM_INVALID_LEN}, {52, 0, 4096, SIM_INVALID_LEN},
	{52, 4088, 4096, SIM_INVALID_LEN}, {52, 16400, 16400, SIM_INVALID_LEN},
	{60, 16, 4096, SIM_SUCCESS},	   {52, 4096, 4096, SIM_SUCCESS},
};

START_TEST(send_lengths)
{
	uint32_t handle = sending();

	packet_for(&packet, a.ram, lengths[_i].guest_len);
	packet.p.header_len = lengths[_i].header_len;
	packet.p.trans_len = lengths[_i].trans_len;
	ck_assert_uint_eq(
		sim_firmware_send_update(a.fw, handle, a.memory, &packet.p),
		lengths[_i].status);
	ck_assert_uint_eq(packet.p.header_len, 52);
	ck_assert_uint_eq(packet.p.trans_len, lengths[_i].guest_len);
}
END_TEST

START_TEST(send_places)
{
	uint32_t handle = sending();

	packet_for(&packet, a.ram + 8, 16);
	ck_assert_uint_eq(
		sim_firmware_send_update(a.fw, handle, a.memory, &packet.p),
		SIM_INVALID_ADDRESS);
	packet_for(&packet, b.ram, 16);
	ck_assert_uint_eq(
		sim_firmware_send_update(a.fw, handle, a.memory, &packet.p),
		SIM_FAULT);
	ck_assert_uint_eq(sim_firmware_deactivate(a.fw, handle), 0);
	ck_assert_uint_eq(send_page(&a, handle, 0, &packet), SIM_INACTIVE);
}
END_TEST

/* ---- RECEIVE_START ---- */

static uint32_t refused(uint32_t policy)
{
	uint32_t handle, status;

	status = receive_start(&b, &a, policy, session, &handle);
	ck_assert_uint_eq(handle, 0);
	return status;
}

START_TEST(receive_tampered_session)
{
	uint32_t handle;

	sending();
	for (size_t i = 0; i < sizeof(session); i++) {
		session[i] ^= 1;
		ck_assert_uint_eq(refused(0), SIM_BAD_MEASUREMENT);
		session[i] ^= 1;
	}
	ck_assert_uint_eq(refused(1), SIM_BAD_MEASUREMENT);
	ck_assert_uint_eq(receive_start(&b, &a, 0, session, &handle), 0);
}
END_TEST

START_TEST(receive_lengths)
{
	uint32_t handle = 0;

	sending();
	ck_assert_uint_eq(sim_firmware_receive_start(b.fw, 0, a.pdh, CERT - 1,
						     session, 128, &handle),
			  SIM_INVALID_LEN);
	ck_assert_uint_eq(sim_firmware_receive_start(b.fw, 0, a.pdh, CERT,
						     session, 127, &handle),
			  SIM_INVALID_LEN);
}
END_TEST

START_TEST(receive_junk_pdh)
{
	static const uint8_t junk[CERT] = {1};
	uint32_t handle = 0;

	sending();
	ck_assert_uint_eq(sim_firmware_receive_start(b.fw, 0, junk, CERT,
						     session, 128, &handle),
			  SIM_INVALID_CERTIFICATE);
}
END_TEST

/* either side's new PDH ends what was agreed with the old one */
START_TEST(receive_after_pdh_gen)
{
	sending();
	ck_assert_uint_eq(sim_firmware_pdh_gen(_i ? a.fw : b.fw), 0);
	ck_assert_uint_eq(refused(0), SIM_BAD_MEASUREMENT);
}
END_TEST

START_TEST(receive_below_the_floor)
{
	uint32_t policy = 17u << 24;
	uint32_t handle = running_guest(&a, policy);

	ck_assert_uint_eq(send_start(&a, &b, handle, session), 0);
	ck_assert_uint_eq(refused(policy), SIM_POLICY_FAILURE);
}
END_TEST

START_TEST(receive_at_the_floor)
{
	uint32_t policy = 16u << 24, to;
	uint32_t handle = running_guest(&a, policy);

	ck_assert_uint_eq(send_start(&a, &b, handle, session), 0);
	ck_assert_uint_eq(receive_start(&b, &a, policy, session, &to), 0);
}
END_TEST

/* ---- RECEIVE_UPDATE_DATA ---- */

static uint32_t receiving(void)
{
	uint32_t from = sending(), to;

	ck_assert_uint_eq(receive_start(&b, &a, 0, session, &to), 0);
	ck_assert_uint_eq(send_page(&a, from, 0, &packet), 0);
	return to;
}

static void expect_untouched(void)
{
	for (unsigned int i = 0; i < SIM_PAGE; i++)
		ck_assert_uint_eq(b.ram[i], 0);
}

START_TEST(receive_tampered_packet)
{
	uint32_t to = receiving();

	for (size_t i = 4; i < sizeof(packet.header); i += 3) {
		packet.header[i] ^= 1;
		ck_assert_uint_eq(receive_page(&b, to, 0, &packet),
				  SIM_BAD_MEASUREMENT);
		packet.header[i] ^= 1;
	}
	for (size_t i = 0; i < SIM_PAGE; i += 173) {
		packet.trans[i] ^= 1;
		ck_assert_uint_eq(receive_page(&b, to, 0, &packet),
				  SIM_BAD_MEASUREMENT);
		packet.trans[i] ^= 1;
	}
	expect_untouched();
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), 0);
}
END_TEST

START_TEST(receive_flags)
{
	uint32_t to = receiving();

	packet.header[0] = 1;
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), SIM_UNSUPPORTED);
	packet.header[0] = 2;
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), SIM_INVALID_PARAM);
	packet.header[0] = 0;
	packet.header[3] = 0x80;
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), SIM_INVALID_PARAM);
	expect_untouched();
}
END_TEST

START_TEST(receive_packet_lengths)
{
	uint32_t to = receiving();

	for (int i = 0; i < 5; i++) {
		packet_for(&packet, b.ram, SIM_PAGE);
		packet.p.header_len += i == 0 ? 1 : i == 1 ? -1u : 0;
		packet.p.trans_len += i == 2 ? 16 : 0;
		packet.p.guest_len += i == 3 ? -16u : 0;
		if (i == 4)
			packet.p.guest_len = packet.p.trans_len = 0;
		ck_assert_uint_eq(sim_firmware_receive_update(
					  b.fw, to, b.memory, &packet.p),
				  SIM_INVALID_LEN);
	}
	expect_untouched();
}
END_TEST

START_TEST(receive_places)
{
	uint32_t to = receiving();

	packet_for(&packet, b.ram + 8, SIM_PAGE);
	ck_assert_uint_eq(
		sim_firmware_receive_update(b.fw, to, b.memory, &packet.p),
		SIM_INVALID_ADDRESS);
	packet_for(&packet, a.ram, SIM_PAGE);
	ck_assert_uint_eq(
		sim_firmware_receive_update(b.fw, to, b.memory, &packet.p),
		SIM_FAULT);
	ck_assert_uint_eq(sim_firmware_deactivate(b.fw, to), 0);
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), SIM_INACTIVE);
}
END_TEST

static void add_send(Suite *suite)
{
	TCase *tc = tcase_create("send");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, start_nosend);
	tcase_add_test(tc, start_lengths);
	tcase_add_test(tc, start_query);
	tcase_add_test(tc, start_tells_policy);
	tcase_add_test(tc, start_to_another_owner);
	tcase_add_test(tc, start_to_the_same_owner);
	tcase_add_loop_test(tc, start_with_a_byte_turned, 0,
			    sizeof(turns) / sizeof(turns[0]));
	tcase_add_test(tc, start_with_the_unsigned_cek);
	tcase_add_test(tc, start_with_slots_exchanged);
	tcase_add_test(tc, start_with_a_short_amd_blob);
	tcase_add_loop_test(tc, send_lengths, 0,
			    sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(tc, send_places);
	suite_add_tcase(suite, tc);
}

static void add_receive(Suite *suite)
{
	TCase *tc = tcase_create("receive");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, receive_tampered_session);
	tcase_add_test(tc, receive_lengths);
	tcase_add_test(tc, receive_junk_pdh);
	tcase_add_loop_test(tc, receive_after_pdh_gen, 0, 2);
	tcase_add_test(tc, receive_below_the_floor);
	tcase_add_test(tc, receive_at_the_floor);
	tcase_add_test(tc, receive_tampered_packet);
	tcase_add_test(tc, receive_flags);
	tcase_add_test(tc, receive_packet_lengths);
	tcase_add_test(tc, receive_places);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("sim-refusals");

	add_send(suite);
	add_receive(suite);
	return run_suite(suite);
}

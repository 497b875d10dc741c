/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-platform.h"

static struct platform a, b;
static uint8_t session[128];

static void up(void)
{
	platform_up(&a, 11, 24);
	platform_up(&b, 12, 24);
	for (unsigned int i = 0; i < PAGES * SIM_PAGE; i++)
		a.ram[i] = (uint8_t)(i * 31 + i / SIM_PAGE);
}

static void down(void)
{
	platform_down(&a);
	platform_down(&b);
}

/* ---- states ---- */

static uint32_t guest_in(enum sim_gstate state)
{
	uint8_t measure[48];
	uint32_t handle, sent, bytes = sizeof(measure);

	if (state == SIM_GSTATE_RUPDATE) {
		sent = running_guest(&b, 0);
		ck_assert_uint_eq(send_start(&b, &a, sent, session), 0);
		ck_assert_uint_eq(receive_start(&a, &b, 0, session, &handle),
				  0);
		return handle;
	}
	handle = new_guest(&a, 0);
	if (state >= SIM_GSTATE_LSECRET)
		sim_firmware_launch_measure(a.fw, handle, measure, &bytes);
	if (state >= SIM_GSTATE_RUNNING)
		sim_firmware_launch_finish(a.fw, handle);
	if (state >= SIM_GSTATE_SUPDATE)
		send_start(&a, &b, handle, session);
	if (state == SIM_GSTATE_SENT)
		sim_firmware_send_finish(a.fw, handle);
	ck_assert_uint_eq(state_of(&a, handle), state);
	return handle;
}

static uint32_t do_update(uint32_t handle)
{
	return sim_firmware_launch_update(a.fw, handle, a.memory, a.ram, 4096);
}

static uint32_t do_measure(uint32_t handle)
{
	uint8_t buf[48];
	uint32_t bytes = sizeof(buf);

	return sim_firmware_launch_measure(a.fw, handle, buf, &bytes);
}

static uint32_t do_finish(uint32_t handle)
{
	return sim_firmware_launch_finish(a.fw, handle);
}

static uint32_t do_send_start(uint32_t handle)
{
	return send_start(&a, &b, handle, session);
}

static uint32_t do_send(uint32_t handle)
{
	static struct packet packet;

	return send_page(&a, handle, 0, &packet);
}

static uint32_t do_send_finish(uint32_t handle)
{
	return sim_firmware_send_finish(a.fw, handle);
}

static uint32_t do_send_cancel(uint32_t handle)
{
	return sim_firmware_send_cancel(a.fw, handle);
}

static uint32_t do_receive(uint32_t handle)
{
	static struct packet packet;

	return receive_page(&a, handle, 0, &packet);
}

static uint32_t do_receive_finish(uint32_t handle)
{
	return sim_firmware_receive_finish(a.fw, handle);
}

static const struct {
	uint32_t (*run)(uint32_t handle);
	enum sim_gstate legal, then;
	uint32_t status; /* where it is legal */
} commands[] = {
	{do_update, SIM_GSTATE_LUPDATE, SIM_GSTATE_LUPDATE, 0},
	{do_measure, SIM_GSTATE_LUPDATE, SIM_GSTATE_LSECRET, 0},
	{do_finish, SIM_GSTATE_LSECRET, SIM_GSTATE_RUNNING, 0},
	{do_send_start, SIM_GSTATE_RUNNING, SIM_GSTATE_SUPDATE, 0},
	{do_send, SIM_GSTATE_SUPDATE, SIM_GSTATE_SUPDATE, 0},
	{do_send_finish, SIM_GSTATE_SUPDATE, SIM_GSTATE_SENT, 0},
	{do_send_cancel, SIM_GSTATE_SUPDATE, SIM_GSTATE_RUNNING, 0},
	{do_receive, SIM_GSTATE_RUPDATE, SIM_GSTATE_RUPDATE,
	 SIM_BAD_MEASUREMENT},
	{do_receive_finish, SIM_GSTATE_RUPDATE, SIM_GSTATE_RUNNING, 0},
};

/* each command in each state: done in its own, refused in all others */
START_TEST(command_in_every_state)
{
	for (enum sim_gstate state = SIM_GSTATE_LUPDATE;
	     state <= SIM_GSTATE_SENT; state++) {
		bool legal = state == commands[_i].legal;
		uint32_t handle = guest_in(state);

		ck_assert_uint_eq(commands[_i].run(handle),
				  legal ? commands[_i].status
					: SIM_INVALID_GUEST_STATE);
		ck_assert_uint_eq(state_of(&a, handle),
				  legal ? commands[_i].then : state);
		ck_assert_uint_eq(sim_firmware_deactivate(a.fw, handle), 0);
		ck_assert_uint_eq(sim_firmware_decommission(a.fw, handle), 0);
		sim_firmware_free(b.fw);
		ck_assert_int_eq(sim_firmware_new(b.random, b.identity, 0, 24,
						  1, 4, &b.fw),
				 0);
		ck_assert_uint_eq(sim_firmware_init(b.fw), 0);
	}
}
END_TEST

START_TEST(command_on_no_guest)
{
	uint32_t handle;

	ck_assert_uint_eq(commands[_i].run(1), SIM_INVALID_PLATFORM_STATE);
	handle = new_guest(&a, 0);
	ck_assert_uint_eq(commands[_i].run(handle + 1), SIM_INVALID_GUEST);
	ck_assert_uint_eq(commands[_i].run(0), SIM_INVALID_GUEST);
}
END_TEST

START_TEST(platform_states)
{
	struct sim_firmware *cold;
	uint32_t guests, handle = 0;
	uint8_t state;

	ck_assert_int_eq(
		sim_firmware_new(a.random, a.identity, 0, 24, 1, 4, &cold), 0);
	ck_assert_uint_eq(sim_firmware_pdh_gen(cold),
			  SIM_INVALID_PLATFORM_STATE);
	ck_assert_uint_eq(sim_firmware_launch_start(cold, 0, &handle),
			  SIM_INVALID_PLATFORM_STATE);
	ck_assert_uint_eq(sim_firmware_receive_start(cold, 0, a.pdh, CERT,
						     session, 128, &handle),
			  SIM_INVALID_PLATFORM_STATE);
	ck_assert_uint_eq(sim_firmware_df_flush(cold),
			  SIM_INVALID_PLATFORM_STATE);
	sim_firmware_free(cold);
	ck_assert_uint_eq(sim_firmware_init(a.fw), SIM_INVALID_PLATFORM_STATE);
	handle = new_guest(&a, 0);
	sim_firmware_platform(a.fw, &state, &guests);
	ck_assert_uint_eq(state, SIM_PSTATE_WORKING);
	ck_assert_uint_eq(guests, 1);
	ck_assert_uint_eq(sim_firmware_decommission(a.fw, handle), SIM_ACTIVE);
	ck_assert_uint_eq(sim_firmware_deactivate(a.fw, handle), 0);
	ck_assert_uint_eq(sim_firmware_decommission(a.fw, handle), 0);
	sim_firmware_platform(a.fw, &state, &guests);
	ck_assert_uint_eq(state, SIM_PSTATE_INIT);
	ck_assert_uint_eq(guests, 0);
}
END_TEST

START_TEST(activation)
{
	uint32_t first = new_guest(&a, 0), second = 0;

	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &second), 0);
	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, first, 2, a.memory),
			  SIM_ACTIVE);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, second, 1, a.memory),
			  SIM_ASID_OWNED);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, second, 0, a.memory),
			  SIM_INVALID_ASID);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, second, 5, a.memory),
			  SIM_INVALID_ASID);
	ck_assert_uint_eq(sim_firmware_deactivate(a.fw, second), SIM_INACTIVE);
	ck_assert_uint_eq(
		sim_firmware_launch_update(a.fw, second, a.memory, a.ram, 4096),
		SIM_INACTIVE);
	/* one that was given up, whoever wants it */
	ck_assert_uint_eq(sim_firmware_deactivate(a.fw, first), 0);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, second, 1, a.memory),
			  SIM_DFFLUSH_REQUIRED);
	sim_firmware_df_flush(a.fw);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, second, 1, a.memory), 0);
}
END_TEST

START_TEST(no_asid_before_the_first_flush)
{
	uint32_t handle = 0;

	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &handle), 0);
	for (uint32_t asid = 1; asid <= 4; asid++)
		ck_assert_uint_eq(
			sim_firmware_activate(a.fw, handle, asid, a.memory),
			SIM_DFFLUSH_REQUIRED);
	ck_assert_uint_eq(sim_firmware_df_flush(a.fw), 0);
	ck_assert_uint_eq(sim_firmware_activate(a.fw, handle, 4, a.memory), 0);
}
END_TEST

START_TEST(guests_run_out)
{
	uint32_t handle;

	for (unsigned int i = 0; i < SIM_GUESTS; i++) {
		handle = 0;
		ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &handle),
				  0);
	}
	handle = 0;
	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &handle),
			  SIM_RESOURCE_LIMIT);
	ck_assert_uint_eq(sim_firmware_decommission(a.fw, 1), 0);
	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &handle), 0);
	ck_assert_uint_eq(handle, SIM_GUESTS + 1);
}
END_TEST

/* ---- launch ---- */

START_TEST(launch_encrypts)
{
	uint8_t before[SIM_PAGE], plain[SIM_PAGE];

	memcpy(before, a.ram, SIM_PAGE);
	running_guest(&a, 0);
	ck_assert_mem_ne(a.ram, before, 64);
	ck_assert_int_eq(sim_memory_decrypt(a.memory, a.ram, SIM_PAGE, plain),
			 0);
	ck_assert_mem_eq(plain, before, SIM_PAGE);
}
END_TEST

START_TEST(launch_measure_covers_contents)
{
	struct sim_measured measured = {.api_minor = 24, .build = 1};
	uint32_t handle = new_guest(&a, 0), bytes = 0;
	uint8_t digest[32], buf[48], want[32];
	struct sim_gctx *gctx;
	struct sim_keys keys;

	ck_assert(EVP_Digest(a.ram, 2 * SIM_PAGE, digest, NULL, EVP_sha256(),
			     NULL));
	ck_assert_uint_eq(sim_firmware_launch_update(a.fw, handle, a.memory,
						     a.ram, 2 * SIM_PAGE),
			  0);
	ck_assert_uint_eq(sim_gctx_find(a.fw, handle, &gctx), 0);
	keys = gctx->keys;
	ck_assert_uint_eq(
		sim_firmware_launch_measure(a.fw, handle, buf, &bytes),
		SIM_INVALID_LEN);
	ck_assert_uint_eq(bytes, 48);
	ck_assert_uint_eq(
		sim_firmware_launch_measure(a.fw, handle, buf, &bytes), 0);
	measured.digest = digest;
	measured.mnonce = buf + 32;
	ck_assert_int_eq(sim_measure(keys.tik, &measured, want), 0);
	ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

START_TEST(launch_ranges)
{
	uint32_t handle = new_guest(&a, 0);

	ck_assert_uint_eq(sim_firmware_launch_update(a.fw, handle, a.memory,
						     a.ram + 8, 16),
			  SIM_INVALID_ADDRESS);
	ck_assert_uint_eq(
		sim_firmware_launch_update(a.fw, handle, a.memory, a.ram, 24),
		SIM_INVALID_LEN);
	ck_assert_uint_eq(
		sim_firmware_launch_update(a.fw, handle, a.memory, a.ram, 0),
		SIM_INVALID_LEN);
	ck_assert_uint_eq(
		sim_firmware_launch_update(a.fw, handle, b.memory, a.ram, 16),
		SIM_INACTIVE);
	ck_assert_uint_eq(
		sim_firmware_launch_update(a.fw, handle, a.memory, b.ram, 16),
		SIM_FAULT);
}
END_TEST

static const struct {
	uint32_t policy, status;
} launch_policies[] = {
	{SEVLM_POLICY_ES, SIM_UNSUPPORTED},
	{1u << 6, SIM_INVALID_PARAM},
	{1u << 15, SIM_INVALID_PARAM},
	{24u << 24, SIM_SUCCESS},
	{25u << 24, SIM_POLICY_FAILURE},
	{1u << 16, SIM_POLICY_FAILURE},
	{SEVLM_POLICY_NOSEND | SEVLM_POLICY_NODBG, SIM_SUCCESS},
};

START_TEST(launch_policy)
{
	uint32_t handle = 0;

	ck_assert_uint_eq(sim_firmware_launch_start(
				  a.fw, launch_policies[_i].policy, &handle),
			  launch_policies[_i].status);
}
END_TEST

START_TEST(key_shared_between_guests)
{
	uint32_t owner = new_guest(&a, 0), mirror = owner, none = 99;
	struct sim_gctx *x, *y;

	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 1, &mirror),
			  SIM_POLICY_FAILURE);
	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &none),
			  SIM_INVALID_GUEST);
	ck_assert_uint_eq(sim_firmware_launch_start(a.fw, 0, &mirror), 0);
	ck_assert_uint_ne(mirror, owner);
	ck_assert_uint_eq(sim_gctx_find(a.fw, owner, &x), 0);
	ck_assert_uint_eq(sim_gctx_find(a.fw, mirror, &y), 0);
	ck_assert_mem_eq(x->vek, y->vek, SIM_VEK);
}
END_TEST

START_TEST(key_not_shared_by_policy)
{
	uint32_t owner = new_guest(&a, SEVLM_POLICY_NOKS);

	ck_assert_uint_eq(
		sim_firmware_launch_start(a.fw, SEVLM_POLICY_NOKS, &owner),
		SIM_POLICY_FAILURE);
}
END_TEST

/* ---- two platforms ---- */

START_TEST(pages_move)
{
	static uint8_t want[PAGES * SIM_PAGE], got[SIM_PAGE];
	static struct packet packet;
	uint32_t from, to;

	memcpy(want, a.ram, sizeof(want));
	from = running_guest(&a, SEVLM_POLICY_SEV);
	ck_assert_uint_eq(send_start(&a, &b, from, session), 0);
	ck_assert_uint_eq(receive_start(&b, &a, SEVLM_POLICY_SEV, session, &to),
			  0);
	for (uint32_t i = 0; i < PAGES; i++) {
		ck_assert_uint_eq(send_page(&a, from, i, &packet), 0);
		ck_assert_mem_ne(packet.trans, want + i * SIM_PAGE, 64);
		ck_assert_uint_eq(receive_page(&b, to, i, &packet), 0);
		ck_assert_int_eq(sim_memory_decrypt(b.memory,
						    b.ram + i * SIM_PAGE,
						    SIM_PAGE, got),
				 0);
		ck_assert_mem_eq(got, want + i * SIM_PAGE, SIM_PAGE);
	}
	ck_assert_mem_ne(a.ram, b.ram, 64);
	ck_assert_uint_eq(sim_firmware_receive_finish(b.fw, to), 0);
	ck_assert_uint_eq(sim_firmware_send_finish(a.fw, from), 0);
}
END_TEST

START_TEST(packet_of_several_pages)
{
	static uint8_t want[SIM_PACKET_MAX], got[SIM_PAGE];
	static struct packet packet;
	uint32_t from, to;

	memcpy(want, a.ram + SIM_PAGE, sizeof(want));
	from = running_guest(&a, 0);
	ck_assert_uint_eq(send_start(&a, &b, from, session), 0);
	ck_assert_uint_eq(receive_start(&b, &a, 0, session, &to), 0);
	packet_for(&packet, a.ram + SIM_PAGE, SIM_PACKET_MAX);
	ck_assert_uint_eq(
		sim_firmware_send_update(a.fw, from, a.memory, &packet.p), 0);
	packet.p.hva = b.ram + SIM_PAGE;
	ck_assert_uint_eq(
		sim_firmware_receive_update(b.fw, to, b.memory, &packet.p), 0);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_int_eq(sim_memory_decrypt(b.memory,
						    b.ram + (i + 1) * SIM_PAGE,
						    SIM_PAGE, got),
				 0);
		ck_assert_mem_eq(got, want + i * SIM_PAGE, SIM_PAGE);
	}
}
END_TEST

/* a shared page goes through the key like any other, and becomes noise */
START_TEST(shared_page_becomes_noise)
{
	static struct packet packet;
	uint8_t got[SIM_PAGE];
	uint32_t from, to;

	from = running_guest(&a, 0);
	memset(a.ram, 0x11, SIM_PAGE);
	ck_assert_uint_eq(send_start(&a, &b, from, session), 0);
	ck_assert_uint_eq(receive_start(&b, &a, 0, session, &to), 0);
	ck_assert_uint_eq(send_page(&a, from, 0, &packet), 0);
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), 0);
	ck_assert_int_eq(sim_memory_decrypt(b.memory, b.ram, SIM_PAGE, got), 0);
	ck_assert_mem_ne(got, a.ram, 64);
}
END_TEST

START_TEST(cancelled_and_sent_again)
{
	static struct packet packet;
	uint32_t from = running_guest(&a, 0), to;
	struct sim_gctx *gctx;
	uint8_t first[128];

	ck_assert_uint_eq(send_start(&a, &b, from, first), 0);
	ck_assert_uint_eq(send_page(&a, from, 0, &packet), 0);
	ck_assert_uint_eq(sim_firmware_send_cancel(a.fw, from), 0);
	ck_assert_uint_eq(sim_gctx_find(a.fw, from, &gctx), 0);
	ck_assert_ptr_null(gctx->transport);
	for (size_t i = 0; i < sizeof(gctx->keys); i++)
		ck_assert_uint_eq(((uint8_t *)&gctx->keys)[i], 0);
	ck_assert_uint_eq(send_start(&a, &b, from, session), 0);
	ck_assert_mem_ne(first, session, 16);
	ck_assert_uint_eq(receive_start(&b, &a, 0, session, &to), 0);
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet),
			  SIM_BAD_MEASUREMENT);
	ck_assert_uint_eq(send_page(&a, from, 0, &packet), 0);
	ck_assert_uint_eq(receive_page(&b, to, 0, &packet), 0);
}
END_TEST

/* an identical platform and the same commands: the same bytes */
START_TEST(seed_repeats_the_session)
{
	static struct packet one, two;
	struct platform twin;
	uint8_t again[128];
	uint32_t from, same;

	platform_up(&twin, 11, 24);
	memcpy(twin.ram, a.ram, PAGES * SIM_PAGE);
	from = running_guest(&a, 0);
	same = running_guest(&twin, 0);
	ck_assert_uint_eq(send_start(&a, &b, from, session), 0);
	ck_assert_uint_eq(send_start(&twin, &b, same, again), 0);
	ck_assert_mem_eq(session, again, sizeof(again));
	ck_assert_uint_eq(send_page(&a, from, 3, &one), 0);
	ck_assert_uint_eq(send_page(&twin, same, 3, &two), 0);
	ck_assert_mem_eq(one.header, two.header, sizeof(one.header));
	ck_assert_mem_eq(one.trans, two.trans, SIM_PAGE);
	platform_down(&twin);
}
END_TEST

static void add_one_platform(Suite *suite)
{
	const int n = sizeof(commands) / sizeof(commands[0]);
	TCase *tc = tcase_create("one platform");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_loop_test(tc, command_in_every_state, 0, n);
	tcase_add_loop_test(tc, command_on_no_guest, 0, n);
	tcase_add_test(tc, platform_states);
	tcase_add_test(tc, activation);
	tcase_add_test(tc, no_asid_before_the_first_flush);
	tcase_add_test(tc, guests_run_out);
	tcase_add_test(tc, launch_encrypts);
	tcase_add_test(tc, launch_measure_covers_contents);
	tcase_add_test(tc, launch_ranges);
	tcase_add_loop_test(tc, launch_policy, 0,
			    sizeof(launch_policies) /
				    sizeof(launch_policies[0]));
	tcase_add_test(tc, key_shared_between_guests);
	tcase_add_test(tc, key_not_shared_by_policy);
	suite_add_tcase(suite, tc);
}

static void add_two_platforms(Suite *suite)
{
	TCase *tc = tcase_create("two platforms");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, pages_move);
	tcase_add_test(tc, packet_of_several_pages);
	tcase_add_test(tc, shared_page_becomes_noise);
	tcase_add_test(tc, cancelled_and_sent_again);
	tcase_add_test(tc, seed_repeats_the_session);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("sim-firmware");

	add_one_platform(suite);
	add_two_platforms(suite);
	return run_suite(suite);
}

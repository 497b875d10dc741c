/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"
#include "script.h"

#define LIMIT (1ull << 52)
#define HVA(number) ((void *)(uintptr_t)(number))

static struct script script;
static struct sevlm_vm *vm;

static void set_up(void)
{
	vm = script_vm(&script);
}

static void tear_down(void)
{
	script_end(&script);
	sevlm_vm_free(vm);
}

/* ---- config ---- */

static int try_new(const struct sevlm_vm_config *config)
{
	struct sevlm_vm *made = NULL;
	int ret = sevlm_vm_new(config, &made);

	ck_assert_int_eq(!ret, !!made);
	sevlm_vm_free(made);
	return ret;
}

START_TEST(config_sizes)
{
	struct {
		struct sevlm_vm_config config;
		uint64_t more[2];
	} table = {.config = script_config(&script)};

	for (size_t size = 0; size < sizeof(table.config); size++) {
		table.config.size = size;
		ck_assert_int_eq(try_new(&table.config), -EINVAL);
	}
	table.config.size = sizeof(table);
	ck_assert_int_eq(try_new(&table.config), 0);
	table.more[1] = 1ull << 63;
	ck_assert_int_eq(try_new(&table.config), -EINVAL);
	table.config.size = sizeof(table.config);
	ck_assert_int_eq(try_new(&table.config), 0);
}
END_TEST

START_TEST(config_fields)
{
	struct sevlm_vm_config config = script_config(&script);

	config.reserved = 1;
	ck_assert_int_eq(try_new(&config), -EINVAL);
	config.reserved = 0;
	config.ops = NULL;
	ck_assert_int_eq(try_new(&config), -EINVAL);
	config.vm_fd = 3;
	config.sev_fd = -1;
	ck_assert_int_eq(try_new(&config), -EINVAL);
	config.sev_fd = 4;
	ck_assert_int_eq(try_new(&config), 0);
	ck_assert_int_eq(sevlm_vm_new(NULL, &vm), -EINVAL);
	ck_assert_int_eq(sevlm_vm_new(&config, NULL), -EINVAL);
}
END_TEST

START_TEST(copied)
{
	struct sevlm_kernel_ops ops = script_ops;
	struct sevlm_vm_config config = script_config(&script);
	struct sevlm_guest_status status = {.size = sizeof(status)};
	struct sevlm_vm *made;

	config.ops = &ops;
	ck_assert_int_eq(sevlm_vm_new(&config, &made), 0);
	memset(&ops, 0, sizeof(ops));
	memset(&config, 0, sizeof(config));
	SCRIPT_PLAY(&script, SCRIPT_STATE(SEVLM_GUEST_RUNNING));
	ck_assert_int_eq(sevlm_vm_guest_status(made, &status), 0);
	ck_assert_uint_eq(status.state, SEVLM_GUEST_RUNNING);
	sevlm_vm_free(made);
}
END_TEST

START_TEST(null)
{
	struct sevlm_guest_status status = {.size = sizeof(status)};
	uint8_t bytes[SEVLM_CHAIN_SIZE];

	sevlm_vm_free(NULL);
	ck_assert_str_ne(sevlm_vm_error(NULL), "");
	ck_assert_uint_eq(sevlm_vm_firmware_status(NULL),
			  SEVLM_FIRMWARE_NOT_ASKED);
	ck_assert_int_eq(sevlm_vm_guest_status(NULL, &status), -EINVAL);
	ck_assert_int_eq(sevlm_vm_guest_status(vm, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_export_certs(NULL, bytes, bytes), -EINVAL);
	ck_assert_int_eq(sevlm_vm_export_certs(vm, NULL, bytes), -EINVAL);
	ck_assert_int_eq(sevlm_vm_export_certs(vm, bytes, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_add_region(NULL, 0, 4096, HVA(4096), 1),
			 -EINVAL);
	ck_assert_int_eq(sevlm_vm_remove_region(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_vm_mark_dirty(NULL, 0, 1), -EINVAL);
	ck_assert_int_eq(sevlm_vm_skip(NULL, 0, 4096), -EINVAL);
}
END_TEST

/* ---- what firmware says ---- */

START_TEST(guest_status)
{
	static const struct kvm_sev_guest_status answer = {
		.handle = 5,
		.policy = 0x21,
		.state = SEVLM_GUEST_SUPDATE,
	};
	struct sevlm_guest_status status = {.size = sizeof(status)};

	SCRIPT_PLAY(&script, {.id = KVM_SEV_GUEST_STATUS,
			      .answer = &answer,
			      .bytes = sizeof(answer)});
	ck_assert_int_eq(sevlm_vm_guest_status(vm, &status), 0);
	ck_assert_uint_eq(status.size, sizeof(status));
	ck_assert_uint_eq(status.handle, 5);
	ck_assert_uint_eq(status.policy, 0x21);
	ck_assert_uint_eq(status.state, SEVLM_GUEST_SUPDATE);
	ck_assert_uint_eq(status.reserved, 0);
	ck_assert_str_eq(sevlm_vm_error(vm), "");
}
END_TEST

START_TEST(guest_status_sizes)
{
	struct {
		struct sevlm_guest_status status;
		uint64_t more;
	} out;

	memset(&out, 0xee, sizeof(out));
	out.status.size = offsetof(struct sevlm_guest_status, state);
	SCRIPT_PLAY(&script, SCRIPT_STATE(SEVLM_GUEST_SENT));
	ck_assert_int_eq(sevlm_vm_guest_status(vm, &out.status), 0);
	ck_assert_uint_eq(out.status.policy, 0);
	ck_assert_uint_eq(out.status.state, 0xeeeeeeee);
	out.status.size = sizeof(out);
	SCRIPT_PLAY(&script, SCRIPT_STATE(SEVLM_GUEST_SENT));
	ck_assert_int_eq(sevlm_vm_guest_status(vm, &out.status), 0);
	ck_assert_uint_eq(out.status.state, SEVLM_GUEST_SENT);
	ck_assert_uint_eq(out.more, 0);
	out.status.size = 0;
	SCRIPT_PLAY(&script, SCRIPT_STATE(SEVLM_GUEST_SENT));
	ck_assert_int_eq(sevlm_vm_guest_status(vm, &out.status), -EINVAL);
}
END_TEST

START_TEST(guest_status_refused)
{
	struct sevlm_guest_status status = {.size = sizeof(status)};

	ck_assert_uint_eq(sevlm_vm_firmware_status(vm),
			  SEVLM_FIRMWARE_NOT_ASKED);
	SCRIPT_PLAY(&script, SCRIPT_REFUSED(KVM_SEV_GUEST_STATUS, 0x10));
	ck_assert_int_eq(sevlm_vm_guest_status(vm, &status), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 0x10);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "INVALID_GUEST"));
}
END_TEST

static void give_certs(const struct script_step *step, void *params)
{
	struct sev_user_data_pdh_cert_export *data = params;

	(void)step;
	memset((void *)(uintptr_t)data->pdh_cert_address, 1, SEVLM_PDH_SIZE);
	memset((void *)(uintptr_t)data->cert_chain_address, 2,
	       SEVLM_CHAIN_SIZE);
}

START_TEST(export_certs)
{
	uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];

	SCRIPT_PLAY(&script,
		    {.door = SCRIPT_SEV,
		     .id = SEV_PDH_CERT_EXPORT,
		     .look = give_certs},
		    {.door = SCRIPT_SEV,
		     .id = SEV_PDH_CERT_EXPORT,
		     .ret = -EIO,
		     .asked = true,
		     .status = 1});
	ck_assert_int_eq(sevlm_vm_export_certs(vm, pdh, chain), 0);
	ck_assert_uint_eq(pdh[SEVLM_PDH_SIZE - 1], 1);
	ck_assert_uint_eq(chain[SEVLM_CHAIN_SIZE - 1], 2);
	ck_assert_int_eq(sevlm_vm_export_certs(vm, pdh, chain), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 1);
}
END_TEST

/* ---- regions ---- */

static int add(uint64_t gpa, uint64_t bytes, uint32_t type)
{
	return sevlm_vm_add_region(vm, gpa, bytes, HVA(0x7f0000000000), type);
}

static const struct {
	uint64_t gpa, bytes, hva;
	uint32_t type;
	int ret;
} regions[] = {
	{0, 0x1000, 0x1000, SEVLM_REGION_TRACKED, 0},
	{0, 0x1000, 0x1000, SEVLM_REGION_PRIVATE, 0},
	{0, 0x1000, 0x1000, SEVLM_REGION_SHARED, 0},
	{0, 0x1000, 0x1000, SEVLM_REGION_SKIP, 0},
	{0, 0x1000, 0, SEVLM_REGION_SKIP, 0},
	{0, 0x1000, 0x1000, 0, -EINVAL},
	{0, 0x1000, 0x1000, 5, -EINVAL},
	{0, 0x1000, 0x1000, ~0u, -EINVAL},
	{0, 0, 0x1000, 1, -EINVAL},
	{1, 0x1000, 0x1000, 1, -EINVAL},
	{0x800, 0x1000, 0x1000, 1, -EINVAL},
	{0, 0x1001, 0x1000, 1, -EINVAL},
	{0, 0x1000, 0x1001, 1, -EINVAL},
	{0, 0x1000, 0, SEVLM_REGION_TRACKED, -EINVAL},
	{LIMIT - 0x1000, 0x1000, 0x1000, 1, 0},
	{LIMIT - 0x1000, 0x2000, 0x1000, 1, -EINVAL},
	{LIMIT, 0x1000, 0x1000, 1, -EINVAL},
	{-0x1000ull, 0x1000, 0x1000, 1, -EINVAL},
	{-0x1000ull, 0x2000, 0x1000, 1, -EINVAL},
	{0x1000, -0x1000ull, 0x1000, 1, -EINVAL},
	{0, 0x2000, -0x1000ull, 1, -EINVAL},
	{0, 0x1000, -0x1000ull, 1, 0},
};

START_TEST(add_region)
{
	ck_assert_int_eq(
		sevlm_vm_add_region(vm, regions[_i].gpa, regions[_i].bytes,
				    HVA(regions[_i].hva), regions[_i].type),
		regions[_i].ret);
	ck_assert_int_eq(strlen(sevlm_vm_error(vm)) > 0, regions[_i].ret != 0);
}
END_TEST

START_TEST(overlaps)
{
	ck_assert_int_eq(add(0x4000, 0x4000, 1), 0);
	ck_assert_int_eq(add(0x4000, 0x4000, 1), -EINVAL);
	ck_assert_int_eq(add(0x3000, 0x2000, 1), -EINVAL);
	ck_assert_int_eq(add(0x7000, 0x2000, 4), -EINVAL);
	ck_assert_int_eq(add(0x5000, 0x1000, 1), -EINVAL);
	ck_assert_int_eq(add(0, 0x10000, 1), -EINVAL);
	ck_assert_int_eq(add(0x3000, 0x1000, 1), 0);
	ck_assert_int_eq(add(0x8000, 0x1000, 2), 0);
}
END_TEST

START_TEST(remove_region)
{
	ck_assert_int_eq(add(0x4000, 0x4000, 1), 0);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0x5000), -EINVAL);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0x4001), -EINVAL);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0), -EINVAL);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0x4000), 0);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0x4000), -EINVAL);
	ck_assert_int_eq(add(0x4000, 0x4000, 1), 0);
}
END_TEST

START_TEST(most_regions)
{
	for (uint64_t i = 0; i < SEVLM_MAX_REGIONS; i++)
		ck_assert_int_eq(add(i * 0x2000, 0x1000, 1), 0);
	ck_assert_int_eq(add(1ull << 30, 0x1000, 1), -ENOBUFS);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0x20000), 0);
	ck_assert_int_eq(add(1ull << 30, 0x1000, 1), 0);
}
END_TEST

START_TEST(engaged)
{
	ck_assert_int_eq(add(0, 0x1000, 1), 0);
	vm->engaged = true;
	ck_assert_int_eq(add(0x1000, 0x1000, 1), -EBADFD);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0), -EBADFD);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
	vm->regions_open = true;
	ck_assert_int_eq(add(0x1000, 0x1000, 1), 0);
	ck_assert_int_eq(sevlm_vm_remove_region(vm, 0), 0);
}
END_TEST

/* ---- page states ---- */

static void share(uint64_t gpa, uint64_t count)
{
	const uint64_t args[6] = {gpa, count, 0};
	uint64_t answer;

	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, args, &answer), 0);
	ck_assert_uint_eq(answer, 0);
}

START_TEST(page_state)
{
	static const struct {
		uint64_t gpa;
		uint32_t state;
		uint64_t end;
	} walk[] = {
		{0, SEVLM_PAGE_PRIVATE, 0x3000},
		{0x1000, SEVLM_PAGE_PRIVATE, 0x3000},
		{0x3000, SEVLM_PAGE_SHARED, 0x5000},
		{0x5000, SEVLM_PAGE_PRIVATE, 0x10000},
		{0x10000, SEVLM_PAGE_NONE, 0x20000},
		{0x20000, SEVLM_PAGE_PRIVATE, 0x22000},
		{0x22000, SEVLM_PAGE_SHARED, 0x24000},
		{0x24000, SEVLM_PAGE_SKIP, 0x26000},
		{0x26000, SEVLM_PAGE_NONE, LIMIT},
	};
	uint64_t bytes;
	uint32_t state;

	ck_assert_int_eq(add(0, 0x10000, SEVLM_REGION_TRACKED), 0);
	ck_assert_int_eq(add(0x20000, 0x2000, SEVLM_REGION_PRIVATE), 0);
	ck_assert_int_eq(add(0x22000, 0x2000, SEVLM_REGION_SHARED), 0);
	ck_assert_int_eq(add(0x24000, 0x2000, SEVLM_REGION_SKIP), 0);
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
	share(0x3000, 2);
	share(0x20000, 6);
	for (size_t i = 0; i < ARRAY_SIZE(walk); i++) {
		ck_assert_int_eq(
			sevlm_vm_page_state(vm, walk[i].gpa, &state, &bytes),
			0);
		ck_assert_uint_eq(state, walk[i].state);
		ck_assert_uint_eq(walk[i].gpa + bytes, walk[i].end);
	}
}
END_TEST

START_TEST(page_state_arguments)
{
	uint64_t bytes;
	uint32_t state;

	ck_assert_int_eq(sevlm_vm_page_state(NULL, 0, &state, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_vm_page_state(vm, 0, NULL, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_vm_page_state(vm, 0, &state, NULL), -EINVAL);
	for (uint64_t bit = 1; bit < PAGE_SIZE; bit <<= 1)
		ck_assert_int_eq(sevlm_vm_page_state(vm, bit, &state, &bytes),
				 -EINVAL);
	ck_assert_int_eq(sevlm_vm_page_state(vm, LIMIT, &state, &bytes), 0);
	ck_assert_uint_eq(state, SEVLM_PAGE_NONE);
	ck_assert_int_eq(sevlm_vm_page_state(vm, -0x1000ull, &state, &bytes),
			 0);
	ck_assert_uint_eq(state, SEVLM_PAGE_NONE);
	ck_assert_uint_eq(bytes, 0x1000);
}
END_TEST

/* ---- marks ---- */

START_TEST(marks_without_engine)
{
	ck_assert_int_eq(add(0, 0x10000, 1), 0);
	ck_assert_int_eq(sevlm_vm_mark_dirty(vm, 0, 0x10000), 0);
	ck_assert_int_eq(sevlm_vm_skip(vm, 0, 0x10000), 0);
	ck_assert_uint_eq(sevlm__pages_pending(vm->pages), 0);
	ck_assert_uint_eq(sevlm__pages_todo(vm->pages), 0);
}
END_TEST

static const struct {
	uint64_t gpa, bytes;
	int ret;
	uint64_t pages; /* of the first sixteen */
} dirt[] = {
	{0, 0, 0, 0},
	{0, 1, 0, 1},
	{0xfff, 1, 0, 1},
	{0xfff, 2, 0, 2},
	{0x800, 0x1000, 0, 2},
	{0x1000, 0x1000, 0, 1},
	{0x1, 0x1fff, 0, 2},
	{0xf000, 0x100000, 0, 1},
	{0x10000, 0x100000, 0, 0},
	{0, UINT64_MAX, 0, 16},
	{1, UINT64_MAX, 0, 16},
	{2, UINT64_MAX, -EINVAL, 0},
	{UINT64_MAX, 1, 0, 0},
	{UINT64_MAX, 2, -EINVAL, 0},
	{UINT64_MAX, 0, 0, 0},
	{LIMIT, 0x1000, 0, 0},
	{0x8000, LIMIT, 0, 8},
};

START_TEST(mark_dirty)
{
	uint64_t fresh;

	ck_assert_int_eq(add(0, 0x10000, 1), 0);
	sevlm__pages_track(vm->pages, true);
	ck_assert_uint_eq(sevlm__pages_round(vm->pages, &fresh), 16);
	ck_assert_int_eq(sevlm_vm_mark_dirty(vm, dirt[_i].gpa, dirt[_i].bytes),
			 dirt[_i].ret);
	ck_assert_uint_eq(sevlm__pages_pending(vm->pages), dirt[_i].pages);
}
END_TEST

static const struct {
	uint64_t gpa, bytes;
	int ret;
	uint64_t left; /* of sixteen to be sent */
} hints[] = {
	{0, 0, 0, 16},
	{0, 0x1000, 0, 15},
	{0x4000, 0x3000, 0, 13},
	{0, LIMIT, 0, 0},
	{LIMIT, 0x1000, 0, 16},
	{-0x1000ull, 0, 0, 16},
	{-0x2000ull, 0x1000, 0, 16},
	{1, 0x1000, -EINVAL, 16},
	{0, 1, -EINVAL, 16},
	{0x1000, -0x1000ull, -EINVAL, 16},
	{0x2000, -0x1000ull, -EINVAL, 16},
};

START_TEST(skip)
{
	uint64_t fresh;

	ck_assert_int_eq(add(0, 0x10000, 1), 0);
	sevlm__pages_track(vm->pages, true);
	sevlm__pages_round(vm->pages, &fresh);
	ck_assert_int_eq(sevlm_vm_skip(vm, hints[_i].gpa, hints[_i].bytes),
			 hints[_i].ret);
	ck_assert_uint_eq(sevlm__pages_todo(vm->pages), hints[_i].left);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vm");
	TCase *tcase = tcase_create("vm");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, config_sizes);
	tcase_add_test(tcase, config_fields);
	tcase_add_test(tcase, copied);
	tcase_add_test(tcase, null);
	tcase_add_test(tcase, guest_status);
	tcase_add_test(tcase, guest_status_sizes);
	tcase_add_test(tcase, guest_status_refused);
	tcase_add_test(tcase, export_certs);
	tcase_add_loop_test(tcase, add_region, 0, ARRAY_SIZE(regions));
	tcase_add_test(tcase, overlaps);
	tcase_add_test(tcase, remove_region);
	tcase_add_test(tcase, most_regions);
	tcase_add_test(tcase, engaged);
	tcase_add_test(tcase, page_state);
	tcase_add_test(tcase, page_state_arguments);
	tcase_add_test(tcase, marks_without_engine);
	tcase_add_loop_test(tcase, mark_dirty, 0, ARRAY_SIZE(dirt));
	tcase_add_loop_test(tcase, skip, 0, ARRAY_SIZE(hints));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}

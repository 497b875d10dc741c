// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>
#include <openssl/evp.h>

#include "check-main.h"
#include "../sim/internal.h"

#define PAGES 130u
#define BYTES (PAGES * SIM_PAGE)
#define WORDS ((PAGES + 63) / 64)
#define GPA 0x100000u
#define FIRST_LOCATION 0x100000u

static struct sim_memory *memory;
static uint8_t *ram;
static uint8_t key[32];

static int set_slot(uint32_t slot, uint64_t gpa, uint64_t bytes, void *hva,
		    uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)hva,
	};

	return sim_memory_set_slot(memory, &region);
}

static int log_slot(uint32_t flags)
{
	return set_slot(0, GPA, BYTES, ram, flags);
}

static int pin(void *addr, uint64_t bytes)
{
	struct kvm_enc_region region = {(uintptr_t)addr, bytes};

	return sim_memory_pin(memory, &region);
}

static int unpin(void *addr, uint64_t bytes)
{
	struct kvm_enc_region region = {(uintptr_t)addr, bytes};

	return sim_memory_unpin(memory, &region);
}

static int get_log(uint32_t slot, uint64_t *bitmap)
{
	struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = bitmap};

	return sim_memory_get_log(memory, &log);
}

static int clear_log(uint32_t slot, uint64_t first, uint32_t count,
		     uint64_t *bitmap)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot,
		.num_pages = count,
		.first_page = first,
		.dirty_bitmap = bitmap,
	};

	return sim_memory_clear_log(memory, &log);
}

static int touch(uint64_t page, bool c_bit)
{
	return sim_memory_store(memory, GPA + page * SIM_PAGE + 16, c_bit,
				"0123456789abcdef", 16);
}

static void setup(void)
{
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(7 * i + 1);
	ram = aligned_alloc(SIM_PAGE, BYTES);
	ck_assert_ptr_nonnull(ram);
	memset(ram, 0, BYTES);
	ck_assert_int_eq(sim_memory_new(&memory), 0);
	ck_assert_int_eq(set_slot(0, GPA, BYTES, ram, 0), 0);
	ck_assert_int_eq(pin(ram, BYTES), 0);
	ck_assert_int_eq(sim_memory_set_key(memory, key), 0);
}

static void teardown(void)
{
	sim_memory_free(memory);
	free(ram);
}

START_TEST(slots_refuse_what_kvm_refuses)
{
	uint8_t *odd = ram + 1;

	ck_assert_int_eq(set_slot(64, 0, SIM_PAGE, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(0x10001, 0, SIM_PAGE, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 1, SIM_PAGE, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 0, SIM_PAGE + 1, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 0, SIM_PAGE, odd, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 0, SIM_PAGE, ram, 4), -EINVAL);
	ck_assert_int_eq(set_slot(1, -4096ull, 8192, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 1ull << 52, SIM_PAGE, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 0, 1ull << 43, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(1, 0, SIM_PAGE, (void *)-4096ull, 0),
			 -EINVAL);
	ck_assert_int_eq(set_slot(1, 0, 0, ram, 0), -EINVAL);
}
END_TEST

START_TEST(slots_do_not_overlap)
{
	ck_assert_int_eq(set_slot(1, GPA, SIM_PAGE, ram, 0), -EEXIST);
	ck_assert_int_eq(set_slot(1, GPA + BYTES - SIM_PAGE, SIM_PAGE, ram, 0),
			 -EEXIST);
	ck_assert_int_eq(set_slot(1, GPA - SIM_PAGE, 2 * SIM_PAGE, ram, 0),
			 -EEXIST);
	ck_assert_int_eq(set_slot(1, GPA + BYTES, SIM_PAGE, ram, 0), 0);
	ck_assert_int_eq(set_slot(63, GPA - SIM_PAGE, SIM_PAGE, ram, 0), 0);
	ck_assert_int_eq(set_slot(1, GPA, SIM_PAGE, ram, 0), -EEXIST);
}
END_TEST

START_TEST(slots_change_and_go)
{
	uint8_t buf[16];

	ck_assert_int_eq(set_slot(0, GPA, BYTES - SIM_PAGE, ram, 0), -EINVAL);
	ck_assert_int_eq(set_slot(0, GPA, BYTES, ram + SIM_PAGE, 0), -EINVAL);
	ck_assert_int_eq(set_slot(0, GPA, BYTES, ram, 2), -EINVAL);
	ck_assert_int_eq(set_slot(0, GPA + SIM_PAGE, BYTES, ram, 0), 0);
	ck_assert_int_eq(sim_memory_load(memory, GPA, true, buf, 16), -EFAULT);
	ck_assert_int_eq(sim_memory_load(memory, GPA + BYTES, true, buf, 16),
			 0);
	ck_assert_int_eq(set_slot(0, 0, 0, NULL, 0), 0);
	ck_assert_int_eq(sim_memory_load(memory, GPA + BYTES, true, buf, 16),
			 -EFAULT);
	ck_assert_int_eq(set_slot(0, 0, 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(set_slot(0, GPA, BYTES, ram, 2), 0);
	ck_assert_int_eq(touch(0, true), -EFAULT);
	ck_assert_int_eq(sim_memory_load(memory, GPA, true, buf, 16), 0);
}
END_TEST

START_TEST(log_is_read_and_cleared)
{
	uint64_t bits[WORDS];

	ck_assert_int_eq(get_log(0, bits), -ENOENT);
	ck_assert_int_eq(get_log(5, bits), -ENOENT);
	ck_assert_int_eq(get_log(64, bits), -EINVAL);
	ck_assert_int_eq(touch(3, true), 0);
	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(get_log(0, NULL), -EFAULT);
	ck_assert_int_eq(touch(1, true), 0);
	ck_assert_int_eq(touch(129, false), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0], 2);
	ck_assert_uint_eq(bits[1], 0);
	ck_assert_uint_eq(bits[2], 2);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0] | bits[1] | bits[2], 0);
}
END_TEST

START_TEST(log_goes_off_and_starts_clean)
{
	uint64_t bits[WORDS];

	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(touch(70, true), 0);
	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[1], 1 << 6);
	ck_assert_int_eq(touch(70, true), 0);
	ck_assert_int_eq(log_slot(0), 0);
	ck_assert_int_eq(get_log(0, bits), -ENOENT);
	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0] | bits[1] | bits[2], 0);
}
END_TEST

START_TEST(log_under_manual_protect)
{
	uint64_t mask[WORDS] = {1 << 5, 0, 0};
	uint64_t bits[WORDS];

	sim_memory_manual_protect(memory, true);
	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(touch(5, true), 0);
	ck_assert_int_eq(touch(6, true), 0);
	ck_assert_int_eq(touch(64, true), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(get_log(0, bits), 0);
		ck_assert_uint_eq(bits[0], 3 << 5);
		ck_assert_uint_eq(bits[1], 1);
	}
	ck_assert_int_eq(clear_log(0, 0, PAGES, mask), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0], 1 << 6);
	mask[0] = 1;
	ck_assert_int_eq(clear_log(0, 64, PAGES - 64, mask), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0], 1 << 6);
	ck_assert_uint_eq(bits[1], 0);
	sim_memory_manual_protect(memory, false);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0], 0);
}
END_TEST

START_TEST(clear_refuses_what_kvm_refuses)
{
	uint64_t bits[WORDS] = {0};

	ck_assert_int_eq(clear_log(0, 0, PAGES, bits), -ENOENT);
	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(clear_log(64, 0, PAGES, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, 1, 64, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, 0, 63, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, 0, PAGES + 1, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, 128, 3, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, 192, 0, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, -64ull, 64, bits), -EINVAL);
	ck_assert_int_eq(clear_log(0, 0, 64, NULL), -EFAULT);
	ck_assert_int_eq(clear_log(0, 0, 64, bits), 0);
	ck_assert_int_eq(clear_log(0, 128, 2, bits), 0);
}
END_TEST

START_TEST(firmware_does_not_show_in_the_log)
{
	uint8_t plain[SIM_PAGE] = {0};
	uint64_t bits[WORDS];

	ck_assert_int_eq(log_slot(KVM_MEM_LOG_DIRTY_PAGES), 0);
	ck_assert_int_eq(sim_memory_encrypt(memory, ram, SIM_PAGE, plain), 0);
	ck_assert_int_eq(get_log(0, bits), 0);
	ck_assert_uint_eq(bits[0] | bits[1] | bits[2], 0);
}
END_TEST

static void reference(uint64_t location, const uint8_t *plain, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tweak[16] = {0};
	int done;

	for (int i = 0; i < 8; i++)
		tweak[i] = (uint8_t)(location >> (8 * i));
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_aes_128_xts(), NULL, key,
					    tweak), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &done, plain, SIM_PAGE),
			 1);
	EVP_CIPHER_CTX_free(ctx);
}

START_TEST(memory_is_encrypted_at_rest)
{
	uint8_t plain[SIM_PAGE];
	uint8_t other[SIM_PAGE];

	memset(plain, 0x5a, sizeof(plain));
	for (uint64_t i = 0; i < 3; i++)
		ck_assert_int_eq(sim_memory_store(memory, GPA + i * SIM_PAGE,
						  true, plain, SIM_PAGE), 0);
	ck_assert_mem_ne(ram, plain, 64);
	ck_assert_mem_ne(ram, ram + SIM_PAGE, 64);
	ck_assert_mem_ne(ram, ram + 16, 16);
	reference(FIRST_LOCATION + 2, plain, other);
	ck_assert_mem_eq(ram + 2 * SIM_PAGE, other, SIM_PAGE);
	ck_assert_int_eq(sim_memory_load(memory, GPA + SIM_PAGE, true, other,
					 SIM_PAGE), 0);
	ck_assert_mem_eq(other, plain, SIM_PAGE);
	ck_assert_int_eq(sim_memory_load(memory, GPA, false, other, SIM_PAGE),
			 0);
	ck_assert_mem_eq(other, ram, SIM_PAGE);
}
END_TEST

START_TEST(moved_ciphertext_is_garbage)
{
	uint8_t plain[SIM_PAGE];
	uint8_t found[SIM_PAGE];
	unsigned int same = 0;

	memset(plain, 0x33, sizeof(plain));
	ck_assert_int_eq(sim_memory_encrypt(memory, ram, SIM_PAGE, plain), 0);
	memcpy(ram + SIM_PAGE, ram, SIM_PAGE);
	ck_assert_int_eq(sim_memory_decrypt(memory, ram + SIM_PAGE, SIM_PAGE,
					    found), 0);
	for (size_t i = 0; i < SIM_PAGE; i += 16)
		same += !memcmp(found + i, plain + i, 16);
	ck_assert_uint_eq(same, 0);
}
END_TEST

START_TEST(a_new_pin_is_a_new_place)
{
	uint8_t plain[SIM_PAGE] = {1, 2, 3};
	uint8_t found[SIM_PAGE];

	ck_assert_int_eq(sim_memory_encrypt(memory, ram, SIM_PAGE, plain), 0);
	ck_assert_int_eq(unpin(ram, SIM_PAGE), -EINVAL);
	ck_assert_int_eq(unpin(ram, BYTES), 0);
	ck_assert_int_eq(unpin(ram, BYTES), -EINVAL);
	ck_assert_int_eq(sim_memory_decrypt(memory, ram, SIM_PAGE, found),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_load(memory, GPA, true, found, 16),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_load(memory, GPA, false, found, 16), 0);
	ck_assert_int_eq(pin(ram, BYTES), 0);
	ck_assert_int_eq(sim_memory_decrypt(memory, ram, SIM_PAGE, found), 0);
	ck_assert_mem_ne(found, plain, 16);
	reference(FIRST_LOCATION + PAGES, plain, found);
	ck_assert_int_eq(sim_memory_encrypt(memory, ram, SIM_PAGE, plain), 0);
	ck_assert_mem_eq(found, ram, SIM_PAGE);
}
END_TEST

START_TEST(pins_refuse_nonsense)
{
	ck_assert_int_eq(pin(ram, 0), -EINVAL);
	ck_assert_int_eq(pin((void *)-4096ull, 8192), -EINVAL);
	ck_assert_int_eq(pin(ram, BYTES), -EEXIST);
	ck_assert_int_eq(pin(ram + BYTES - 1, SIM_PAGE), -EEXIST);
	ck_assert_int_eq(unpin(ram, BYTES), 0);
	ck_assert_int_eq(pin(ram + 100, SIM_PAGE), 0);
	ck_assert_int_eq(pin(ram + SIM_PAGE, SIM_PAGE), -EEXIST);
	ck_assert_int_eq(pin(ram + 2 * SIM_PAGE, SIM_PAGE), 0);
}
END_TEST

START_TEST(firmware_access_is_checked)
{
	uint8_t buf[2 * SIM_PAGE] = {0};
	uint8_t *outside = buf;

	ck_assert_int_eq(sim_memory_decrypt(memory, ram + 8, 16, buf),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_encrypt(memory, ram, 24, buf), -EFAULT);
	ck_assert_int_eq(sim_memory_decrypt(memory, ram + 4080, 32, buf),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_encrypt(memory, ram, 2 * SIM_PAGE, buf),
			 -EFAULT);
	outside += 16 - (uintptr_t)outside % 16;
	ck_assert_int_ne(sim_memory_encrypt(memory, outside, 16, buf), 0);
	ck_assert_int_eq(sim_memory_set_key(memory, NULL), 0);
	ck_assert_int_eq(sim_memory_decrypt(memory, ram, 16, buf), -EIO);
	ck_assert_int_eq(sim_memory_encrypt(memory, ram, 16, buf), -EIO);
	ck_assert_int_eq(touch(0, true), -EIO);
	ck_assert_int_eq(touch(0, false), 0);
}
END_TEST

START_TEST(guest_access_stays_in_a_page)
{
	uint8_t buf[64] = {0};

	ck_assert_int_eq(sim_memory_load(memory, GPA + 4090, true, buf, 8),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_store(memory, GPA + 4090, false, buf, 8),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_load(memory, GPA + 4090, true, buf, 6), 0);
	ck_assert_int_eq(sim_memory_load(memory, GPA - 1, true, buf, 1),
			 -EFAULT);
	ck_assert_int_eq(sim_memory_load(memory, GPA + BYTES, false, buf, 1),
			 -EFAULT);
}
END_TEST

START_TEST(another_key_is_another_guest)
{
	uint8_t plain[64] = "what the guest wrote";
	uint8_t found[64];

	ck_assert_int_eq(sim_memory_store(memory, GPA, true, plain, 64), 0);
	key[3] ^= 1;
	ck_assert_int_eq(sim_memory_set_key(memory, key), 0);
	ck_assert_int_eq(sim_memory_load(memory, GPA, true, found, 64), 0);
	ck_assert_mem_ne(found, plain, 16);
	key[3] ^= 1;
	ck_assert_int_eq(sim_memory_set_key(memory, key), 0);
	ck_assert_int_eq(sim_memory_load(memory, GPA, true, found, 64), 0);
	ck_assert_mem_eq(found, plain, 64);
}
END_TEST

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static void random_access(uint8_t *shadow, uint32_t round)
{
	uint32_t block = round & 1 ? 16 : 1;
	uint32_t offset = draw(SIM_PAGE / block) * block;
	uint32_t bytes = (draw((SIM_PAGE - offset) / block) + 1) * block;
	uint8_t *hva = ram + SIM_PAGE + offset;
	uint64_t gpa = GPA + SIM_PAGE + offset;
	uint8_t buf[SIM_PAGE];
	int error;

	for (uint32_t i = 0; i < bytes; i++)
		shadow[offset + i] = (uint8_t)draw(256);
	ck_assert_int_eq(sim_memory_load(memory, GPA + 2 * SIM_PAGE, true, buf,
					 SIM_PAGE - 1), 0);
	error = block == 16 && draw(2) ?
		sim_memory_encrypt(memory, hva, bytes, shadow + offset) :
		sim_memory_store(memory, gpa, true, shadow + offset, bytes);
	ck_assert_int_eq(error, 0);
	offset = draw(SIM_PAGE);
	bytes = draw(SIM_PAGE - offset) + 1;
	ck_assert_int_eq(sim_memory_load(memory, GPA + SIM_PAGE + offset, true,
					 buf, bytes), 0);
	ck_assert_mem_eq(buf, shadow + offset, bytes);
	offset = offset / 16 * 16;
	ck_assert_int_eq(sim_memory_decrypt(memory, ram + SIM_PAGE + offset,
					    SIM_PAGE - offset, buf), 0);
	ck_assert_mem_eq(buf, shadow + offset, SIM_PAGE - offset);
}

START_TEST(parts_of_a_page_are_right)
{
	uint8_t shadow[SIM_PAGE] = {0};
	uint8_t expected[SIM_PAGE];
	uint8_t before[SIM_PAGE];

	random_state = 20261123;
	memcpy(before, ram, SIM_PAGE);
	ck_assert_int_eq(sim_memory_store(memory, GPA + SIM_PAGE, true, shadow,
					  SIM_PAGE), 0);
	for (uint32_t i = 0; i < 2000; i++)
		random_access(shadow, i);
	reference(FIRST_LOCATION + 1, shadow, expected);
	ck_assert_mem_eq(ram + SIM_PAGE, expected, SIM_PAGE);
	ck_assert_mem_eq(ram, before, SIM_PAGE);
	ck_assert_mem_eq(ram + 2 * SIM_PAGE, before, SIM_PAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-memory");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, slots_refuse_what_kvm_refuses);
	tcase_add_test(tcase, slots_do_not_overlap);
	tcase_add_test(tcase, slots_change_and_go);
	tcase_add_test(tcase, log_is_read_and_cleared);
	tcase_add_test(tcase, log_goes_off_and_starts_clean);
	tcase_add_test(tcase, log_under_manual_protect);
	tcase_add_test(tcase, clear_refuses_what_kvm_refuses);
	tcase_add_test(tcase, firmware_does_not_show_in_the_log);
	tcase_add_test(tcase, memory_is_encrypted_at_rest);
	tcase_add_test(tcase, moved_ciphertext_is_garbage);
	tcase_add_test(tcase, a_new_pin_is_a_new_place);
	tcase_add_test(tcase, pins_refuse_nonsense);
	tcase_add_test(tcase, firmware_access_is_checked);
	tcase_add_test(tcase, guest_access_stays_in_a_page);
	tcase_add_test(tcase, another_key_is_another_guest);
	tcase_add_test(tcase, parts_of_a_page_are_right);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../sim/internal.h"
#include "bare.h"
#include "floor.h"

#define HEADER SEVLM_PACKET_HEADER_SIZE
#define PAGE SEVLM_PAGE_SIZE

static bool is_shared(const struct pair *pair, uint64_t gpa)
{
	return gpa - pair->shared_gpa < pair->shared_bytes;
}

static void write_all(int fd, struct iovec *iov, int count)
{
	while (count) {
		ssize_t n = writev(fd, iov, count);

		must(n > 0 ? 0 : -ECONNRESET, "writev");
		for (; count && (size_t)n >= iov->iov_len; iov++, count--)
			n -= (ssize_t)iov->iov_len;
		if (!count)
			return;
		iov->iov_base = (uint8_t *)iov->iov_base + n;
		iov->iov_len -= (size_t)n;
	}
}

struct batch {
	uint8_t header[BARE_BATCH][HEADER];
	uint8_t payload[BARE_BATCH][PAGE];
	uint8_t plain[PAGE];
	struct iovec iov[2 * BARE_BATCH];
};

static void seal(struct pair *pair, struct floor *floor, uint64_t gpa,
		 struct batch *batch, uint32_t i)
{
	uint8_t *hva = pair->source.ram + gpa, *payload = batch->payload[i];

	if (is_shared(pair, gpa)) {
		payload = hva;
	} else {
		must(sim_memory_decrypt(pair->source.guest->memory, hva, PAGE,
					batch->plain),
		     "decrypt");
		must(!floor_seal(floor, batch->plain, batch->header[i],
				 payload),
		     "seal");
	}
	batch->iov[2 * i] = (struct iovec){batch->header[i], HEADER};
	batch->iov[2 * i + 1] = (struct iovec){payload, PAGE};
}

void bare_send(struct pair *pair, int fd)
{
	struct floor *floor = floor_new();
	static struct batch batch;
	uint64_t gpa = 0;

	must(floor ? 0 : -ENOMEM, "floor");
	while (gpa < pair->memory) {
		for (uint32_t i = 0; i < BARE_BATCH; i++, gpa += PAGE)
			seal(pair, floor, gpa, &batch, i);
		write_all(fd, batch.iov, 2 * BARE_BATCH);
	}
	floor_free(floor);
}

static void read_all(int fd, uint8_t *buf, size_t bytes)
{
	while (bytes) {
		ssize_t n = read(fd, buf, bytes);

		must(n > 0 ? 0 : -ECONNRESET, "read");
		buf += n;
		bytes -= (size_t)n;
	}
}

static void open_page(struct pair *pair, struct floor *floor, uint64_t gpa,
		      const uint8_t *packet)
{
	uint8_t *hva = pair->target.ram + gpa;
	uint8_t plain[PAGE];

	if (is_shared(pair, gpa)) {
		memcpy(hva, packet + HEADER, PAGE);
		return;
	}
	must(!floor_open(floor, packet, packet + HEADER, plain), "open");
	must(sim_memory_encrypt(pair->target.guest->memory, hva, PAGE, plain),
	     "encrypt");
}

void bare_receive(struct pair *pair, int fd)
{
	static uint8_t batch[BARE_BATCH][HEADER + PAGE];
	struct floor *floor = floor_new();
	uint64_t gpa = 0;

	must(floor ? 0 : -ENOMEM, "floor");
	while (gpa < pair->memory) {
		read_all(fd, batch[0], sizeof(batch));
		for (uint32_t i = 0; i < BARE_BATCH; i++, gpa += PAGE)
			open_page(pair, floor, gpa, batch[i]);
	}
	floor_free(floor);
}

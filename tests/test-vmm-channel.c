/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The channel of examples/vmm on a link that takes nothing when it is told to:
 * what is not taken must be waited for, and by nobody else. The peer is TLS
 * alone, led from where the channel waits. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "channel.h"
#include "check-main.h"
#include "link.h"
#include "vmm.h"

#define FD 7
#define DEAF_MOST 5u

static struct channel channel;
static struct sevlm_tls *peer;
static uint32_t deaf; /* so many times the link takes nothing yet */
static short asked; /* of the last poll() */

int vmm_patience_s(void)
{
	return 10;
}

ssize_t link_write(int fd, const struct iovec *iov, size_t count)
{
	size_t taken = 0, sum = 0, i = 0;

	ck_assert_int_eq(fd, FD);
	if (deaf) {
		deaf--;
		errno = EAGAIN;
		return -1;
	}
	for (; i < count && (!i || taken == iov[i - 1].iov_len); i++) {
		ck_assert_int_eq(sevlm_tls_feed(peer, iov[i].iov_base,
						iov[i].iov_len, &taken),
				 0);
		sum += taken;
	}
	errno = EAGAIN;
	return sum ? (ssize_t)sum : -1;
}

ssize_t link_read(int fd, void *buf, size_t bytes)
{
	size_t count = 1;
	struct iovec iov;

	ck_assert_int_eq(fd, FD);
	ck_assert_int_eq(sevlm_tls_output(peer, &iov, &count), 0);
	if (!count) {
		errno = EAGAIN;
		return -1;
	}
	if (bytes > iov.iov_len)
		bytes = iov.iov_len;
	memcpy(buf, iov.iov_base, bytes);
	ck_assert_int_eq(sevlm_tls_consumed(peer, bytes), 0);
	return (ssize_t)bytes;
}

void link_farewell(int fd)
{
	ck_assert_int_eq(fd, FD);
}

/* in the place of the C library's */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	uint32_t unused;

	ck_assert_int_eq(count, 1);
	ck_assert_int_ne(timeout_ms, 0);
	asked = fds->events;
	sevlm_tls_step(peer, 1, &unused);
	return 1;
}

static void up(void)
{
	static const uint8_t psk[SEVLM_TLS_PSK_SIZE] = {1};
	const struct sevlm_tls_config config = {
		.size = sizeof(config),
		.role = SEVLM_TLS_TARGET,
		.psk = psk,
	};

	deaf = 0;
	ck_assert_int_eq(sevlm_tls_new(&config, &peer), 0);
	ck_assert_int_eq(channel_open(&channel, FD, SEVLM_TLS_SOURCE, psk), 0);
}

static void down(void)
{
	channel_close(&channel);
	sevlm_tls_free(peer);
}

static size_t arrived(void)
{
	size_t sum = 0, got;
	uint8_t buf[64];
	uint32_t unused;

	/* our last words of the handshake may have come with it */
	sevlm_tls_step(peer, 1, &unused);
	do {
		ck_assert_int_eq(
			sevlm_tls_receive(peer, buf, sizeof(buf), &got), 0);
		sum += got;
	} while (got);
	return sum;
}

static ssize_t write_word(void)
{
	char word[] = "the peer waits for this";
	const struct iovec iov = {word, sizeof(word)};

	return channel_write(&channel, &iov, 1);
}

START_TEST(what_the_link_takes_arrives)
{
	ssize_t put = write_word();

	ck_assert_int_gt(put, 0);
	ck_assert_int_eq(arrived(), put);
}
END_TEST

/* However long the link takes nothing: who could not write is woken by it. */
START_TEST(what_the_link_does_not_take_is_waited_for)
{
	size_t put;

	deaf = (uint32_t)_i;
	put = (size_t)write_word();
	for (uint32_t i = 0; i < DEAF_MOST; i++) {
		if (write_word() > 0) {
			put *= 2;
			break;
		}
		channel_wait(&channel, true, 1000);
		ck_assert_int_eq(asked & POLLOUT, POLLOUT);
	}
	channel_flush(&channel);
	ck_assert_uint_eq(arrived(), put);
}
END_TEST

/* and who has nothing to write is not */
START_TEST(a_link_that_has_taken_all_is_not_waited_for)
{
	ck_assert_int_gt(write_word(), 0);
	channel_wait(&channel, true, 1000);
	ck_assert_int_eq(asked, POLLIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vmm-channel");
	TCase *tcase = tcase_create("link");

	tcase_add_checked_fixture(tcase, up, down);
	tcase_add_test(tcase, what_the_link_takes_arrives);
	tcase_add_loop_test(tcase, what_the_link_does_not_take_is_waited_for, 1,
			    DEAF_MOST);
	tcase_add_test(tcase, a_link_that_has_taken_all_is_not_waited_for);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}

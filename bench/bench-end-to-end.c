/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A whole migration of a guest that stands still, from one thread to another
 * over a socket pair, against the bare loop over the same kind of socket on
 * the same cores. The two take turns; a ratio is of neighbours in time.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare.h"
#include "timer.h"

#define ROUNDS 9
#define MEMORY (256ull << 20)
#define PARTS 128

/* ---- the engines ---- */

/* writes once; engines are asked again for what is left */
static void write_out(struct sevlm_source *source, int fd)
{
	struct iovec iov[PARTS];
	size_t count = PARTS;
	ssize_t n;

	must(sevlm_source_output(source, iov, &count), "output");
	n = writev(fd, iov, (int)count);
	must(n > 0 ? 0 : -ECONNRESET, "writev");
	must(sevlm_source_consumed(source, (size_t)n), "consumed");
}

static void read_in(struct sevlm_source *source, int fd)
{
	uint8_t buf[16384];
	size_t taken;
	ssize_t n = read(fd, buf, sizeof(buf));

	must(n > 0 ? 0 : -ECONNRESET, "read");
	must(sevlm_source_feed(source, buf, (size_t)n, &taken), "feed");
	must(taken == (size_t)n ? 0 : -EIO, "feed");
}

static void engine_send(struct pair *pair, int fd)
{
	struct sevlm_source *source = pair->engines.source;
	uint32_t want;

	do {
		must(sevlm_source_step(source, (uint64_t)timer_wall(), &want),
		     "step");
		pair_source_does(pair, source, want);
		if (want & SEVLM_WANT_WRITE)
			write_out(source, fd);
		else if (want == SEVLM_WANT_READ)
			read_in(source, fd);
	} while (want);
}

static void answer(struct sevlm_target *target, int fd)
{
	struct iovec iov[PARTS];
	size_t count = PARTS;
	ssize_t n;

	must(sevlm_target_output(target, iov, &count), "output");
	n = writev(fd, iov, (int)count);
	must(n > 0 ? 0 : -ECONNRESET, "writev");
	must(sevlm_target_consumed(target, (size_t)n), "consumed");
}

static void read_more(struct sevlm_target *target, int fd)
{
	size_t bytes;
	void *buf;
	ssize_t n;

	must(sevlm_target_space(target, &buf, &bytes), "space");
	n = read(fd, buf, bytes);
	must(n > 0 ? 0 : -ECONNRESET, "read");
	must(sevlm_target_fed(target, (size_t)n), "fed");
}

static void engine_receive(struct pair *pair, int fd)
{
	struct sevlm_target *target = pair->engines.target;
	uint32_t want;

	do {
		must(sevlm_target_step(target, (uint64_t)timer_wall(), &want),
		     "step");
		pair_target_does(pair, target, want);
		if (want & SEVLM_WANT_WRITE)
			answer(target, fd);
		else if (want == SEVLM_WANT_READ)
			read_more(target, fd);
	} while (want);
}

/* ---- two threads ---- */

struct end {
	struct pair *pair;
	void (*run)(struct pair *pair, int fd);
	int fd;
	int core;
	double cpu; /* nanoseconds */
};

static void stay_on(int core)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all) || CPU_COUNT(&all) < 2)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !core--)
			CPU_SET(cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void *run_end(void *arg)
{
	struct end *end = arg;

	stay_on(end->core);
	end->cpu = timer_cpu();
	end->run(end->pair, end->fd);
	end->cpu = timer_cpu() - end->cpu;
	return NULL;
}

/* with room for more than a batch, as far as the system allows: the two sides
 * work on different batches, and no wakeup is on the way of every one */
static void new_sockets(int fds[2])
{
	int bytes = 4 << 20;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ? -errno : 0, "socket");
	for (int i = 0; i < 2; i++)
		must(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes,
				sizeof(bytes))
			     ? -errno
			     : 0,
		     "SO_SNDBUF");
}

struct sample {
	double pages_per_second;
	double send_ns; /* CPU time per page */
	double receive_ns;
};

struct way {
	void (*send)(struct pair *pair, int fd);
	void (*receive)(struct pair *pair, int fd);
};

static const struct way library = {engine_send, engine_receive};
static const struct way bare = {bare_send, bare_receive};

static struct sample run(struct pair *pair, const struct way *way)
{
	struct end ends[2] = {{pair, way->send, -1, 0, 0},
			      {pair, way->receive, -1, 1, 0}};
	double pages = (double)MEMORY / SEVLM_PAGE_SIZE, start;
	pthread_t threads[2];
	int fds[2];

	new_sockets(fds);
	start = timer_wall();
	for (int i = 0; i < 2; i++) {
		ends[i].fd = fds[i];
		must(-pthread_create(&threads[i], NULL, run_end, &ends[i]),
		     "thread");
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	start = timer_wall() - start;
	close(fds[0]);
	close(fds[1]);
	return (struct sample){pages / start * 1e9, ends[0].cpu / pages,
			       ends[1].cpu / pages};
}

/* ---- rounds ---- */

static void same_memory(struct pair *pair)
{
	uint8_t here[32], there[32];

	must(sevlm_sim_vm_digest(pair->source.guest, here), "digest");
	must(sevlm_sim_vm_digest(pair->target.guest, there), "digest");
	must(memcmp(here, there, sizeof(here)) ? -EIO : 0, "the memory");
}

/* the bare loop needs a guest with a key on the target, too: it goes second */
static void round_of(struct pair *pair, struct sample ret[2], bool check)
{
	pair_launch(pair, sevlm_sim_ops());
	pair->engines.source = pair_source(pair);
	pair->engines.target = pair_target(pair);
	ret[0] = run(pair, &library);
	pair_ended(pair->engines.source, pair->engines.target);
	if (check)
		same_memory(pair);
	ret[1] = run(pair, &bare);
	sevlm_source_free(pair->engines.source);
	sevlm_target_free(pair->engines.target);
	pair_destroy(pair);
}

static void print_way(const char *name, const struct sample (*samples)[2],
		      int way)
{
	double speed[ROUNDS], send[ROUNDS], receive[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		speed[i] = samples[i][way].pages_per_second;
		send[i] = samples[i][way].send_ns;
		receive[i] = samples[i][way].receive_ns;
	}
	printf("end-to-end-%s %.0f pages/s (CPU per page: %.0f ns sending, "
	       "%.0f ns receiving)\n",
	       name, timer_median(speed, ROUNDS), timer_median(send, ROUNDS),
	       timer_median(receive, ROUNDS));
}

int main(void)
{
	struct sample samples[ROUNDS][2], first[2];
	double ratio[ROUNDS], before, after;
	static struct pair pair;

	printf("# %llu MiB, a sixteenth of it shared, medians of %d rounds, "
	       "sender and receiver on a core each\n",
	       MEMORY >> 20, ROUNDS);
	pair_open(&pair, MEMORY);
	round_of(&pair, first, true);
	before = first[1].pages_per_second;
	for (int i = 0; i < ROUNDS; i++) {
		round_of(&pair, samples[i], false);
		after = samples[i][1].pages_per_second;
		ratio[i] =
			2 * samples[i][0].pages_per_second / (before + after);
		before = after;
	}
	printf("end-to-end ratio %.3f (pages per second of the engines against "
	       "bare crypto, write and read)\n",
	       timer_median(ratio, ROUNDS));
	print_way("engines", samples, 0);
	print_way("bare", samples, 1);
	pair_close(&pair);
	return 0;
}

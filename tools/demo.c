/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two processes, each with a software host of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hex.h"
#include "side.h"

/* One of the two: its software host, and the chip that its peer must have. */
struct party {
	uint64_t seed;
	char peer[2 * SEVLM_KEY_DIGEST_SIZE + 1];
};

struct demo {
	const struct options *options;
	struct shape shape;
	struct image image;
	struct party parties[2]; /* by FROM_* */
	int fds[2]; /* as well */
	uint8_t psk[PSK_BYTES];
	pid_t source, target; /* 0: ended */
	int status; /* the worst of both */
};

static int finish(struct side *side, int status)
{
	side_free(side);
	image_free(&side->image);
	fflush(stdout);
	return status;
}

static void join(struct side *side, const struct demo *demo, int from)
{
	close(demo->fds[!from]);
	link_take(&side->channel.link, demo->fds[from]);
	credentials_share(&side->channel.credentials, demo->psk);
}

/* each trusts the other's chip, and nobody else's */
static void trust_peer(struct options *options, const struct party *party)
{
	options->host_seed = party->seed;
	options->software_root = true;
	options->chips.at[0] = party->peer;
	options->chips.count = 1;
}

static int be_source(struct demo *demo)
{
	struct options options = *demo->options;
	struct side side = {.image = demo->image};

	trust_peer(&options, &demo->parties[FROM_SOURCE]);
	if (side_init(&side, "source", &options) ||
	    show_init(&side.show, "source", options.json, options.quiet)) {
		complain("source", "%s", side.why.text);
		return finish(&side, STATUS_USAGE);
	}
	join(&side, demo, FROM_SOURCE);
	return finish(&side, send_run(&side, &demo->shape));
}

static int be_target(struct demo *demo)
{
	struct options options = {
		.command = FOR_RECEIVE,
		.max_memory = UINT64_MAX,
	};
	struct side side = {.image = demo->image};

	trust_peer(&options, &demo->parties[FROM_TARGET]);
	if (side_init(&side, "target", &options) ||
	    show_init(&side.show, "target", false, true)) {
		complain("target", "%s", side.why.text);
		return finish(&side, STATUS_FAILED);
	}
	side.show.silent = true;
	join(&side, demo, FROM_TARGET);
	return finish(&side, receive_run(&side));
}

static pid_t spawn(struct demo *demo, int (*be)(struct demo *demo))
{
	pid_t pid = fork();

	if (!pid)
		exit(be(demo));
	return pid;
}

static int ended(int status, const char *who)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	complain("demo", "the %s process was killed by signal %d", who,
		 WTERMSIG(status));
	return STATUS_FAILED;
}

static void reap(struct demo *demo)
{
	int status, code;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		code = ended(status, pid == demo->source ? "source" : "target");
		if (code > demo->status)
			demo->status = code;
		if (pid == demo->source)
			demo->source = 0;
		else
			demo->target = 0;
	}
}

/* INT and TERM cancel; a terminal's INT has reached the source already. */
static void wait_for_both(struct demo *demo, const sigset_t *set)
{
	int signal;

	while (demo->source || demo->target) {
		if (sigwait(set, &signal))
			continue;
		if (signal == SIGCHLD)
			reap(demo);
		else if (demo->source)
			kill(demo->source, SIGTERM);
	}
}

static int draw(void *buf, size_t bytes)
{
	return getrandom(buf, bytes, 0) == (ssize_t)bytes ? 0 : -errno;
}

/* the chip of the host that follows from the seed, for its peer */
static int chip_of(uint64_t seed, char *digits)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = seed,
	};
	struct sevlm_cert cert = {.size = sizeof(cert)};
	uint8_t cek[SEVLM_CERT_SIZE];
	struct sevlm_sim_host *host;
	int ret = sevlm_sim_host_new(&config, &host);

	if (ret)
		return ret;
	ret = sevlm_sim_host_cek(host, cek);
	if (!ret)
		ret = sevlm_cert_decode(cek, sizeof(cek), &cert);
	if (!ret)
		hex_encode(cert.key_digest, sizeof(cert.key_digest), digits);
	sevlm_sim_host_free(host);
	return ret;
}

static int introduce(struct demo *demo)
{
	struct party *parties = demo->parties;
	int ret = draw(demo->psk, sizeof(demo->psk));

	for (int i = FROM_SOURCE; i <= FROM_TARGET && !ret; i++) {
		ret = draw(&parties[i].seed, sizeof(parties[i].seed));
		if (!ret)
			ret = chip_of(parties[i].seed, parties[!i].peer);
	}
	if (!ret &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, demo->fds))
		ret = -errno;
	return ret;
}

static int run(struct demo *demo)
{
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ret = introduce(demo);
	if (ret) {
		complain("demo", "no channel: %s", strerror(-ret));
		return STATUS_FAILED;
	}
	fflush(stdout);
	demo->target = spawn(demo, be_target);
	demo->source = spawn(demo, be_source);
	close(demo->fds[0]);
	close(demo->fds[1]);
	if (demo->source < 0 || demo->target < 0) {
		complain("demo", "no process: %s", strerror(errno));
		demo->status = STATUS_FAILED;
	}
	demo->source = demo->source < 0 ? 0 : demo->source;
	demo->target = demo->target < 0 ? 0 : demo->target;
	wait_for_both(demo, &set);
	return demo->status;
}

int command_demo(const struct options *options)
{
	struct demo demo = {.options = options};
	struct sentence why;
	int ret = STATUS_USAGE;

	if (shape_of(options, &demo.image, &demo.shape, &why))
		complain("demo", "%s", why.text);
	else
		ret = run(&demo);
	image_free(&demo.image);
	explicit_bzero(demo.psk, sizeof(demo.psk));
	return ret;
}

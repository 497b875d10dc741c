/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Is the memory the same? The source's stands still for ever, so it takes its
 * time. The target's runs at once: a child keeps a copy of how it arrived,
 * which the kernel makes page by page as the guest writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"
#include "wire.h"

#define DIGEST 32u
#define TRAILER_MAGIC "SEVLMTD1"
#define TRAILER_BYTES (WIRE_MAGIC + DIGEST)
#define VERDICT_MAGIC "SEVLMTV1"
#define VERDICT_BYTES 24u
#define PATIENCE_NS (600 * NS_PER_S)
/* that the workload does at least after it was moved */
#define MORE_STEPS 64u

static void compute(struct side *side, int fd)
{
	uint8_t digest[DIGEST];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* or the peer would not see that this side is gone */
	close(side->channel.link.fd);
	close(side->channel.link.signals);
	close(side->listener);
	close(side->control.listener);
	close(side->control.client);
	if (!sevlm_sim_vm_digest(side->guest.sim, digest) &&
	    write(fd, digest, sizeof(digest)) == sizeof(digest))
		_exit(0);
	_exit(1);
}

int verify_snapshot(struct side *side)
{
	int fds[2], pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		compute(side, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	side->snapshot.pid = pid;
	side->snapshot.fd = fds[0];
	return 0;
}

void verify_end(struct side *side)
{
	if (!side->snapshot.pid)
		return;
	kill(side->snapshot.pid, SIGKILL);
	waitpid(side->snapshot.pid, NULL, 0);
	close(side->snapshot.fd);
	side->snapshot.pid = 0;
}

static int own_digest(struct side *side, uint8_t *digest)
{
	ssize_t got;

	if (!side->snapshot.pid)
		return fail(&side->why, -EIO,
			    "no copy of the memory could be kept");
	do
		got = read(side->snapshot.fd, digest, DIGEST);
	while (got < 0 && errno == EINTR);
	return got == DIGEST
		       ? 0
		       : fail(&side->why, -EIO, "no digest of the memory");
}

static int lost(struct side *side, int ret)
{
	return fail(&side->why, ret,
		    ret == -ECANCELED ? "the comparison was interrupted"
				      : "the peer is gone");
}

static int compare(struct side *side)
{
	uint8_t mine[DIGEST], trailer[TRAILER_BYTES];
	int ret = channel_get(&side->channel, trailer, sizeof(trailer),
			      PATIENCE_NS);

	if (ret)
		return lost(side, ret);
	if (memcmp(trailer, TRAILER_MAGIC, WIRE_MAGIC))
		return fail(&side->why, -EPROTO,
			    "the peer sent something else than a digest");
	ret = own_digest(side, mine);
	if (ret)
		return ret;
	return memcmp(mine, trailer + WIRE_MAGIC, DIGEST)
		       ? fail(&side->why, -EBADMSG,
			      "the memory is not what it was at the source")
		       : 0;
}

/* Where the image is not here, the guest cannot know its first contents. */
static int run_on(struct side *side)
{
	struct guest *guest = &side->guest;
	int ret = vcpu_pause(guest);

	if (!ret && guest->shape.image_bytes && !guest->image)
		ret = vcpu_run(guest, MORE_STEPS);
	else if (!ret)
		ret = guest_check(guest, MORE_STEPS, &side->why);
	if (ret && !side->why.text[0])
		fail(&side->why, ret, "the workload does not run");
	if (!ret && (guest->image || !guest->shape.image_bytes))
		side->checked = guest_steps(guest);
	return ret;
}

int verify_survivor(struct side *side)
{
	side->why.text[0] = '\0';
	return run_on(side);
}

int verify_alone(struct side *side)
{
	return run_on(side);
}

int verify_target(struct side *side)
{
	uint8_t verdict[VERDICT_BYTES] = {0};
	int ret = compare(side);

	if (!ret)
		ret = run_on(side);
	if (ret == -ECANCELED || ret == -ECONNRESET)
		return ret;
	memcpy(verdict, VERDICT_MAGIC, WIRE_MAGIC);
	wire_put32(verdict + 8, !ret);
	wire_put64(verdict + 16, side->checked);
	if (channel_put(&side->channel, verdict, sizeof(verdict),
			PATIENCE_NS) &&
	    !ret)
		ret = lost(side, -ECONNRESET);
	return ret;
}

static int ask(struct side *side, const uint8_t *trailer, uint8_t *verdict)
{
	int ret = channel_put(&side->channel, trailer, TRAILER_BYTES,
			      PATIENCE_NS);

	if (!ret)
		ret = channel_get(&side->channel, verdict, VERDICT_BYTES,
				  PATIENCE_NS);
	return ret ? lost(side, ret) : 0;
}

int verify_source(struct side *side)
{
	uint8_t trailer[TRAILER_BYTES], verdict[VERDICT_BYTES];
	int ret;

	memcpy(trailer, TRAILER_MAGIC, WIRE_MAGIC);
	ret = sevlm_sim_vm_digest(side->guest.sim, trailer + WIRE_MAGIC);
	if (ret)
		return fail(&side->why, ret, "no digest of the memory: %s",
			    sevlm_strerror(ret));
	ret = ask(side, trailer, verdict);
	if (ret)
		return ret;
	if (memcmp(verdict, VERDICT_MAGIC, WIRE_MAGIC))
		return fail(&side->why, -EPROTO,
			    "the peer sent something else than a verdict");
	side->checked = wire_get64(verdict + 16);
	return wire_get32(verdict + 8) == 1
		       ? 0
		       : fail(&side->why, -EBADMSG,
			      "the target did not find its memory as it was");
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

static int read_all(int fd, void *to, size_t bytes)
{
	size_t have = 0;
	ssize_t got;

	while (have < bytes) {
		got = read(fd, (char *)to + have, bytes - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		have += (size_t)got;
	}
	return 0;
}

static int check_file(int fd, const char *path, size_t *ret_bytes,
		      struct sentence *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(why, -errno, "--image %s: %s", path,
			    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(why, -EINVAL, "--image %s is not a file", path);
	if (!st.st_size || st.st_size % SEVLM_PAGE_SIZE)
		return fail(why, -EINVAL,
			    "--image %s has %lld bytes: that is no multiple "
			    "of 4096",
			    path, (long long)st.st_size);
	*ret_bytes = (size_t)st.st_size;
	return 0;
}

static int load_open(struct image *image, int fd, const char *path,
		     struct sentence *why)
{
	int ret = check_file(fd, path, &image->bytes, why);

	if (ret)
		return ret;
	image->contents = malloc(image->bytes);
	if (!image->contents)
		return fail(why, -ENOMEM, "--image %s: no memory for it", path);
	ret = read_all(fd, image->contents, image->bytes);
	return ret ? fail(why, ret, "--image %s: %s", path, strerror(-ret)) : 0;
}

int image_load(struct image *image, const char *path, struct sentence *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return fail(why, -errno, "--image %s: %s", path,
			    strerror(errno));
	ret = load_open(image, fd, path, why);
	close(fd);
	if (ret)
		image_free(image);
	return ret;
}

void image_free(struct image *image)
{
	free(image->contents);
	image->contents = NULL;
	image->bytes = 0;
}

static int make_ram(struct guest *guest)
{
	uint64_t pages = guest->shape.memory / SEVLM_PAGE_SIZE;
	void *ram = mmap(NULL, guest->shape.memory, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ram == MAP_FAILED)
		return -ENOMEM;
	guest->ram = ram;
	guest->bitmap = calloc((pages + 63) / 64, sizeof(*guest->bitmap));
	return guest->bitmap ? 0 : -ENOMEM;
}

static int make_sim(struct guest *guest)
{
	const struct sevlm_sim_host_config host = {
		.size = sizeof(host),
		.seed = guest->host_seed,
	};
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = guest->shape.seed,
		.memory = guest->shape.memory,
		.workload = guest->shape.workload,
		.offered = guest->shape.offered,
	};
	int ret = sevlm_sim_host_new(&host, &guest->host);

	return ret ? ret : sevlm_sim_vm_new(guest->host, &config, &guest->sim);
}

static int make_vm(struct guest *guest)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = -1,
		.sev_fd = SEVLM_SIM_SEV_FD,
		.kvm_fd = -1,
		.ops = sevlm_sim_ops(),
		.ops_ctx = guest->sim,
	};
	int ret = sevlm_vm_new(&config, &guest->vm);

	return ret ? ret
		   : sevlm_vm_add_region(guest->vm, 0, guest->shape.memory,
					 guest->ram, SEVLM_REGION_TRACKED);
}

static int make(struct guest *guest, const struct shape *shape,
		const struct image *image, struct sentence *why)
{
	char size[32];
	int ret;

	guest->shape = *shape;
	guest->image = image;
	ret = make_ram(guest);
	if (!ret)
		ret = make_sim(guest);
	if (!ret)
		ret = make_vm(guest);
	if (ret)
		return fail(why, ret, "no VM with %s: %s",
			    size_text(shape->memory, size, sizeof(size)),
			    sevlm_strerror(ret));
	return 0;
}

static const void *contents(const struct guest *guest, size_t *ret_bytes)
{
	*ret_bytes = guest->shape.image_bytes;
	return *ret_bytes ? guest->image->contents : NULL;
}

/* offered before the first run; then the first step, with all of the boot */
static int boot(struct guest *guest)
{
	int ret = guest->shape.offered ? sevlm_vm_offer(guest->vm, 0) : 0;

	return ret ? ret : vcpu_run(guest, 1);
}

int guest_launch(struct guest *guest, const struct shape *shape,
		 const struct image *image, struct sentence *why)
{
	const void *first;
	size_t bytes;
	int ret = make(guest, shape, image, why);

	if (ret)
		return ret;
	first = contents(guest, &bytes);
	ret = sevlm_sim_vm_launch(guest->sim, guest->ram, first, bytes,
				  guest->policy);
	if (!ret)
		ret = boot(guest);
	return ret ? fail(why, ret, "the guest could not be started: %s %s",
			  sevlm_strerror(ret), sevlm_sim_vm_error(guest->sim))
		   : 0;
}

int guest_prepare(struct guest *guest, const struct shape *shape,
		  const struct image *image, struct sentence *why)
{
	int ret = make(guest, shape, image, why);

	if (ret)
		return ret;
	ret = sevlm_sim_vm_prepare(guest->sim, guest->ram);
	return ret ? fail(why, ret, "no VM to receive into: %s",
			  sevlm_strerror(ret))
		   : 0;
}

void guest_free(struct guest *guest)
{
	vcpu_end(guest);
	sevlm_vm_free(guest->vm);
	sevlm_sim_vm_free(guest->sim);
	sevlm_sim_host_free(guest->host);
	free(guest->state);
	free(guest->bitmap);
	if (guest->ram)
		munmap(guest->ram, guest->shape.memory);
}

int guest_dirty(struct guest *guest, struct sevlm_source *source)
{
	int ret = sevlm_sim_vm_harvest(guest->sim, guest->bitmap);

	return ret ? ret
		   : sevlm_source_dirty(source, 0, guest->bitmap,
					guest->shape.memory / SEVLM_PAGE_SIZE);
}

int guest_save(struct guest *guest, struct sevlm_source *source)
{
	int ret = sevlm_sim_vm_save(guest->sim, NULL, &guest->state_bytes);

	if (ret)
		return ret;
	free(guest->state);
	guest->state = malloc(guest->state_bytes);
	if (!guest->state)
		return -ENOMEM;
	ret = sevlm_sim_vm_save(guest->sim, guest->state, &guest->state_bytes);
	return ret ? ret
		   : sevlm_source_state(source, 0, guest->state,
					guest->state_bytes);
}

int guest_load(struct guest *guest, struct sevlm_target *target)
{
	const void *buf;
	size_t bytes;
	uint32_t id;
	int ret;

	/* there is one vCPU and nothing else */
	if (!sevlm_target_state(target, 1, &id, &buf, &bytes))
		return -EBADMSG;
	ret = sevlm_target_state(target, 0, &id, &buf, &bytes);
	if (ret || id)
		return -EBADMSG;
	return sevlm_sim_vm_load(guest->sim, buf, bytes);
}

int guest_check(struct guest *guest, uint64_t steps, struct sentence *why)
{
	const void *first;
	size_t bytes;
	int ret = vcpu_run(guest, steps);

	if (ret)
		return fail(why, ret, "the workload does not run: %s",
			    sevlm_sim_vm_error(guest->sim));
	first = contents(guest, &bytes);
	ret = sevlm_sim_vm_check(guest->sim, first, bytes);
	return ret ? fail(why, ret, "the guest finds its memory damaged: %s",
			  ret == -EBADMSG ? sevlm_sim_vm_error(guest->sim)
					  : sevlm_strerror(ret))
		   : 0;
}

uint64_t guest_steps(const struct guest *guest)
{
	return sevlm_sim_vm_steps(guest->sim);
}

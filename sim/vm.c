// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "list.h"
#include "vm.h"

#define MAX_PAGES ((1ull << 31) - 1)	/* of a KVM memory slot */

int sim_vm_fail(struct sevlm_sim_vm *vm, int code, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&vm->kvm_lock);
	va_start(args, format);
	vsnprintf(vm->error, sizeof(vm->error), format, args);
	va_end(args);
	pthread_mutex_unlock(&vm->kvm_lock);
	return code;
}

bool sim_vm_good_image(const struct sevlm_sim_vm *vm, const void *image,
		       size_t bytes)
{
	if (!image)
		return !bytes;
	return bytes % SIM_PAGE == 0 && bytes <= vm->config.memory;
}

/* Bytes of a newer caller that are not known here must be zero. */
static bool good_size(const void *config, size_t size, size_t known)
{
	const uint8_t *bytes = config;

	for (size_t i = known; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return size >= known;
}

static bool good_config(const struct sevlm_sim_vm_config *config)
{
	return good_size(config, config->size, sizeof(*config)) &&
	       config->memory && config->memory % SIM_PAGE == 0 &&
	       config->memory / SIM_PAGE <= MAX_PAGES &&
	       config->workload <= SEVLM_SIM_COUNTER && config->offered <= 1;
}

static int new_locks(struct sevlm_sim_vm *vm)
{
	if (pthread_mutex_init(&vm->kvm_lock, NULL))
		return -ENOMEM;
	if (!pthread_mutex_init(&vm->vcpu_lock, NULL))
		return 0;
	pthread_mutex_destroy(&vm->kvm_lock);
	return -ENOMEM;
}

static int fill_vm(struct sevlm_sim_vm *vm, struct sevlm_sim_host *host,
		   const struct sevlm_sim_vm_config *config)
{
	int error;

	vm->host = host;
	vm->config = *config;
	vm->config.size = sizeof(vm->config);
	error = sim_memory_new(&vm->memory);
	if (!error)
		error = sim_guest_new(config, vm->memory, &vm->guest);
	if (!error)
		error = sim_list_new(host->shared_list, config->offered,
				     &vm->list);
	if (!error)
		error = new_locks(vm);
	return error;
}

static void count_vm(struct sevlm_sim_host *host, bool more)
{
	pthread_mutex_lock(&host->lock);
	host->vms += more ? 1 : -1u;
	pthread_mutex_unlock(&host->lock);
}

SIM_API int sevlm_sim_vm_new(struct sevlm_sim_host *host,
			     const struct sevlm_sim_vm_config *config,
			     struct sevlm_sim_vm **ret_vm)
{
	struct sevlm_sim_vm *vm;
	int error;

	if (!host || !config || !ret_vm || !good_config(config))
		return -EINVAL;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	error = fill_vm(vm, host, config);
	if (error) {
		sim_list_free(vm->list);
		sim_guest_free(vm->guest);
		sim_memory_free(vm->memory);
		free(vm);
		return error;
	}
	count_vm(host, true);
	*ret_vm = vm;
	return 0;
}

SIM_API void sevlm_sim_vm_free(struct sevlm_sim_vm *vm)
{
	if (!vm)
		return;
	sim_kvm_destroy(vm);
	count_vm(vm->host, false);
	sim_list_free(vm->list);
	sim_guest_free(vm->guest);
	sim_memory_free(vm->memory);
	pthread_mutex_destroy(&vm->kvm_lock);
	pthread_mutex_destroy(&vm->vcpu_lock);
	free(vm);
}

/* until there is something that KVM does not answer by itself */
static int run_guest(struct sevlm_sim_vm *vm, uint64_t steps,
		     struct sevlm_sim_exit *exit)
{
	uint64_t end = sim_guest_steps(vm->guest) + steps, answer;
	int error;

	do {
		*exit = (struct sevlm_sim_exit){0};
		steps = end - sim_guest_steps(vm->guest);
		error = sim_guest_run(vm->guest, steps, exit);
		if (error || exit->reason == SEVLM_SIM_EXIT_INTR ||
		    !sim_list_answers(vm->list, exit, &answer))
			return error;
		error = sim_guest_answer(vm->guest, answer);
	} while (!error);
	return error;
}

static int run(struct sevlm_sim_vm *vm, uint64_t steps,
	       struct sevlm_sim_exit *exit)
{
	int error;

	sim_list_run(vm->list);
	pthread_mutex_lock(&vm->vcpu_lock);
	error = run_guest(vm, steps, exit);
	pthread_mutex_unlock(&vm->vcpu_lock);
	if (error == -EINVAL)
		sim_vm_fail(vm, error, "the last exit was not answered");
	if (error == -EBADFD)
		sim_vm_fail(vm, error, "the guest cannot reach its memory");
	return error;
}

SIM_API int sevlm_sim_vm_run(struct sevlm_sim_vm *vm, uint64_t steps,
			     struct sevlm_sim_exit *ret_exit)
{
	struct sevlm_sim_exit exit = {0};
	int error;

	if (!vm || !ret_exit || ret_exit->size < sizeof(exit))
		return -EINVAL;
	error = run(vm, steps, &exit);
	if (error)
		return error;
	exit.size = ret_exit->size;
	memset(ret_exit, 0, exit.size);
	memcpy(ret_exit, &exit, sizeof(exit));
	return 0;
}

SIM_API int sevlm_sim_vm_answer(struct sevlm_sim_vm *vm, uint64_t value)
{
	int error;

	if (!vm)
		return -EINVAL;
	pthread_mutex_lock(&vm->vcpu_lock);
	error = sim_guest_answer(vm->guest, value);
	if (!error)
		sim_list_answered(vm->list, value);
	pthread_mutex_unlock(&vm->vcpu_lock);
	return error;
}

SIM_API int sevlm_sim_vm_save(struct sevlm_sim_vm *vm, void *buf,
			      size_t *bytes)
{
	int error;

	if (!vm || !bytes)
		return -EINVAL;
	pthread_mutex_lock(&vm->vcpu_lock);
	error = sim_guest_save(vm->guest, buf, bytes);
	pthread_mutex_unlock(&vm->vcpu_lock);
	return error;
}

SIM_API int sevlm_sim_vm_load(struct sevlm_sim_vm *vm, const void *buf,
			      size_t bytes)
{
	int error;

	if (!vm || !buf)
		return -EINVAL;
	pthread_mutex_lock(&vm->vcpu_lock);
	error = sim_guest_load(vm->guest, buf, bytes);
	pthread_mutex_unlock(&vm->vcpu_lock);
	if (error)
		sim_vm_fail(vm, error, "no vCPU state of a VM like this");
	return error;
}

SIM_API uint64_t sevlm_sim_vm_steps(struct sevlm_sim_vm *vm)
{
	return vm ? sim_guest_steps(vm->guest) : 0;
}

SIM_API int sevlm_sim_vm_check(struct sevlm_sim_vm *vm, const void *image,
			       size_t bytes)
{
	char sentence[sizeof(vm->error)] = "";
	int error;

	if (!vm || !sim_vm_good_image(vm, image, bytes))
		return -EINVAL;
	pthread_mutex_lock(&vm->vcpu_lock);
	error = sim_guest_check(vm->guest, image, bytes, sentence,
				sizeof(sentence));
	pthread_mutex_unlock(&vm->vcpu_lock);
	if (error == -EBADMSG)
		sim_vm_fail(vm, error, "%s", sentence);
	return error;
}

SIM_API int sevlm_sim_vm_digest(struct sevlm_sim_vm *vm, void *digest)
{
	int error;

	if (!vm || !digest)
		return -EINVAL;
	pthread_mutex_lock(&vm->vcpu_lock);
	error = sim_guest_digest(vm->guest, digest);
	pthread_mutex_unlock(&vm->vcpu_lock);
	return error;
}

static bool in_memory(const struct sevlm_sim_vm *vm, uint64_t gpa,
		      uint64_t bytes)
{
	return bytes <= vm->config.memory && gpa <= vm->config.memory - bytes;
}

SIM_API int sevlm_sim_vm_shared(struct sevlm_sim_vm *vm, uint64_t gpa)
{
	if (!vm || !in_memory(vm, gpa, 1))
		return 0;
	return sim_guest_shared(vm->guest, gpa / SIM_PAGE);
}

SIM_API int sevlm_sim_vm_read(struct sevlm_sim_vm *vm, uint64_t gpa, void *buf,
			      size_t bytes)
{
	if (!vm || (!buf && bytes) || !in_memory(vm, gpa, bytes))
		return -EINVAL;
	if (sim_guest_read(vm->guest, gpa, buf, bytes))
		return sim_vm_fail(vm, -EINVAL,
				   "the guest cannot reach its memory");
	return 0;
}

SIM_API int sevlm_sim_vm_write(struct sevlm_sim_vm *vm, uint64_t gpa,
			       const void *buf, size_t bytes)
{
	if (!vm || (!buf && bytes) || !in_memory(vm, gpa, bytes))
		return -EINVAL;
	if (sim_guest_write(vm->guest, gpa, buf, bytes))
		return sim_vm_fail(vm, -EINVAL,
				   "the guest cannot reach its memory");
	return 0;
}

SIM_API int sevlm_sim_vm_convert(struct sevlm_sim_vm *vm, uint64_t gpa,
				 uint32_t shared)
{
	if (!vm || gpa % SIM_PAGE || shared > 1 || !in_memory(vm, gpa, 1))
		return -EINVAL;
	if (sim_guest_set_shared(vm->guest, gpa / SIM_PAGE, shared))
		return sim_vm_fail(vm, -EINVAL,
				   "the guest cannot reach its page tables");
	return 0;
}

SIM_API const char *sevlm_sim_vm_error(struct sevlm_sim_vm *vm)
{
	return vm ? vm->error : "";
}

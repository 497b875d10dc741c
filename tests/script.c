/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include <check.h>

#include "script.h"

static const struct script_step *next(struct script *script,
				      enum script_door door, uint32_t id)
{
	const struct script_step *step;

	ck_assert_msg(script->at < script->count,
		      "command %u at door %d behind the script's end", id,
		      door);
	step = &script->steps[script->at++];
	ck_assert_int_eq(step->door, door);
	ck_assert_uint_eq(step->id, id);
	return step;
}

static int answer(const struct script_step *step, uint64_t address,
		  uint32_t *error)
{
	void *params = (void *)(uintptr_t)address;

	if (step->look)
		step->look(step, params);
	if (step->bytes)
		memcpy(params, step->answer, step->bytes);
	if (step->asked || step->ret >= 0)
		*error = step->status;
	return step->ret;
}

static int extension(struct script *script, uint64_t cap)
{
	ck_assert_uint_eq(cap, 0x53454c50);
	script->packet_asked++;
	return script->packet;
}

static int vm_door(void *ctx, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	uint32_t hole;

	if (request == KVM_CHECK_EXTENSION)
		return extension(ctx, (uintptr_t)arg);

	/* newer kernels give it a name */
	memcpy(&hole, (const uint8_t *)arg + sizeof(cmd->id), sizeof(hole));
	ck_assert_uint_eq(request, KVM_MEMORY_ENCRYPT_OP);
	ck_assert_uint_eq(hole, 0);
	ck_assert_uint_eq(cmd->sev_fd, SCRIPT_SEV_FD);
	return answer(next(ctx, SCRIPT_VM, cmd->id), cmd->data, &cmd->error);
}

static int sev_door(void *ctx, uint32_t request, void *arg)
{
	struct sev_issue_cmd *cmd = arg;
	uint32_t error = cmd->error;
	int ret;

	ck_assert_uint_eq(request, (uint32_t)SEV_ISSUE_CMD);
	ret = answer(next(ctx, SCRIPT_SEV, cmd->cmd), cmd->data, &error);
	cmd->error = error;
	return ret;
}

const struct sevlm_kernel_ops script_ops = {
	.size = sizeof(script_ops),
	.vm = vm_door,
	.sev = sev_door,
};

void script_end(const struct script *script)
{
	ck_assert_uint_eq(script->at, script->count);
}

void script_play(struct script *script, const struct script_step *steps,
		 size_t count)
{
	script_end(script);
	script->steps = steps;
	script->count = count;
	script->at = 0;
}

struct sevlm_vm_config script_config(struct script *script)
{
	return (struct sevlm_vm_config){
		.size = sizeof(struct sevlm_vm_config),
		.vm_fd = -1,
		.sev_fd = SCRIPT_SEV_FD,
		.kvm_fd = -1,
		.ops = &script_ops,
		.ops_ctx = script,
	};
}

struct sevlm_vm *script_vm(struct script *script)
{
	struct sevlm_vm_config config = script_config(script);
	struct sevlm_vm *vm = NULL;

	script_play(script, NULL, 0);
	ck_assert_int_eq(sevlm_vm_new(&config, &vm), 0);
	return vm;
}

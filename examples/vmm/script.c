/* SPDX-License-Identifier: MIT-0 */
/* A list of accesses, one line each; each is answered with a line
 * "what was to be done = what the guest got, and where it stands". */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "vmm.h"

#define MAX_WORDS 6

static int hang_up(struct vmm *vmm, const uint64_t *arg)
{
	(void)arg;
	return sevlm_vm_hang_up(vmm->vm);
}

/* Memory and registers stay: only libsevlm's part of a reset is of use. */
static int reset(struct vmm *vmm, const uint64_t *arg)
{
	(void)arg;
	return sevlm_vm_reset(vmm->vm);
}

static int dirty_log(struct vmm *vmm, const uint64_t *arg)
{
	return memory_dirty_log(vmm, arg[0]);
}

/* every page's answer is given once */
static int dirty(struct vmm *vmm, const uint64_t *arg)
{
	uint64_t bitmap[SCRIPT_RAM / SEVLM_PAGE_SIZE / 64] = { 0 };
	uint64_t page = arg[0] / SEVLM_PAGE_SIZE;

	if (arg[0] >= SCRIPT_RAM || memory_harvest(vmm, bitmap)) {
		warnx("no dirty log of 0x%llx", (unsigned long long)arg[0]);
		return -1;
	}
	return bitmap[page / 64] >> (page % 64) & 1;
}

static const struct command {
	const char *name;
	size_t args;
	uint64_t what;	/* for the guest, or else for the host: */
	int (*host)(struct vmm *vmm, const uint64_t *arg);
} commands[] = {
	{ "hypercall", 4, DO_HYPERCALL, NULL },	/* number, three arguments */
	{ "rdmsr", 1, DO_RDMSR, NULL },
	{ "wrmsr", 2, DO_WRMSR, NULL },
	{ "cpuid", 2, DO_CPUID, NULL },		/* function, mask for EAX */
	{ "read", 1, DO_READ, NULL },
	{ "write", 2, DO_WRITE, NULL },
	{ "hang-up", 0, 0, hang_up },
	{ "reset", 0, 0, reset },
	{ "dirty-log", 1, 0, dirty_log },
	{ "dirty", 1, 0, dirty },
};

static const struct command *parse(const char *line, uint64_t *arg)
{
	char copy[sizeof(((struct script *)0)->line)];
	char *words[MAX_WORDS], *word, *rest, *end;
	size_t count = 0;

	memset(arg, 0, MAX_WORDS * sizeof(*arg));
	for (word = strtok_r(strcpy(copy, line), " ", &rest);
	     word && count < MAX_WORDS; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	for (size_t i = 1; i < count; i++) {
		arg[i - 1] = strtoull(words[i], &end, 0);
		if (*end)
			return NULL;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (count && !strcmp(commands[i].name, words[0]) &&
		    commands[i].args == count - 1)
			return &commands[i];
	return NULL;
}

static void print(struct vmm *vmm, const char *answer)
{
	static const char *const names[] = { "offered", "ready",
					     "incomplete", "hung-up" };
	uint32_t bits = 0;

	sevlm_vm_control(vmm->vm, &bits);
	printf("%s = %s", vmm->script.line, answer);
	for (int i = 0; i < 4; i++)
		if (bits & 1u << i)
			printf(" %s", names[i]);
	printf("\n");
}

static void print_result(struct vmm *vmm, const struct mailbox *box)
{
	uint64_t result = box->result & vmm->script.mask;
	char answer[32];

	snprintf(answer, sizeof(answer),
		 box->what == DO_HYPERCALL ? "%lld" : "0x%llx",
		 (long long)result);
	print(vmm, box->fault ? "#GP" : answer);
}

static int on_host(struct vmm *vmm, const struct command *command,
		   const uint64_t *arg)
{
	int ret = command->host(vmm, arg);

	if (ret < 0)
		return -1;
	print(vmm, ret ? "1" : "0");
	return 0;
}

/* The guest waits at the doorbell: what it did is told, then the next line
 * that is for it goes into the mailbox. */
int script_next(struct vmm *vmm)
{
	struct mailbox *box = (void *)(vmm->memory.shared + GUEST_MAILBOX);
	struct script *script = &vmm->script;
	const struct command *command;
	uint64_t arg[MAX_WORDS];

	if (script->line[0])
		print_result(vmm, box);
	while (fgets(script->line, sizeof(script->line), script->file)) {
		script->line[strcspn(script->line, "\n")] = '\0';
		command = parse(script->line, arg);
		if (!command) {
			warnx("no such command: %s", script->line);
			return -1;
		}
		if (!command->host) {
			box->what = command->what;
			memcpy(box->arg, arg, sizeof(box->arg));
			script->mask = command->what == DO_CPUID ? arg[1] :
								   ~0ull;
			return 0;
		}
		if (on_host(vmm, command, arg))
			return -1;
	}
	box->what = DO_HALT;
	return ferror(script->file) ? -1 : 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The memory that goes and the memory that came, to be compared outside: each
 * page by what it is, also where the guest would not look. */
#include <inttypes.h>

#include "walk.h"

static uint64_t mix(uint64_t digest, const uint64_t *words)
{
	for (size_t i = 0; i < PAGE / sizeof(*words); i++)
		digest = (digest ^ words[i]) * 0x100000001b3u;
	return digest;
}

void print_memory(struct vmm *vmm)
{
	uint64_t digest = 0xcbf29ce484222325u, bytes, shared = 0;
	const uint8_t *at;
	uint32_t state;

	for (uint64_t gpa = 0; gpa < vmm->memory.bytes; gpa += PAGE) {
		sevlm_vm_page_state(vmm->vm, gpa, &state, &bytes);
		shared += state == SEVLM_PAGE_SHARED;
		at = state == SEVLM_PAGE_SHARED ? vmm->memory.shared :
						  vmm->memory.private;
		digest = mix(digest, (const void *)(at + gpa));
	}
	printf("memory %016" PRIx64 ", %" PRIu64 " pages shared\n", digest,
	       shared);
}

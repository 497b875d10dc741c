/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_SIM_VM_H
#define SEVLM_SIM_VM_H

#include "internal.h"

/* keeps the sentence and returns code */
int sim_vm_fail(struct sevlm_sim_vm *vm, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* first contents that fit the VM: none, or whole pages of its RAM */
bool sim_vm_good_image(const struct sevlm_sim_vm *vm, const void *image,
		       size_t bytes);

#endif /* SEVLM_SIM_VM_H */

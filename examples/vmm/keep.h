/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_KEEP_H
#define VMM_KEEP_H

#include <libsevlm/libsevlm.h>

/* In a directory that only the VMM can write. 0 or a negative errno. */
int keep_note(const char *directory, const void *note);
int keep_read_note(const char *directory, void *note);
/* -EKEYREJECTED where it is there already */
int keep_session(const char *directory, const void *digest);

#endif /* VMM_KEEP_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the decision is persisted. */
#ifndef SEVLM_NOTE_H
#define SEVLM_NOTE_H

#include "tool.h"

struct note {
	char path[4096];
	bool ours; /* in a directory made for it */
	bool there; /* it was written */
};

/* @path NULL: a fresh directory, once the note is written */
int note_init(struct note *note, const char *path, struct sentence *why);
int note_write(struct note *note, const void *buf, struct sentence *why);
/* it is not needed any more; one that the user named stays */
void note_forget(struct note *note);

#endif /* SEVLM_NOTE_H */

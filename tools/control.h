/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where an operator tells a waiting receive what only a human can know: one
 * line there, one line back.
 */
#ifndef SEVLM_CONTROL_H
#define SEVLM_CONTROL_H

#include "tool.h"

#define CONTROL_FENCED "source-fenced"

struct control {
	const char *path; /* NULL: none */
	int listener; /* -1: none */
	int client; /* who waits for an answer; -1: nobody */
};

/* @path NULL: none. 0, or a negative errno with a sentence */
int control_open(struct control *control, const char *path,
		 struct sentence *why);
void control_close(struct control *control);
/* somebody is at the door: was it the operator, with that request? The answer
 * is owed then */
bool control_asked(struct control *control, const char *request);
/* to who asked, if anybody did: an exit status and a sentence */
void control_answer(struct control *control, int status, const char *text);

/* the other end: asks, and waits for the answer; 0, or a negative errno with
 * a sentence */
int control_ask(const char *path, const char *request, int *ret_status,
		struct sentence *why);

#endif /* SEVLM_CONTROL_H */

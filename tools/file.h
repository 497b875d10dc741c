/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Small files, as a whole. */
#ifndef SEVLM_FILE_H
#define SEVLM_FILE_H

#include "tool.h"

struct file {
	uint8_t *contents; /* with a zero behind them that is not counted */
	size_t bytes;
};

/* more than @most bytes are refused; with @secret a file that others may open,
 * too. 0, or a negative errno with a sentence */
int file_read(struct file *file, const char *path, size_t most, bool secret,
	      struct sentence *why);
/* wipes the contents */
void file_free(struct file *file);
/* whole or not at all; one that is there stays unless @overwrite; @mode as
 * chmod(2) */
int file_write(const char *path, const void *buf, size_t bytes,
	       unsigned int mode, bool overwrite, struct sentence *why);
/* a new file is on the disk when its directory is; 0 or a negative errno */
int sync_directory(const char *path);
/* all of it to an open file; 0 or a negative errno */
int file_put(int fd, const void *buf, size_t bytes);

#endif /* SEVLM_FILE_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "certs.h"

int certs_read(struct file *file, const char *path, size_t bytes,
	       struct sentence *why)
{
	int ret = file_read(file, path, SEVLM_CHAIN_SIZE, false, why);

	if (ret || file->bytes == bytes)
		return ret;
	ret = fail(why, -EBADMSG, "%s has %zu bytes, and not %zu", path,
		   file->bytes, bytes);
	file_free(file);
	return ret;
}

int certs_put_cek(uint8_t *chain, const char *path, struct sentence *why)
{
	struct file file;
	int ret;

	if (!path)
		return 0;
	ret = certs_read(&file, path, SEVLM_CERT_SIZE, why);
	if (ret)
		return ret;
	ret = sevlm_chain_set_cek(chain, file.contents, file.bytes);
	file_free(&file);
	return ret ? fail(why, ret, "--cek %s is of another chip", path) : 0;
}

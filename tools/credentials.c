/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libsevlm/tls.h>

#include "credentials.h"

/* QEMU's names of files in a directory */
#define CA "ca-cert.pem"
#define CRL "ca-crl.pem"
#define CERT "%s-cert.pem"
#define KEY "%s-key.pem"

static int path_in(const char *directory, const char *name, char *path,
		   size_t room, struct sentence *why)
{
	int length = snprintf(path, room, "%s/%s", directory, name);

	return length > 0 && (size_t)length < room
		       ? 0
		       : fail(why, -EINVAL, "the path of %s is too long", name);
}

static int read_in(const char *directory, const char *name, struct file *file,
		   struct sentence *why)
{
	char path[4096];
	int ret = path_in(directory, name, path, sizeof(path), why);

	return ret ? ret : file_read(file, path, SEVLM_TLS_PEM_MAX, false, why);
}

/* @name has the place of the role in it */
static int read_own(const char *directory, const char *name, bool source,
		    struct file *file, struct sentence *why)
{
	char own[32];

	snprintf(own, sizeof(own), name, source ? "client" : "server");
	return read_in(directory, own, file, why);
}

static int read_crl(const char *directory, struct file *file,
		    struct sentence *why)
{
	char path[4096];
	int ret = path_in(directory, CRL, path, sizeof(path), why);

	if (ret || access(path, F_OK))
		return ret;
	return file_read(file, path, SEVLM_TLS_PEM_MAX, false, why);
}

static int load_directory(struct credentials *credentials,
			  const char *directory, struct sentence *why)
{
	bool source = credentials->source;
	int ret = read_in(directory, CA, &credentials->ca, why);

	if (!ret)
		ret = read_own(directory, CERT, source, &credentials->cert,
			       why);
	if (!ret)
		ret = read_own(directory, KEY, source, &credentials->key, why);
	return ret ? ret : read_crl(directory, &credentials->crl, why);
}

int credentials_load(struct credentials *credentials,
		     const struct options *options, bool source,
		     struct sentence *why)
{
	int ret = 0;

	credentials->source = source;
	credentials->peer = options->tls_peer;
	if (options->tls_dir)
		return load_directory(credentials, options->tls_dir, why);
	if (options->psk_file)
		ret = psk_read(options->psk_file, source ? "source" : "target",
			       credentials->psk, why);
	credentials->shared = options->psk_file && !ret;
	return ret;
}

void credentials_share(struct credentials *credentials, const uint8_t *psk)
{
	memcpy(credentials->psk, psk, PSK_BYTES);
	credentials->shared = true;
}

bool credentials_given(const struct credentials *credentials)
{
	return credentials->shared || credentials->cert.contents;
}

void credentials_free(struct credentials *credentials)
{
	explicit_bzero(credentials->psk, sizeof(credentials->psk));
	file_free(&credentials->cert);
	file_free(&credentials->key);
	file_free(&credentials->ca);
	file_free(&credentials->crl);
	credentials->shared = false;
}

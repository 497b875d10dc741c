/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_LINK_H
#define VMM_LINK_H

#include <sys/types.h>
#include <sys/uio.h>

/* ADDRESS:PORT; both wait for the other side some seconds, or VMM_PATIENCE
 * times as long. A socket, or -1 with a line on standard error. */
int link_connect(const char *where);
int link_accept(const char *where);

/* Close, when the peer has all that was sent and does so too. */
void link_farewell(int fd);

/* As read(2) and writev(2), without waiting. */
ssize_t link_read(int fd, void *buf, size_t bytes);
ssize_t link_write(int fd, const struct iovec *iov, size_t count);

#endif /* VMM_LINK_H */

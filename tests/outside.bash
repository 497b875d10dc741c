# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash disable=SC2034
# Sourced: calls of the C library that leave its caller's process, or change
# it, as extended regular expressions.
prints='v?d?f?printf|puts|fputs|fputc|putc|putchar|fwrite|perror|v?syslog|psignal'
ends='abort|exit|_exit|_Exit|quick_exit|assert_fail|atexit|cxa_atexit|on_exit'
stays='fork|vfork|clone3?|posix_spawn|system|popen|pthread_create|pthread_atfork'
stays+='|thrd_create|signal|sigaction|pthread_sigmask|sigprocmask|raise|kill'
stays+='|socket|connect|bind|accept4?|pthread_key_create|tss_create'
clock='time|clock|clock_gettime|gettimeofday|timespec_get|nanosleep|usleep|sleep'
clock+='|clock_nanosleep|alarm|timer_create|timerfd_create'
files='open(at)?(64)?|creat(64)?|fopen(64)?|fdopen|freopen(64)?|close|mmap(64)?'
files+='|read|write|pread(64)?|pwrite(64)?|readv|writev|send|recv|sendmsg|recvmsg'
files+='|poll|select|epoll_wait|stat|fstat|getenv|secure_getenv|mkstemp'
chance='rand|srand|rand_r|random|srandom|drand48|getrandom|getentropy|arc4random'
memory='malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup'

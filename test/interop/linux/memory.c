/* Memory, limits, ids, time: what does not depend on the machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int line;
#define T(e) do { errno = 0; long r_ = (long)(e); printf("%d: %s = %ld errno %d\n", ++line, #e, r_, r_ == -1 ? errno : 0); } while (0)
#define P 4096L

int main(int argc, char **argv) {
  char *m = mmap(0, 8 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  T(m != MAP_FAILED);
  memset(m, 7, 8 * P);
  T(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  T(mmap(0, P, PROT_READ, MAP_ANONYMOUS, -1, 0));
  T(mmap(0, P, PROT_READ, MAP_PRIVATE, -1, 0));
  T(mmap(0, P, PROT_READ, MAP_PRIVATE, 0, 5));
  T(mmap(m + 1, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  T(mmap(m, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  T(munmap(m + 2 * P, P));
  T(munmap(m + 1, P));
  T(munmap(m, 0));
  T(mprotect(m, 4 * P, PROT_READ));
  T(mprotect(m + 1, P, PROT_READ));
  T(mprotect(m, 2 * P, PROT_READ | PROT_WRITE));
  T(madvise(m, P, MADV_DONTNEED));
  T(m[0]);
  T(m[P]);
  T(madvise(m, P, 9999));
  T(madvise(m + 1, P, MADV_NORMAL));
  T(msync(m + 1, P, MS_SYNC));
  T(msync(m, P, MS_SYNC | MS_ASYNC));
  T(mlock(m, P));
  T(mlock(m + 2 * P, P));
  T(munlock(m, P));
  char *g = mremap(m + 3 * P, 5 * P, 20 * P, MREMAP_MAYMOVE);
  T(g != MAP_FAILED && g[0] == 7 && g[5 * P] == 0);
  T(mremap(g, 20 * P, 2 * P, 0) == g);
  T(mremap(g + 1, P, P, 0));
  T(mremap(g, P, 0, 0));
  int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
  T(write(fd, "file contents", 13));
  char *f = mmap(0, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  T(memcmp(f, "file", 4));
  memcpy(f, "FILE", 4);
  T(msync(f, P, MS_SYNC));
  char buf[16];
  T(pread(fd, buf, 4, 0));
  T(memcmp(buf, "FILE", 4));
  T(f[13]);
  T(munmap(f, P));
  int rd = open("mapped", O_RDONLY);
  T(mmap(0, P, PROT_READ | PROT_WRITE, MAP_SHARED, rd, 0));
  T(mmap(0, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, rd, 0) != MAP_FAILED);
  T(unlink("mapped"));
  char *b = (char *)syscall(SYS_brk, 0);
  T(syscall(SYS_brk, b + 3 * P) == (long)(b + 3 * P));
  b[2 * P] = 1;
  T(syscall(SYS_brk, b) == (long)b);
  T(syscall(SYS_brk, 16) == (long)b);

  struct rlimit rl;
  T(getrlimit(RLIMIT_STACK, &rl));
  T(getrlimit(99, &rl));
  T(setrlimit(RLIMIT_NOFILE, (void *)16));
  T(getpriority(PRIO_PROCESS, 0));
  T(getpriority(9, 0));
  T(setuid(getuid()));
  T(getuid() == geteuid() && getgid() == getegid());
  T(getpgid(0) == getpgrp());
  T(getpgid(999999));
  T(getsid(999999));
  char name[17] = {0};
  T(prctl(PR_SET_NAME, "a name that is long"));
  T(prctl(PR_GET_NAME, name));
  puts(name);
  T(prctl(9999));
  T(getrandom(buf, 16, 0));
  T(getrandom(buf, 16, 0x100));
  T(getrandom((void *)16, 16, 0));
  struct utsname u;
  T(uname(&u));
  puts(u.sysname);
  puts(u.machine);
  T(uname((void *)16));
  struct timespec ts, t2;
  T(clock_gettime(CLOCK_REALTIME, &ts));
  T(ts.tv_sec > 1600000000);
  T(clock_gettime(99, &ts));
  T(clock_getres(CLOCK_MONOTONIC, &ts));
  clock_gettime(CLOCK_MONOTONIC, &ts);
  T(usleep(2000));
  clock_gettime(CLOCK_MONOTONIC, &t2);
  T((t2.tv_sec - ts.tv_sec) * 1000000000L + t2.tv_nsec - ts.tv_nsec >= 2000000);
  ts.tv_nsec = 1000000000;
  T(nanosleep(&ts, 0));
  ts.tv_sec = -1;
  ts.tv_nsec = 0;
  T(nanosleep(&ts, 0));
  struct timeval tv;
  T(gettimeofday(&tv, 0));
  T(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
  T(times(0) > 0);
  struct rusage ru;
  T(getrusage(RUSAGE_SELF, &ru));
  T(getrusage(77, &ru));
  cpu_set_t cs;
  T(sched_getaffinity(0, sizeof cs, &cs) >= 0);
  T(sched_yield());
  timer_t timer;
  struct sigevent ev = {.sigev_notify = SIGEV_NONE};
  T(timer_create(CLOCK_MONOTONIC, &ev, &timer));
  struct itimerspec is = {{0, 0}, {10, 0}};
  T(timer_settime(timer, 0, &is, 0));
  T(timer_gettime(timer, &is));
  T(is.it_value.tv_sec == 9 || is.it_value.tv_sec == 10);
  T(timer_delete(timer));
  T(timer_delete(timer));
  T(wait(0));
  printf("%d %s %s\n", argc, argv[1], argv[2]);
  char in[32] = {0};
  T(read(0, in, 32));
  fputs(in, stdout);
  return 42;
}

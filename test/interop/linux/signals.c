/* Signals of a process's own: faults, frames, masks, timers, waits. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/select.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static void *addr;
static int code;
static volatile int n;

static void fault(int sig, siginfo_t *i, void *u) {
  addr = i->si_addr;
  code = i->si_code;
  siglongjmp(back, sig);
}

static void over(int sig, siginfo_t *i, void *u) {
  ((ucontext_t *)u)->uc_mcontext.gregs[REG_RIP] += 2;
  ((ucontext_t *)u)->uc_mcontext.gregs[REG_RBX] = 4711;
  n += 100;
}

static void count(int sig) { n++; }

static void told(int sig, siginfo_t *i, void *u) {
  printf("signal %d code %d mine %d value %d\n", sig - SIGRTMIN, i->si_code, i->si_pid == getpid(), i->si_value.sival_int);
}

static volatile double spoil;
static void floating(int sig) { spoil = spoil * 3.25 + 1; }

static void on(int sig, void *handler, int flags) {
  struct sigaction sa = {0};
  sa.sa_handler = handler;
  sa.sa_flags = flags;
  sigaction(sig, &sa, 0);
}

int main(void) {
  int sig, r, fd[2];
  setvbuf(stdout, 0, _IONBF, 0);
  on(SIGSEGV, fault, SA_SIGINFO);
  on(SIGBUS, fault, SA_SIGINFO);
  on(SIGFPE, fault, SA_SIGINFO);
  if (!(sig = sigsetjmp(back, 1))) *(volatile int *)0x1234 = 1;
  else printf("signal %d at %p code %d\n", sig, addr, code);
  char *ro = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!(sig = sigsetjmp(back, 1))) ro[5] = 1;
  else printf("signal %d at %ld code %d\n", sig, (long)((char *)addr - ro), code);
  if (!(sig = sigsetjmp(back, 1))) asm volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; div %%ecx" ::: "eax", "ecx", "edx");
  else printf("signal %d code %d\n", sig, code);
  if (!(sig = sigsetjmp(back, 1))) asm volatile("movabs $0x8000000000000000, %%rax; mov (%%rax), %%rax" ::: "rax");
  else printf("signal %d at %p code %d\n", sig, addr, code);
  on(SIGILL, over, SA_SIGINFO);
  long rbx = 0;
  asm volatile("ud2; mov %%rbx, %0" : "=r"(rbx) : : "rbx");
  printf("ill %d rbx %ld\n", n, rbx);

  stack_t st = {.ss_sp = malloc(65536), .ss_size = 65536}, was;
  printf("altstack %d\n", sigaltstack(&st, 0));
  n = 0;
  on(SIGUSR1, count, SA_ONSTACK);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  sigaltstack(0, &was);
  printf("n %d stack %d\n", n, was.ss_sp == st.ss_sp && was.ss_flags == 0);
  on(SIGUSR2, floating, 0);
  double a = 1.5, b = 2.5;
  for (int k = 0; k < 10; k++) {
    a = a * 1.01 + b;
    raise(SIGUSR2);
    b = b / 1.5 + a;
  }
  printf("%.10g %.10g %.10g\n", a, b, spoil);

  sigset_t set, old, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  raise(SIGUSR1);
  raise(SIGUSR1);
  sigpending(&pending);
  printf("pending %d n %d\n", sigismember(&pending, SIGUSR1), n);
  sigprocmask(SIG_SETMASK, &old, 0);
  printf("n %d\n", n);
  on(SIGRTMIN + 3, told, SA_SIGINFO);
  for (int k = 0; k < 3; k++) sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 70 + k});
  printf("kill %d %d\n", kill(getpid(), 0), kill(getpid(), 99));

  on(SIGALRM, count, 0);
  n = 0;
  struct itimerval it = {{0, 10000}, {0, 10000}};
  setitimer(ITIMER_REAL, &it, 0);
  while (n < 3) pause();
  memset(&it, 0, sizeof it);
  setitimer(ITIMER_REAL, &it, 0);
  printf("alarms %d\n", n >= 3);
  it.it_value.tv_usec = 20000;
  setitimer(ITIMER_REAL, &it, 0);
  struct timespec ts = {5, 0}, rem;
  r = nanosleep(&ts, &rem);
  printf("nanosleep %d %d left %d\n", r, errno == EINTR, (int)rem.tv_sec);
  pipe(fd);
  char buf[8];
  setitimer(ITIMER_REAL, &it, 0);
  r = read(fd[0], buf, 8);
  printf("read %d %d\n", r, errno == EINTR);
  on(SIGALRM, count, SA_RESTART);
  setitimer(ITIMER_REAL, &it, 0);
  struct pollfd pf = {fd[0], POLLIN, 0};
  r = poll(&pf, 1, 5000);
  printf("poll %d %d\n", r, errno == EINTR);
  printf("poll %d\n", poll(&pf, 1, 10));
  write(fd[1], "hey", 3);
  r = poll(&pf, 1, 1000);
  printf("poll %d %d\n", r, pf.revents);
  fd_set rs;
  FD_ZERO(&rs);
  FD_SET(fd[0], &rs);
  r = select(fd[0] + 1, &rs, 0, 0, 0);
  printf("select %d %d read %d\n", r, FD_ISSET(fd[0], &rs), (int)read(fd[0], buf, 8));
  close(fd[0]);
  signal(SIGPIPE, SIG_IGN);
  r = write(fd[1], "x", 1);
  printf("epipe %d %d\n", r, errno == EPIPE);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, 0);
  raise(SIGUSR2);
  siginfo_t si;
  ts.tv_sec = 1;
  printf("timedwait %d\n", sigtimedwait(&set, &si, &ts));
  ts.tv_sec = 0;
  ts.tv_nsec = 1000000;
  r = sigtimedwait(&set, &si, &ts);
  printf("timedwait %d %d\n", r, errno == EAGAIN);
  on(SIGTERM, SIG_DFL, 0);
  raise(SIGTERM);
  return 0;
}

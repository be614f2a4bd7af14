/*
 * The host's processor as an oracle: runs pieces of code from given states and tells where they ended.
 *
 * stdin:  the contents of the five data pages, once; then batches, each u32 count and count cases.
 * stdout: for each batch u32 bytes and the outcomes, one a case. test/support/oracle/case.ts has the layouts.
 *
 * Each batch runs in a child of its own. Its invariants: between two cases memory is as at the start;
 * the code under test has every register but those of the segments, and memory only where LAYOUT says;
 * a system call from the code is reported, not made; a case that neither ends nor faults is cut off by a
 * timer of its own CPU time; a child that dies is replaced, and its case says so.
 * gcc -O2 -fno-stack-protector -mno-red-zone -o harness harness.c
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 5, CODES = 2, MOST = 4096, FX = 416, CODE_BYTES = 64, PATCHES = 4 };
/* LAYOUT: the same as in case.ts. Data pages 0 1 and 3 may be written, page 2 only read, page 4 is the stack. */
#define CODE 0x10000000ul
#define EXIT 0x11000000ul
#define DATA 0x20000000ul
#define STACK 0x30000000ul
#define HIGH 0x520000000ul
static const struct { uint64_t at; int page, rights; } map[] = {
	{DATA, 0, PROT_READ | PROT_WRITE}, {DATA + PAGE, 1, PROT_READ | PROT_WRITE}, {DATA + 2 * PAGE, 2, PROT_READ},
	{DATA + 4 * PAGE, 3, PROT_READ | PROT_WRITE}, {STACK, 4, PROT_READ | PROT_WRITE},
	{HIGH, 0, PROT_READ | PROT_WRITE}, {HIGH + PAGE, 1, PROT_READ | PROT_WRITE},
	{CODE, PAGES, PROT_READ | PROT_EXEC}, {CODE + PAGE, PAGES + 1, PROT_READ | PROT_EXEC},
};

struct patch { uint32_t page, offset, length, unused; uint8_t bytes[16]; };
struct in {
	uint32_t rip, length, patches, flags;
	uint64_t fsbase, gsbase, regs[16];
	uint8_t fx[FX], code[CODE_BYTES];
	struct patch patch[PATCHES];
};
/* An outcome: this, then the changed registers, fx if it changed, and runs of changed memory {u32 page, u16 offset, u16 length, bytes}. */
struct out {
	uint32_t bytes;
	int32_t trap;
	uint32_t error, flags;
	uint64_t address, rip;
	uint16_t regs;
	uint8_t fx, unused;
	uint32_t runs;
};
enum { END = -1, TIMEOUT = -2, DIED = -3, SYSCALL = 256 };

struct state { uint64_t r[16], flags, unused; uint8_t fx[512]; };
struct state st __attribute__((aligned(64), used));
uint64_t host_rsp __attribute__((used)), host_fs __attribute__((used)), target __attribute__((used));
uint64_t guest_fs __attribute__((used)), guest_gs __attribute__((used));
uint32_t mxcsr __attribute__((used)) = 0x1f80;
extern void enter(void);
extern char leave[], unwind[];
asm("enter: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; mov %rsp, host_rsp(%rip)\n"
    "mov guest_fs(%rip), %rcx; wrfsbase %rcx; mov guest_gs(%rip), %rcx; wrgsbase %rcx\n"
    "lea st(%rip), %rax; fxrstor64 144(%rax); pushq 128(%rax)\n"
    "mov 8(%rax), %rcx; mov 16(%rax), %rdx; mov 24(%rax), %rbx; mov 40(%rax), %rbp; mov 48(%rax), %rsi; mov 56(%rax), %rdi\n"
    "mov 64(%rax), %r8; mov 72(%rax), %r9; mov 80(%rax), %r10; mov 88(%rax), %r11\n"
    "mov 96(%rax), %r12; mov 104(%rax), %r13; mov 112(%rax), %r14; mov 120(%rax), %r15\n"
    "popfq; mov 32(%rax), %rsp; mov (%rax), %rax; jmp *target(%rip)\n"
    /* rax has been stored by the page at EXIT */
    "leave: mov %rsp, st+32(%rip); mov host_rsp(%rip), %rsp; pushfq; popq st+128(%rip); pushq $0x202; popfq\n"
    "lea st(%rip), %rax\n"
    "mov %rcx, 8(%rax); mov %rdx, 16(%rax); mov %rbx, 24(%rax); mov %rbp, 40(%rax); mov %rsi, 48(%rax); mov %rdi, 56(%rax)\n"
    "mov %r8, 64(%rax); mov %r9, 72(%rax); mov %r10, 80(%rax); mov %r11, 88(%rax)\n"
    "mov %r12, 96(%rax); mov %r13, 104(%rax); mov %r14, 112(%rax); mov %r15, 120(%rax); fxsave64 144(%rax)\n"
    "unwind: mov host_rsp(%rip), %rsp; mov host_fs(%rip), %rax; wrfsbase %rax; fninit; ldmxcsr mxcsr(%rip)\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static uint8_t *shadow;           /* all pages, writable, where no case knows of */
static uint8_t pristine[PAGES * PAGE];
static uint8_t base[PAGES * PAGE]; /* what memory was when the case began */
static struct shared { volatile uint32_t done; volatile uint64_t used; } *shared;
static struct in *cases;
static uint8_t *outcomes;
static int trap;
static uint32_t error;
static uint64_t address, rip;
static volatile uint32_t ticks_of = -1u, running;

static void stop(int signal, siginfo_t *info, void *context)
{
	static const int places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	uint64_t fs;
	(void)info;
	asm volatile("rdfsbase %0; wrfsbase %1; pushq $0x202; popfq" : "=&r"(fs) : "r"(host_fs) : "memory", "cc");
	ucontext_t *u = context;
	greg_t *g = u->uc_mcontext.gregs;
	if (signal == SIGVTALRM) {
		uint32_t now = shared->done;
		if (!running || ticks_of != now) {
			ticks_of = now;
			asm volatile("wrfsbase %0" : : "r"(fs));
			return;
		}
	}
	if (!running) _exit(1);
	trap = signal == SIGVTALRM ? TIMEOUT : signal == SIGSYS ? SYSCALL : (int)g[REG_TRAPNO];
	error = trap == 14 || trap == 13 || trap == 12 ? (uint32_t)g[REG_ERR] : 0;
	address = trap == 14 ? (uint64_t)g[REG_CR2] : 0;
	rip = g[REG_RIP];
	for (int k = 0; k < 16; k++) st.r[k] = g[places[k]];
	st.flags = g[REG_EFL];
	memcpy(st.fx, u->uc_mcontext.fpregs, FX);
	asm volatile("jmp unwind");
	__builtin_unreachable();
}

static void put(uint8_t **to, const void *from, size_t n)
{
	memcpy(*to, from, n);
	*to += n;
}

/* The changed parts of the writable pages, 8 bytes at a time, put back as they were. */
static uint32_t runs(uint8_t **to)
{
	uint32_t n = 0;
	for (int page = 0; page < PAGES; page++) {
		uint64_t *now = (uint64_t *)(shadow + page * PAGE), *was = (uint64_t *)(base + page * PAGE);
		if (page == 2 || memcmp(now, was, PAGE) == 0) continue;
		for (int k = 0; k < PAGE / 8; k++) {
			if (now[k] == was[k]) continue;
			int end = k;
			while (end < PAGE / 8 && now[end] != was[end]) end++;
			uint32_t at = page;
			uint16_t where[2] = {k * 8, (end - k) * 8};
			put(to, &at, 4);
			put(to, where, 4);
			put(to, now + k, where[1]);
			memcpy(now + k, was + k, where[1]);
			n++;
			k = end;
		}
	}
	return n;
}

static void patch(const struct in *in, int undo)
{
	for (uint32_t k = 0; k < in->patches; k++) {
		const struct patch *p = &in->patch[k];
		size_t at = p->page * PAGE + p->offset;
		memcpy(shadow + at, undo ? pristine + at : p->bytes, p->length);
		memcpy(base + at, undo ? pristine + at : p->bytes, p->length);
	}
}

static void one(const struct in *in, uint8_t **to)
{
	static struct in last;
	uint8_t *code = shadow + PAGES * PAGE, *limit = code + CODES * PAGE;
	if (last.rip != in->rip || last.length != in->length || memcmp(last.code, in->code, in->length)) {
		/* Everywhere else is int3, as it is for who is compared with. */
		uint64_t old = last.length + 5;
		memset(code + last.rip, 0xcc, old < CODES * PAGE - last.rip ? old : CODES * PAGE - last.rip);
		last = *in;
		uint8_t *p = code + in->rip;
		for (uint32_t k = 0; k < in->length && p < limit; k++) *p++ = in->code[k];
		int32_t far = EXIT - (CODE + in->rip + in->length + 5);
		if (limit - p >= 5) {
			*p = 0xe9;
			memcpy(p + 1, &far, 4);
		}
	}
	patch(in, 0);
	memcpy(st.r, in->regs, sizeof in->regs);
	st.flags = in->flags;
	memcpy(st.fx, in->fx, FX);
	guest_fs = in->fsbase;
	guest_gs = in->gsbase;
	target = CODE + in->rip;
	trap = END;
	error = 0;
	address = 0;
	rip = CODE + in->rip + in->length;
	running = 1;
	enter();
	running = 0;
	struct out *out = (struct out *)*to;
	memset(out, 0, sizeof *out);
	out->trap = trap;
	out->error = error;
	out->flags = st.flags;
	out->address = address;
	out->rip = rip;
	*to += sizeof *out;
	for (int k = 0; k < 16; k++) {
		if (st.r[k] == in->regs[k]) continue;
		out->regs |= 1 << k;
		put(to, &st.r[k], 8);
	}
	memset(st.fx + 6, 0, 18);  /* opcode and pointers of the x87's last instruction: told only with an exception */
	memset(st.fx + 28, 0, 4);
	if (memcmp(st.fx, in->fx, FX)) {
		out->fx = 1;
		put(to, st.fx, FX);
	}
	out->runs = runs(to);
	out->bytes = *to - (uint8_t *)out;
	patch(in, 1);
}

static void child(uint32_t count)
{
	static uint8_t stack[1 << 16];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	sigaltstack(&alternate, 0);
	struct sigaction act = {.sa_sigaction = stop, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	for (const int *s = (int[]){SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP, SIGSYS, SIGVTALRM, 0}; *s; s++) sigaction(*s, &act, 0);
	struct itimerval every = {{0, 100000}, {0, 100000}};
	setitimer(ITIMER_VIRTUAL, &every, 0);
	/* A system call made from the code under test: SIGSYS. */
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CODE, 0, 1),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, CODE + CODES * PAGE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) _exit(2);
	memcpy(shadow, pristine, sizeof pristine);
	memcpy(base, pristine, sizeof pristine);
	memset(shadow + PAGES * PAGE, 0xcc, CODES * PAGE);
	/* A fork leaves shared pages to be mapped at the first access: the error code of a fault would say so. */
	for (size_t k = 0; k < sizeof map / sizeof *map; k++) {
		volatile uint8_t *at = (volatile uint8_t *)map[k].at;
		uint8_t first = *at;
		if (map[k].rights & PROT_WRITE) *at = first;
	}
	uint8_t *to = outcomes + shared->used;
	while (shared->done < count) {
		one(&cases[shared->done], &to);
		shared->used = to - outcomes;
		shared->done++;
	}
	_exit(0);
}

static void *memory(size_t n)
{
	void *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) exit(4);
	return p;
}

static int readAll(void *to, size_t n)
{
	for (uint8_t *p = to; n > 0;) {
		ssize_t got = read(0, p, n);
		if (got <= 0) return 0;
		p += got;
		n -= got;
	}
	return 1;
}

static void writeAll(const void *from, size_t n)
{
	for (const uint8_t *p = from; n > 0;) {
		ssize_t put = write(1, p, n);
		if (put <= 0) exit(0);
		p += put;
		n -= put;
	}
}

int main(void)
{
	if (!(getauxval(AT_HWCAP2) & 2)) {
		fprintf(stderr, "the kernel does not let programs set FS and GS (FSGSBASE)\n");
		return 3;
	}
	int fd = memfd_create("pages", 0);
	if (fd < 0 || ftruncate(fd, (PAGES + CODES) * PAGE)) return 4;
	shadow = mmap(0, (PAGES + CODES) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (size_t k = 0; k < sizeof map / sizeof *map; k++)
		if (mmap((void *)map[k].at, PAGE, map[k].rights, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, map[k].page * PAGE) != (void *)map[k].at) return 4;
	/* movabs %rax, st; movabs $leave, %rax; jmp *%rax */
	uint8_t *exits = mmap((void *)EXIT, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint64_t to[2] = {(uint64_t)&st, (uint64_t)leave};
	memcpy(exits, "\x48\xa3", 2);
	memcpy(exits + 2, &to[0], 8);
	memcpy(exits + 10, "\x48\xb8", 2);
	memcpy(exits + 12, &to[1], 8);
	memcpy(exits + 20, "\xff\xe0", 2);
	mprotect(exits, PAGE, PROT_READ | PROT_EXEC);
	asm volatile("rdfsbase %0" : "=r"(host_fs));
	shared = memory(sizeof *shared);
	cases = memory(MOST * sizeof *cases);
	outcomes = memory((size_t)MOST * (sizeof(struct out) + 1024 + PAGES * PAGE * 2));
	if (!readAll(pristine, sizeof pristine)) return 0;
	for (uint32_t count; readAll(&count, 4);) {
		if (count > MOST || !readAll(cases, count * sizeof *cases)) return 4;
		shared->done = 0;
		shared->used = 0;
		while (shared->done < count) {
			int status;
			pid_t pid = fork();
			if (pid == 0) child(count);
			if (waitpid(pid, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 2)) return 4;
			if (shared->done == count) break;
			struct out died = {.bytes = sizeof died, .trap = DIED};
			memcpy(outcomes + shared->used, &died, sizeof died);
			shared->used += sizeof died;
			shared->done++;
		}
		uint32_t bytes = shared->used;
		writeAll(&bytes, 4);
		writeAll(outcomes, bytes);
	}
	return 0;
}

/*
 * probe: system calls from the command line, each with what it must answer, for what a shell cannot do.
 *
 *	probe CALL [, CALL]...
 *
 * A call is a name and its arguments; one that begins with !ERRNO must fail so, any other must succeed.
 * The first that does otherwise is told on stdout, and the exit status is 1. Open files are named by
 * letters (fd below). `fork { CALL... }` runs calls in a child and waits for it; `bg { CALL... }` does
 * not wait. Then `tell` lets the other of the two go on that is at `hear`, `waiting` says that the child
 * has not ended, `wait` waits for it, `kill` ends it.
 *
 * Files	open fd path flags [mode], close fd, write fd text, pwrite fd at text, read fd text (the next bytes),
 *	pread fd at text, zeros fd at n, eof fd at, seek fd at set|cur|end, fsync fd, fdatasync fd, trunc path n,
 *	ftrunc fd n, fill path n MiB, verify path n MiB. Flags: r w + c x t a d n D s as in open() below.
 * Names	unlink, rmdir, mkdir path [mode], rename, link, symlink target path, readlink path text,
 *	mknod path f|p|c|b|s mode [major minor], chdir path.
 * Attributes	stat|lstat path key=value..., fstat fd key=value..., chmod, fchmod, chown path uid gid, lchown,
 *	utimes path atime mtime (SEC.NSEC, now, omit), lutimes, futimes fd, access path rwx, statfs path key=value...,
 *	keep path, since path size|mtime|ctime =|>, same path path, other path path, umask mode, as uid [gid...].
 * Locks	lock|lockw fd r|w|u start length, getlock fd r|w start length r|w|u, flock|flockw fd s|x|u.
 * Xattrs	setx path name text [c|r], getx path name text, listx path n, rmx path name, bigx path name n.
 * Maps	map fd n p|s text (read), mapw fd n text (shared write and msync).
 * Directories	many path n, list path n, dots path, listtypes path, drain path, rewind path, seekdir path, empty path,
 *	deep n length.
 * Races	race n rounds create|mkdir|link|rename|unlink path path; appenders n records path path; churn n rounds path.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static int fds[128];
static struct stat kept;
static pid_t child = -1;
/* To and from the other side of `bg`. */
static int to = -1, from = -1;
/* The call under way, for messages. */
static char **now;
static int nnow;

static void fail(const char *fmt, ...)
{
	va_list ap;
	for (int i = 0; i < nnow; i++)
		printf("%.60s ", now[i]);
	printf("- ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static void need(int ok, const char *what)
{
	if (!ok)
		fail("%s: %s", what, strerrorname_np(errno));
}

static long long number(const char *s)
{
	char *end;
	long long n = strtoll(s, &end, 0);
	if (*s == 0 || *end != 0)
		fail("bad number %s", s);
	return n;
}

static mode_t octal(const char *s)
{
	return strtoul(s, NULL, 8);
}

static int *slot(const char *s)
{
	if (s[0] == 0 || s[1] != 0)
		fail("bad file %s", s);
	return &fds[s[0] & 127];
}

static int flags_of(const char *s)
{
	int acc = strchr(s, '+') || (strchr(s, 'r') && strchr(s, 'w')) ? O_RDWR : strchr(s, 'w') ? O_WRONLY : O_RDONLY;
	static const struct { char c; int flag; } table[] = {
		{'c', O_CREAT}, {'x', O_EXCL}, {'t', O_TRUNC}, {'a', O_APPEND}, {'d', O_DIRECTORY},
		{'n', O_NOFOLLOW}, {'D', O_DIRECT}, {'s', O_SYNC},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strchr(s, table[i].c))
			acc |= table[i].flag;
	return acc;
}

static int all(int fd, const char *text, off_t at)
{
	size_t n = strlen(text);
	ssize_t r = at < 0 ? write(fd, text, n) : pwrite(fd, text, n, at);
	if (r >= 0 && (size_t)r != n)
		fail("wrote %zd of %zu", r, n);
	return r < 0 ? -1 : 0;
}

/* What stands in the file at that place, or at its offset, begins with this text. */
static int reads(int fd, const char *text, off_t at)
{
	size_t n = strlen(text);
	char *buf = calloc(n + 1, 1);
	ssize_t r = at < 0 ? read(fd, buf, n) : pread(fd, buf, n, at);
	if (r < 0)
		return -1;
	if ((size_t)r != n || memcmp(buf, text, n) != 0)
		fail("read %zd bytes '%.40s', not '%.40s'", r, buf, text);
	return 0;
}

static int zeros(int fd, off_t at, size_t n)
{
	unsigned char *buf = malloc(n);
	memset(buf, 0xff, n);
	ssize_t r = pread(fd, buf, n, at);
	if (r < 0)
		return -1;
	if ((size_t)r != n)
		fail("read %zd of %zu", r, n);
	for (size_t i = 0; i < n; i++)
		if (buf[i])
			fail("byte %zu is %d", i, buf[i]);
	return 0;
}

/* A file of n MiB whose 32-bit words are their index by Knuth's multiplier, as the host makes it too. */
static int pattern(const char *path, int n, int verify)
{
	uint32_t *want = malloc(MIB), *got = malloc(MIB), word = 0;
	int fd = open(path, verify ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < MIB / 4; k++)
			want[k] = word++ * 2654435761u;
		if (!verify) {
			for (size_t at = 0; at < MIB;) {
				ssize_t r = write(fd, (char *)want + at, MIB - at);
				if (r <= 0)
					return -1;
				at += r;
			}
			continue;
		}
		for (size_t at = 0; at < MIB;) {
			ssize_t r = read(fd, (char *)got + at, MIB - at);
			if (r < 0)
				return -1;
			if (r == 0)
				fail("ends in MiB %d", i);
			at += r;
		}
		if (memcmp(want, got, MIB) != 0)
			fail("MiB %d differs", i);
	}
	return close(fd);
}

static struct timespec timeof(const char *s)
{
	struct timespec t = {0, 0};
	if (strcmp(s, "now") == 0)
		t.tv_nsec = UTIME_NOW;
	else if (strcmp(s, "omit") == 0)
		t.tv_nsec = UTIME_OMIT;
	else if (strchr(s, '.') == NULL)
		t.tv_sec = number(s);
	else
		sscanf(s, "%ld.%ld", &t.tv_sec, &t.tv_nsec);
	return t;
}

static int utimes_(int dirfd, const char *path, const char *atime, const char *mtime, int flags)
{
	struct timespec t[2] = {timeof(atime), timeof(mtime)};
	return path ? utimensat(dirfd, path, t, flags) : futimens(dirfd, t);
}

static const char *typeof_(mode_t m)
{
	switch (m & S_IFMT) {
	case S_IFREG: return "f";
	case S_IFDIR: return "d";
	case S_IFLNK: return "l";
	case S_IFIFO: return "p";
	case S_IFCHR: return "c";
	case S_IFBLK: return "b";
	case S_IFSOCK: return "s";
	}
	return "?";
}

static void stamp(const char *key, struct timespec got, const char *value)
{
	struct timespec t = timeof(value);
	if (t.tv_nsec == UTIME_NOW) {
		if (llabs((long long)got.tv_sec - time(NULL)) > 5)
			fail("%s is %ld, not now", key, got.tv_sec);
	} else if (got.tv_sec != t.tv_sec || (strchr(value, '.') && got.tv_nsec != t.tv_nsec))
		fail("%s is %ld.%09ld", key, got.tv_sec, got.tv_nsec);
}

static void check(struct stat *st, char **w, int n)
{
	for (int i = 0; i < n; i++) {
		char key[16] = "", *v = w[i] + strcspn(w[i], "=<") + 1;
		snprintf(key, sizeof key, "%.*s", (int)(v - 1 - w[i]), w[i]);
		long long got = -1;
		if (strcmp(key, "size") == 0) got = st->st_size;
		else if (strcmp(key, "nlink") == 0) got = st->st_nlink;
		else if (strcmp(key, "uid") == 0) got = st->st_uid;
		else if (strcmp(key, "gid") == 0) got = st->st_gid;
		else if (strcmp(key, "blocks") == 0) got = st->st_blocks;
		else if (strcmp(key, "major") == 0) got = major(st->st_rdev);
		else if (strcmp(key, "minor") == 0) got = minor(st->st_rdev);
		else if (strcmp(key, "mode") == 0) {
			if ((st->st_mode & 07777) != octal(v))
				fail("mode is %o", st->st_mode & 07777);
			continue;
		} else if (strcmp(key, "type") == 0) {
			if (strcmp(typeof_(st->st_mode), v) != 0)
				fail("type is %s", typeof_(st->st_mode));
			continue;
		} else if (strcmp(key, "mtime") == 0 || strcmp(key, "atime") == 0 || strcmp(key, "ctime") == 0) {
			stamp(key, key[0] == 'm' ? st->st_mtim : key[0] == 'a' ? st->st_atim : st->st_ctim, v);
			continue;
		} else
			fail("bad key %s", key);
		if (v[-1] == '<' ? got >= number(v) : got != number(v))
			fail("%s is %lld", key, got);
	}
}

static int statfs_(const char *path, char **w, int n)
{
	struct statfs fs;
	if (statfs(path, &fs) < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		long long v = number(strchr(w[i], '=') + 1);
		if (strncmp(w[i], "type", 4) == 0 ? fs.f_type != v : strncmp(w[i], "namelen", 7) == 0 ? fs.f_namelen != v : 1)
			fail("type %lx namelen %ld", (long)fs.f_type, (long)fs.f_namelen);
	}
	if (n > 0 && (fs.f_bsize <= 0 || fs.f_blocks == 0 || fs.f_bfree > fs.f_blocks || fs.f_bavail > fs.f_blocks))
		fail("bsize %ld blocks %ld bfree %ld", (long)fs.f_bsize, (long)fs.f_blocks, (long)fs.f_bfree);
	return 0;
}

/* since PATH FIELD =|>: how an attribute stands to that of `keep`. */
static int since(const char *path, const char *field, const char *how)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return -1;
	long long a = kept.st_size, b = st.st_size;
	if (strcmp(field, "size") != 0) {
		struct timespec s = field[0] == 'm' ? kept.st_mtim : kept.st_ctim, t = field[0] == 'm' ? st.st_mtim : st.st_ctim;
		a = s.tv_sec * 1000000000ll + s.tv_nsec;
		b = t.tv_sec * 1000000000ll + t.tv_nsec;
	}
	if (how[0] == '=' ? a != b : a >= b)
		fail("%lld before, %lld now", a, b);
	return 0;
}

static int same(const char *a, const char *b, int want)
{
	struct stat s, t;
	if (lstat(a, &s) < 0 || lstat(b, &t) < 0)
		return -1;
	if ((s.st_ino == t.st_ino) != want)
		fail("inodes %llu and %llu", (unsigned long long)s.st_ino, (unsigned long long)t.st_ino);
	return 0;
}

static int as(char **w, int n)
{
	gid_t groups[16];
	for (int i = 1; i < n; i++)
		groups[i - 1] = number(w[i]);
	uid_t uid = number(w[0]);
	if (setgroups(n > 1 ? n - 1 : 0, groups) < 0 || setgid(n > 1 ? groups[0] : uid) < 0)
		return -1;
	return setuid(uid);
}

static int makenode(char **w, int n)
{
	static const struct { char c; mode_t type; } types[] = {{'f', S_IFREG}, {'p', S_IFIFO}, {'c', S_IFCHR}, {'b', S_IFBLK}, {'s', S_IFSOCK}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].c == w[1][0])
			return mknod(w[0], types[i].type | octal(w[2]), n > 4 ? makedev(number(w[3]), number(w[4])) : 0);
	fail("bad type");
	return -1;
}

static int locktype(const char *s)
{
	return s[0] == 'r' ? F_RDLCK : s[0] == 'w' ? F_WRLCK : F_UNLCK;
}

static int lock(char **w, int cmd)
{
	struct flock l = {.l_type = locktype(w[1]), .l_whence = SEEK_SET, .l_start = number(w[2]), .l_len = number(w[3])};
	if (fcntl(*slot(w[0]), cmd, &l) < 0)
		return -1;
	if (cmd == F_GETLK && l.l_type != locktype(w[4]))
		fail("type is %d, %ld+%ld", l.l_type, (long)l.l_start, (long)l.l_len);
	return 0;
}

static int flock_(char **w, int block)
{
	return flock(*slot(w[0]), (w[1][0] == 's' ? LOCK_SH : w[1][0] == 'x' ? LOCK_EX : LOCK_UN) | (block ? 0 : LOCK_NB));
}

static int getx(const char *path, const char *name, const char *text)
{
	char buf[256];
	ssize_t r = lgetxattr(path, name, buf, sizeof buf);
	if (r < 0)
		return -1;
	if ((size_t)r != strlen(text) || memcmp(buf, text, r) != 0)
		fail("value is %.*s", (int)r, buf);
	return 0;
}

static int listx(const char *path, long want)
{
	char buf[65536];
	ssize_t r = llistxattr(path, buf, sizeof buf);
	if (r < 0)
		return -1;
	long n = 0;
	for (ssize_t i = 0; i < r; i++)
		n += buf[i] == 0;
	if (n != want)
		fail("%ld names", n);
	return 0;
}

/* An attribute of n bytes, written, asked for its size, and read back. */
static int bigx(const char *path, const char *name, size_t n)
{
	char *a = malloc(n), *b = malloc(n);
	for (size_t i = 0; i < n; i++)
		a[i] = i * 7;
	if (lsetxattr(path, name, a, n, 0) < 0)
		return -1;
	if (lgetxattr(path, name, NULL, 0) != (ssize_t)n)
		fail("size is %zd", lgetxattr(path, name, NULL, 0));
	if (lgetxattr(path, name, b, n) != (ssize_t)n || memcmp(a, b, n) != 0)
		fail("value differs");
	if (lgetxattr(path, name, b, n / 2) != -1 || errno != ERANGE)
		fail("no ERANGE");
	return 0;
}

static int map(int fd, size_t n, int how, const char *text, int writing)
{
	char *m = mmap(NULL, n, PROT_READ | (writing ? PROT_WRITE : 0), how, fd, 0);
	if (m == MAP_FAILED)
		return -1;
	if (writing) {
		memcpy(m, text, strlen(text));
		if (msync(m, n, MS_SYNC) < 0)
			return -1;
	} else if (memcmp(m, text, strlen(text)) != 0)
		fail("mapped '%.*s'", (int)strlen(text), m);
	return munmap(m, n);
}

static int byname(const void *a, const void *b)
{
	return strcmp(*(char **)a, *(char **)b);
}

/* Exactly n entries besides the two dots, each name once. */
static int list(const char *path, size_t want)
{
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	size_t n = 0, room = 0;
	char **names = NULL;
	errno = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL; errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (n == room)
			names = realloc(names, (room = room * 2 + 64) * sizeof *names);
		names[n++] = strdup(e->d_name);
	}
	if (errno)
		return -1;
	qsort(names, n, sizeof *names, byname);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			fail("%s twice", names[i]);
	if (n != want)
		fail("%zu entries", n);
	return closedir(d);
}

/* "." and "..", each once. */
static int dots(const char *path)
{
	DIR *d = opendir(path);
	int one = 0, two = 0;
	if (d == NULL)
		return -1;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		one += strcmp(e->d_name, ".") == 0;
		two += strcmp(e->d_name, "..") == 0;
	}
	if (one != 1 || two != 1)
		fail("%d of ., %d of ..", one, two);
	return closedir(d);
}

/* Each entry's type is that of its inode, and so is its number. */
static int listtypes(const char *path)
{
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		struct stat st;
		if (strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
		if (e->d_type != IFTODT(st.st_mode))
			fail("%s has d_type %d", e->d_name, e->d_type);
		if (e->d_ino != st.st_ino)
			fail("%s has d_ino %llu, not %llu", e->d_name, (unsigned long long)e->d_ino, (unsigned long long)st.st_ino);
	}
	return closedir(d);
}

/* Removes what it reads while it reads, until nothing is left: rm -r's way. */
static int drain(const char *path)
{
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) < 0)
			fail("%s: %s", e->d_name, strerrorname_np(errno));
	closedir(d);
	return rmdir(path);
}

/* After telldir and seekdir the same entry comes again. */
static int seekdir_(const char *path)
{
	char third[256] = "";
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	readdir(d);
	readdir(d);
	long at = telldir(d);
	struct dirent *e = readdir(d);
	need(e != NULL, "third entry");
	strcpy(third, e->d_name);
	while (readdir(d)) {}
	seekdir(d, at);
	e = readdir(d);
	if (e == NULL || strcmp(e->d_name, third) != 0)
		fail("%s after seekdir, not %s", e ? e->d_name : "nothing", third);
	return closedir(d);
}

/* After rewinddir an entry that is new is there, and all others. */
static int rewind_(const char *path)
{
	char name[PATH_MAX];
	int before = 0, after = 0, found = 0;
	struct dirent *e;
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	while (readdir(d))
		before++;
	snprintf(name, sizeof name, "%s/added", path);
	need(close(open(name, O_CREAT | O_WRONLY, 0644)) == 0, "add");
	rewinddir(d);
	for (; (e = readdir(d)); after++)
		found += strcmp(e->d_name, "added") == 0;
	if (found != 1 || after != before + 1)
		fail("found %d, %d entries before, %d after", found, before, after);
	return closedir(d);
}

/* A directory that is removed while it is open reads as empty. */
static int empty(const char *path)
{
	DIR *d = opendir(path);
	if (d == NULL || rmdir(path) < 0)
		return -1;
	rewinddir(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			fail("%s is there", e->d_name);
	return closedir(d);
}

/* n directories in each other with names of that length, a file at the bottom; made, read and removed. */
static int deep(int n, int length)
{
	char name[256];
	memset(name, 'd', sizeof name);
	name[length] = 0;
	for (int i = 0; i < n; i++)
		need(mkdir(name, 0755) == 0 && chdir(name) == 0, "down");
	int fd = open("bottom", O_RDWR | O_CREAT | O_EXCL, 0644);
	need(fd >= 0 && all(fd, "deep", -1) == 0 && reads(fd, "deep", 0) == 0 && close(fd) == 0, "bottom");
	need(unlink("bottom") == 0, "unlink");
	for (int i = 0; i < n; i++)
		need(chdir("..") == 0 && rmdir(name) == 0, "up");
	return 0;
}

/* n children at once, each given its number; how many returned 0. Any other result than 0 or 1 is a failure. */
static int crowd(int n, int (*f)(int i, void *arg), void *arg)
{
	int gate[2], won = 0, status;
	need(pipe(gate) == 0, "pipe");
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		need(pid >= 0, "fork");
		if (pid > 0)
			continue;
		char c;
		close(gate[1]);
		if (read(gate[0], &c, 1) < 0)
			_exit(2);
		_exit(f(i, arg));
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < n; i++) {
		need(wait(&status) > 0, "wait");
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
			fail("a child ended with %x", status);
		won += WEXITSTATUS(status) == 0;
	}
	return won;
}

struct making { const char *path; int n; };

/* Every eighth of the names, from the i-th. */
static int maker(int i, void *arg)
{
	struct making *m = arg;
	char name[PATH_MAX];
	for (int k = i; k < m->n; k += 8) {
		snprintf(name, sizeof name, "%s/entry-%d", m->path, k);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		if (fd < 0 || close(fd) < 0)
			return 2;
	}
	return 0;
}

/* A directory of n files, made by eight processes at once. */
static int many(const char *path, int n)
{
	struct making m = {path, n};
	if (mkdir(path, 0755) < 0)
		return -1;
	return crowd(8, maker, &m) == 8 ? 0 : -1;
}

struct race { const char *what, *paths[2]; };

/* 0: won; 1: lost in the way one loses. */
static int racer(int i, void *arg)
{
	struct race *r = arg;
	const char *path = r->paths[i & 1];
	char mine[PATH_MAX];
	snprintf(mine, sizeof mine, "%s-%d", path, i);
	int ok, lost = EEXIST;
	switch (r->what[0]) {
	case 'c': ok = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644) >= 0; break;
	case 'm': ok = mkdir(path, 0755) == 0; break;
	case 'l': ok = link(mine, path) == 0; break;
	case 'r': ok = rename(path, mine) == 0; lost = ENOENT; break;
	default: ok = unlink(path) == 0; lost = ENOENT; break;
	}
	if (ok || errno == lost)
		return !ok;
	printf("racer %d: %s ", i, strerrorname_np(errno));
	fflush(stdout);
	return 2;
}

static int race(int n, int rounds, const char *what, const char *a, const char *b)
{
	char path[2][PATH_MAX], mine[PATH_MAX + 16];
	struct race r = {what, {path[0], path[1]}};
	for (int k = 0; k < rounds; k++) {
		snprintf(path[0], sizeof path[0], "%s.%d", a, k);
		snprintf(path[1], sizeof path[1], "%s.%d", b, k);
		for (int i = 0; what[0] == 'l' && i < n; i++) {
			snprintf(mine, sizeof mine, "%s-%d", path[i & 1], i);
			need(close(open(mine, O_CREAT | O_WRONLY, 0644)) == 0, mine);
		}
		if (what[0] == 'r' || what[0] == 'u')
			need(close(open(path[0], O_CREAT | O_WRONLY, 0644)) == 0, path[0]);
		int won = crowd(n, racer, &r);
		if (won != 1)
			fail("%d winners in round %d", won, k);
	}
	return 0;
}

struct appending { int records; const char *paths[2]; };

static int appender(int i, void *arg)
{
	struct appending *a = arg;
	char record[32];
	int fd = open(a->paths[i & 1], O_WRONLY | O_APPEND);
	if (fd < 0)
		return 2;
	for (int k = 0; k < a->records; k++) {
		snprintf(record, sizeof record, "writer %03d record %05d\n", i, k);
		if (write(fd, record, 24) != 24)
			return 2;
	}
	return close(fd) < 0 ? 2 : 0;
}

/* Each of n writers appends that many records of 24 bytes; all are there, whole, a writer's in order. */
static int appenders(int n, int records, const char *p, const char *q)
{
	struct appending a = {records, {p, q}};
	int last[16] = {0}, i, k;
	need(close(open(p, O_CREAT | O_EXCL | O_WRONLY, 0644)) == 0, p);
	crowd(n, appender, &a);
	FILE *f = fopen(p, "r");
	need(f != NULL, p);
	int lines = 0;
	for (char line[64]; fgets(line, sizeof line, f); lines++)
		if (strlen(line) != 24 || sscanf(line, "writer %d record %d\n", &i, &k) != 2 || last[i & 15]++ != k)
			fail("line %d is %s", lines, line);
	if (lines != n * records)
		fail("%d lines", lines);
	return fclose(f);
}

struct churning { int rounds; const char *path; };

/* Makes, writes, renames, reads and removes a file of its own, over and over. */
static int churner(int i, void *arg)
{
	struct churning *c = arg;
	char a[PATH_MAX], b[PATH_MAX], text[32], got[32];
	snprintf(a, sizeof a, "%s-%d-a", c->path, i);
	snprintf(b, sizeof b, "%s-%d-b", c->path, i);
	for (int k = 0; k < c->rounds; k++) {
		int n = snprintf(text, sizeof text, "%d of %d", k, i);
		int fd = open(a, O_RDWR | O_CREAT | O_EXCL, 0644);
		if (fd < 0 || write(fd, text, n) != n || rename(a, b) < 0 || pread(fd, got, sizeof got, 0) != n || memcmp(text, got, n) != 0 ||
		    close(fd) < 0 || unlink(b) < 0) {
			printf("%d in round %d: %s ", i, k, strerrorname_np(errno));
			fflush(stdout);
			return 2;
		}
	}
	return 0;
}

static int churn(int n, int rounds, const char *path)
{
	struct churning c = {rounds, path};
	return crowd(n, churner, &c) == n ? 0 : -1;
}

static int readlink_(const char *path, const char *text)
{
	char buf[PATH_MAX + 1];
	ssize_t r = readlink(path, buf, sizeof buf);
	if (r < 0)
		return -1;
	if ((size_t)r != strlen(text) || memcmp(buf, text, r) != 0)
		fail("target is %.*s", (int)r, buf);
	return 0;
}

static int access_(const char *path, const char *how)
{
	return access(path, (strchr(how, 'r') ? R_OK : 0) | (strchr(how, 'w') ? W_OK : 0) | (strchr(how, 'x') ? X_OK : 0));
}

/* The call w[0] with its n - 1 arguments: -1 and errno when it fails. */
static int call(char **w, int n)
{
	struct stat st;
	const char *name = w[0];
	char **a = w + 1;
	int args = n - 1;
#define IS(s, least) (strcmp(name, s) == 0 && (args >= (least) || (fail("wants %d arguments", least), 0)))
	if (IS("open", 3)) return (*slot(a[0]) = open(a[1], flags_of(a[2]), args > 3 ? octal(a[3]) : 0644));
	if (IS("close", 1)) return close(*slot(a[0]));
	if (IS("write", 2)) return all(*slot(a[0]), a[1], -1);
	if (IS("pwrite", 3)) return all(*slot(a[0]), a[2], number(a[1]));
	if (IS("read", 2)) return reads(*slot(a[0]), a[1], -1);
	if (IS("pread", 3)) return reads(*slot(a[0]), a[2], number(a[1]));
	if (IS("zeros", 3)) return zeros(*slot(a[0]), number(a[1]), number(a[2]));
	if (IS("eof", 2)) { char c; ssize_t r = pread(*slot(a[0]), &c, 1, number(a[1])); if (r > 0) fail("read %d", c); return r; }
	if (IS("seek", 3)) return lseek(*slot(a[0]), number(a[1]), a[2][0] == 's' ? SEEK_SET : a[2][0] == 'c' ? SEEK_CUR : SEEK_END) < 0 ? -1 : 0;
	if (IS("fsync", 1)) return fsync(*slot(a[0]));
	if (IS("fdatasync", 1)) return fdatasync(*slot(a[0]));
	if (IS("trunc", 2)) return truncate(a[0], number(a[1]));
	if (IS("ftrunc", 2)) return ftruncate(*slot(a[0]), number(a[1]));
	if (IS("fill", 2)) return pattern(a[0], number(a[1]), 0);
	if (IS("verify", 2)) return pattern(a[0], number(a[1]), 1);
	if (IS("unlink", 1)) return unlink(a[0]);
	if (IS("rmdir", 1)) return rmdir(a[0]);
	if (IS("mkdir", 1)) return mkdir(a[0], args > 1 ? octal(a[1]) : 0755);
	if (IS("rename", 2)) return rename(a[0], a[1]);
	if (IS("link", 2)) return link(a[0], a[1]);
	if (IS("symlink", 2)) return symlink(a[0], a[1]);
	if (IS("readlink", 2)) return readlink_(a[0], a[1]);
	if (IS("mknod", 3)) return makenode(a, args);
	if (IS("chdir", 1)) return chdir(a[0]);
	if (IS("stat", 1) || IS("lstat", 1) || IS("fstat", 1)) {
		int r = name[0] == 's' ? stat(a[0], &st) : name[0] == 'l' ? lstat(a[0], &st) : fstat(*slot(a[0]), &st);
		if (r == 0) check(&st, a + 1, args - 1);
		return r;
	}
	if (IS("chmod", 2)) return chmod(a[0], octal(a[1]));
	if (IS("fchmod", 2)) return fchmod(*slot(a[0]), octal(a[1]));
	if (IS("chown", 3)) return chown(a[0], number(a[1]), number(a[2]));
	if (IS("lchown", 3)) return lchown(a[0], number(a[1]), number(a[2]));
	if (IS("utimes", 3)) return utimes_(AT_FDCWD, a[0], a[1], a[2], 0);
	if (IS("lutimes", 3)) return utimes_(AT_FDCWD, a[0], a[1], a[2], AT_SYMLINK_NOFOLLOW);
	if (IS("futimes", 3)) return utimes_(*slot(a[0]), NULL, a[1], a[2], 0);
	if (IS("access", 2)) return access_(a[0], a[1]);
	if (IS("statfs", 1)) return statfs_(a[0], a + 1, args - 1);
	if (IS("keep", 1)) return stat(a[0], &kept);
	if (IS("since", 3)) return since(a[0], a[1], a[2]);
	if (IS("same", 2)) return same(a[0], a[1], 1);
	if (IS("other", 2)) return same(a[0], a[1], 0);
	if (IS("umask", 1)) return umask(octal(a[0])) & 0;
	if (IS("as", 1)) return as(a, args);
	if (IS("lock", 4)) return lock(a, F_SETLK);
	if (IS("lockw", 4)) return lock(a, F_SETLKW);
	if (IS("getlock", 5)) return lock(a, F_GETLK);
	if (IS("flock", 2)) return flock_(a, 0);
	if (IS("flockw", 2)) return flock_(a, 1);
	if (IS("setx", 3)) return lsetxattr(a[0], a[1], a[2], strlen(a[2]), args < 4 ? 0 : a[3][0] == 'c' ? XATTR_CREATE : XATTR_REPLACE);
	if (IS("getx", 3)) return getx(a[0], a[1], a[2]);
	if (IS("listx", 2)) return listx(a[0], number(a[1]));
	if (IS("rmx", 2)) return lremovexattr(a[0], a[1]);
	if (IS("bigx", 3)) return bigx(a[0], a[1], number(a[2]));
	if (IS("map", 4)) return map(*slot(a[0]), number(a[1]), a[2][0] == 'p' ? MAP_PRIVATE : MAP_SHARED, a[3], 0);
	if (IS("mapw", 3)) return map(*slot(a[0]), number(a[1]), MAP_SHARED, a[2], 1);
	if (IS("many", 2)) return many(a[0], number(a[1]));
	if (IS("list", 2)) return list(a[0], number(a[1]));
	if (IS("listtypes", 1)) return listtypes(a[0]);
	if (IS("drain", 1)) return drain(a[0]);
	if (IS("dots", 1)) return dots(a[0]);
	if (IS("rewind", 1)) return rewind_(a[0]);
	if (IS("seekdir", 1)) return seekdir_(a[0]);
	if (IS("empty", 1)) return empty(a[0]);
	if (IS("deep", 2)) return deep(number(a[0]), number(a[1]));
	if (IS("race", 5)) return race(number(a[0]), number(a[1]), a[2], a[3], a[4]);
	if (IS("appenders", 4)) return appenders(number(a[0]), number(a[1]), a[2], a[3]);
	if (IS("churn", 3)) return churn(number(a[0]), number(a[1]), a[2]);
	if (IS("sleep", 1)) return usleep(number(a[0]) * 1000);
	if (IS("tell", 0)) return write(to, "", 1) == 1 ? 0 : -1;
	if (IS("hear", 0)) { char c; if (read(from, &c, 1) != 1) fail("nobody tells"); return 0; }
	if (IS("kill", 0)) return kill(child, SIGKILL) < 0 || waitpid(child, NULL, 0) < 0 ? -1 : 0;
	if (IS("waiting", 0)) { usleep(200000); return waitpid(child, NULL, WNOHANG) == 0 ? 0 : (fail("it has ended"), -1); }
	if (IS("wait", 0)) {
		int status;
		if (waitpid(child, &status, 0) < 0) return -1;
		if (status != 0) fail("the child ended with %x", status);
		return 0;
	}
	fail("unknown call");
	return -1;
}

static void calls(char **w, int n);

/* One call of the list, and what it must answer. */
static void one(char **w, int n)
{
	now = w;
	nnow = n;
	const char *want = w[0][0] == '!' ? w[0] + 1 : NULL;
	if (want) {
		w++;
		n--;
	}
	int r = call(w, n);
	const char *got = r < 0 ? strerrorname_np(errno) : NULL;
	if (want && got == NULL)
		fail("succeeded");
	if (want ? strcmp(want, got) != 0 : got != NULL)
		fail("%s", got);
}

static void calls(char **w, int n)
{
	for (int i = 0; i < n;) {
		int end = i, depth = 0;
		while (end < n && (depth > 0 || strcmp(w[end], ",") != 0)) {
			depth += (strcmp(w[end], "{") == 0) - (strcmp(w[end], "}") == 0);
			end++;
		}
		if (strcmp(w[i], "fork") == 0 || strcmp(w[i], "bg") == 0) {
			int down[2], up[2];
			need(pipe2(down, O_CLOEXEC) == 0 && pipe2(up, O_CLOEXEC) == 0 && (child = fork()) >= 0, "fork");
			int *mine = child ? down : up, *other = child ? up : down;
			to = mine[1];
			from = other[0];
			close(mine[0]);
			close(other[1]);
			if (child == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				calls(w + i + 2, end - i - 3);
				_exit(0);
			}
			if (w[i][0] == 'f')
				one((char *[]){"wait"}, 1);
		} else
			one(w + i, end - i);
		i = end + 1;
	}
}

int main(int argc, char **argv)
{
	alarm(200);
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	calls(argv + 1, argc - 1);
	return 0;
}

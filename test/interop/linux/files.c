/* Calls on files: what they give and what they say is wrong. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static int line;
#define T(e) do { errno = 0; long r_ = (long)(e); printf("%d: %s = %ld%s%s\n", ++line, #e, r_, r_ == -1 ? " " : "", r_ == -1 ? strerrorname(errno) : ""); } while (0)

static const char *strerrorname(int e) {
  static char buf[32];
  snprintf(buf, sizeof buf, "errno %d", e);
  return buf;
}

static int byname(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

int main(void) {
  struct stat st;
  char buf[64];
  umask(022);
  T(mkdir("fdir", 0777));
  T(mkdir("fdir", 0777));
  T(mkdir("fdir/none/x", 0777));
  T(mkdir("", 0777));
  T(mkdir(".", 0777));
  T(mkdir("/", 0777));
  T(mkdir("text/x", 0777));
  T(mkdir((char *)-1L, 0777));
  T(chdir("fdir"));
  int fd;
  T(fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0666));
  T(open("f", O_RDWR | O_CREAT | O_EXCL, 0666));
  T(open("none", O_RDONLY));
  T(open("f/x", O_RDONLY));
  T(open(".", O_WRONLY));
  T(open(".", O_RDWR | O_CREAT, 0600));
  T(open("f", O_RDONLY | O_DIRECTORY));
  T(open("", O_RDONLY));
  T(open(".", O_TMPFILE | O_RDWR, 0600) >= 0 ? 0 : 0);
  T(write(fd, "hello, world\n", 13));
  T(lseek(fd, 0, SEEK_CUR));
  T(lseek(fd, 7, SEEK_SET));
  T(read(fd, buf, 64));
  T(lseek(fd, -1, SEEK_SET));
  T(lseek(fd, 0, 9));
  T(lseek(fd, 100, SEEK_END));
  T(write(fd, "end", 3));
  T((fstat(fd, &st), st.st_size));
  T(pread(fd, buf, 5, 0));
  T(pread(fd, buf, 5, -1));
  T(pwrite(fd, "HELLO", 5, 0));
  T(lseek(fd, 0, SEEK_HOLE) > 0);
  T(lseek(fd, 1000, SEEK_DATA));
  T(ftruncate(fd, 20));
  T(ftruncate(fd, -1));
  T(truncate("f", 15));
  T(truncate("none", 15));
  T(truncate(".", 15));
  T((stat("f", &st), st.st_size));
  T(st.st_mode);
  T(st.st_nlink);
  T(link("f", "g"));
  T(link("f", "g"));
  T(link("none", "h"));
  T(link(".", "h"));
  T((stat("f", &st), st.st_nlink));
  T(symlink("f", "s"));
  T(symlink("f", "s"));
  T(symlink("", "t"));
  T(symlink("loop", "loop"));
  T(open("loop", O_RDONLY));
  T(open("s", O_RDONLY | O_NOFOLLOW));
  int p;
  T((p = open("s", O_PATH | O_NOFOLLOW)) >= 0);
  T(read(p, buf, 1));
  T((fstat(p, &st), S_ISLNK(st.st_mode)));
  T(readlinkat(p, "", buf, 64));
  T(close(p));
  T(readlink("s", buf, 64));
  T(readlink("f", buf, 64));
  T(readlink("s", buf, 0));
  T((lstat("s", &st), S_ISLNK(st.st_mode)));
  T((stat("s", &st), S_ISREG(st.st_mode)));
  T(rename("g", "moved"));
  T(rename("none", "x"));
  T(mkdir("sub", 0755));
  T(rename("moved", "sub"));
  T(rename("sub", "moved"));
  T(rename("sub", "sub/deeper"));
  T(syscall(SYS_renameat2, AT_FDCWD, "moved", AT_FDCWD, "f", RENAME_NOREPLACE));
  T(syscall(SYS_renameat2, AT_FDCWD, "moved", AT_FDCWD, "sub/m", RENAME_NOREPLACE));
  T(rmdir("sub"));
  T(rmdir("f"));
  T(rmdir("."));
  T(rmdir("none"));
  T(unlink("sub"));
  T(unlink("none"));
  T(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
  int dfd;
  T((dfd = open("sub", O_RDONLY | O_DIRECTORY)) >= 0);
  T(faccessat(dfd, "m", R_OK, 0));
  T(fstatat(dfd, "", &st, AT_EMPTY_PATH));
  T(fstatat(dfd, "", &st, 0));
  T(fstatat(fd, "x", &st, 0));
  T(fstatat(99, "x", &st, 0));
  T(fstatat(99, "/", &st, 0));
  T(openat(dfd, "new", O_CREAT | O_WRONLY, 0600) >= 0);
  T(unlinkat(dfd, "new", 0));
  T(unlinkat(dfd, "m", 0));
  T(fchdir(dfd));
  T(strcmp(getcwd(buf, 64) + strlen(getcwd(0, 0)) - 4, "/sub"));
  T(chdir(".."));
  T(chdir("f"));
  T(chdir("none"));
  T(getcwd(buf, 2) != 0);
  T(read(dfd, buf, 1));
  T(rmdir("sub"));
  T(close(dfd));
  T(close(dfd));
  T(chmod("f", 0640));
  T((stat("f", &st), st.st_mode));
  T(fchmod(fd, 0600));
  T(chmod("none", 0600));
  T(chown("f", -1, -1));
  T(lchown("s", 0, 0));
  struct timespec ts[2] = {{1000000000, 123456789}, {1100000000, 987000000}};
  T(utimensat(AT_FDCWD, "f", ts, 0));
  T((stat("f", &st), st.st_atim.tv_sec));
  T(st.st_mtim.tv_sec);
  T(st.st_mtim.tv_nsec / 1000000);
  ts[0].tv_nsec = UTIME_OMIT;
  ts[1].tv_nsec = 1000000000;
  T(utimensat(AT_FDCWD, "f", ts, 0));
  T(access("f", R_OK | W_OK));
  T(access("f", 77));
  T(access("none", F_OK));
  int ap;
  T((ap = open("f", O_WRONLY | O_APPEND)) >= 0);
  T(fcntl(ap, F_GETFL) & (O_APPEND | O_ACCMODE));
  T(write(ap, "tail", 4));
  T(lseek(ap, 0, SEEK_CUR));
  T(read(ap, buf, 1));
  T(fcntl(ap, F_GETFD));
  T(fcntl(ap, F_SETFD, FD_CLOEXEC));
  T(fcntl(ap, F_GETFD));
  T(fcntl(ap, F_DUPFD, 50));
  T(fcntl(50, F_GETFD));
  T(fcntl(ap, F_DUPFD, -1));
  T(dup2(ap, 60));
  T(dup2(ap, -1));
  T(dup2(99, 61));
  T(dup3(ap, ap, 0));
  T(dup3(ap, 62, O_CLOEXEC));
  T(fcntl(62, F_GETFD));
  T(fcntl(99, F_GETFD));
  struct flock fl = {F_WRLCK, SEEK_SET, 0, 10};
  T(fcntl(fd, F_SETLK, &fl));
  T(fcntl(fd, F_GETLK, &fl));
  T(fl.l_type == F_UNLCK);
  fl.l_whence = 9;
  T(fcntl(fd, F_SETLK, &fl));
  T(flock(fd, LOCK_EX));
  T(flock(fd, LOCK_UN));
  T(flock(fd, 77));
  struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  T(lseek(fd, 0, SEEK_SET));
  T(writev(fd, v, 3));
  T(writev(fd, v, -1));
  T(writev(fd, v, 2000));
  struct iovec r[2] = {{buf, 2}, {buf + 10, 20}};
  T(preadv(fd, r, 2, 1));
  T(memcmp(buf, "bc", 2));
  T(memcmp(buf + 10, "de", 2));
  T(read(fd, (void *)16, 4));
  T(write(fd, (void *)16, 4));
  T(read(99, buf, 1));
  T(write(99, buf, 1));
  int to;
  T((to = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600)) >= 0);
  off_t off = 2;
  T(sendfile(to, fd, &off, 100));
  T(off);
  off = 0;
  T(syscall(SYS_copy_file_range, fd, &off, to, 0, 5, 0));
  T((fstat(to, &st), st.st_size));
  T(fsync(to));
  T(fdatasync(to));
  T(fsync(99));
  T(fallocate(to, 0, 0, 100));
  T((fstat(to, &st), st.st_size));
  T(isatty(to));
  T(ioctl(to, TIOCGWINSZ, buf));
  int n = 0;
  T(ioctl(to, FIONREAD, &n) >= 0);
  int pi[2];
  T(pipe(pi));
  T(write(pi[1], "through", 7));
  T(read(pi[0], buf, 3));
  T(read(pi[0], buf, 30));
  T(read(pi[1], buf, 1));
  T(write(pi[0], buf, 1));
  T(lseek(pi[0], 0, SEEK_SET));
  T((fstat(pi[0], &st), S_ISFIFO(st.st_mode)));
  T(fcntl(pi[0], F_SETFL, O_NONBLOCK));
  T(read(pi[0], buf, 1));
  T(close(pi[1]));
  T(read(pi[0], buf, 1));
  T(pipe2(pi, 0x7));
  struct statfs sf;
  T(statfs("f", &sf));
  T(sf.f_namelen);
  T(statfs("none", &sf));
  char longname[300];
  memset(longname, 'x', 299);
  longname[299] = 0;
  T(open(longname, O_RDONLY));
  T(mkdir(longname, 0777));
  DIR *d = opendir(".");
  struct dirent *e;
  char *names[20];
  int count = 0;
  long places[20];
  while ((e = readdir(d)) && count < 20) {
    names[count++] = strdup(e->d_name);
    if (e->d_type == DT_DIR && e->d_name[0] != '.') puts("a directory");
    if (e->d_type == DT_LNK) puts("a link");
  }
  qsort(names, count, sizeof *names, byname);
  for (int k = 0; k < count; k++) puts(names[k]);
  rewinddir(d);
  int again = 0;
  while ((e = readdir(d))) places[again++] = telldir(d);
  T(again == count);
  seekdir(d, places[1]);
  n = 0;
  while (readdir(d)) n++;
  T(n == count - 2);
  closedir(d);
  for (int k = 0; k < count; k++) unlink(names[k]);
  T((fstat(fd, &st), st.st_nlink));
  T(chdir(".."));
  T(rmdir("fdir"));
  int nul = open("/dev/null", O_RDWR);
  T((fstat(nul, &st), S_ISCHR(st.st_mode)));
  T(read(nul, buf, 8));
  T(write(nul, buf, 8));
  int zero = open("/dev/zero", O_RDONLY);
  T(read(zero, buf, 8));
  T(buf[7]);
  int full = open("/dev/full", O_WRONLY);
  T(write(full, buf, 8));
  int self = open("/proc/self/cmdline", O_RDONLY);
  T(read(self, buf, 64) > 8);
  snprintf(buf, 64, "/proc/self/fd/%d", nul);
  char where[64];
  T(readlink(buf, where, 64));
  T(memcmp(where, "/dev/null", 9));
  return 0;
}

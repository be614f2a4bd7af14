/**
 * Names of Linux's calls on x86-64 by number, and what their arguments are, a letter each: how a call is
 * given them, and how a trace shows them (strace.ts). Pure data, from the kernel's table of calls.
 *
 *   i int   u unsigned   l long   n size   x flags   o mode   p pointer   f fd   F directory fd
 *   s path or text   b buffer the call reads, B buffer it fills; the size comes next
 *   O open flags   P protection   M map flags   S signal   a flags of the calls with a directory fd
 */

/** Where "@" stands, numbers go on from there. */
const TABLE = `
read:fBn write:fbn open:sOo close:f stat:sp fstat:fp lstat:sp poll:pui lseek:fli mmap:pnPMfl mprotect:pnP munmap:pn brk:p rt_sigaction:Sppn
rt_sigprocmask:ippn rt_sigreturn ioctl:fxp pread64:fBnl pwrite64:fbnl readv:fpi writev:fpi access:so pipe:p select:ipppp sched_yield mremap:pnnxp
msync:pnx mincore:pnp madvise:pni shmget shmat shmctl dup:f dup2:ff pause nanosleep:pp getitimer:ip alarm:u setitimer:ipp getpid sendfile:ffpn
socket:iii connect:fpu accept:fpp sendto:fbnxpu recvfrom:fBnxpp sendmsg recvmsg shutdown:fi bind:fpu listen:fi getsockname getpeername socketpair:iiip
setsockopt getsockopt clone:xpppp fork vfork execve:spp exit:i wait4:ipxp kill:iS uname:p semget semop semctl shmdt msgget msgsnd msgrcv msgctl
fcntl:fil flock:fi fsync:f fdatasync:f truncate:sl ftruncate:fl getdents:fpn getcwd:pn chdir:s fchdir:f rename:ss mkdir:so rmdir:s creat:so link:ss
unlink:s symlink:ss readlink:sBn chmod:so fchmod:fo chown:sii fchown:fii lchown:sii umask:o gettimeofday:pp getrlimit:ip getrusage:ip sysinfo:p
times:p ptrace getuid syslog:ipi getgid setuid:i setgid:i geteuid getegid setpgid:ii getppid getpgrp setsid setreuid:ii setregid:ii getgroups:ip
setgroups:ip setresuid:iii getresuid:ppp setresgid:iii getresgid:ppp getpgid:i setfsuid:i setfsgid:i getsid:i capget:pp capset:pp rt_sigpending:pn
rt_sigtimedwait:pppn rt_sigqueueinfo:iSp rt_sigsuspend:pn sigaltstack:pp utime:sp mknod:sox uselib personality:x ustat statfs:sp fstatfs:fp sysfs
getpriority:ii setpriority:iii sched_setparam:ip sched_getparam:ip sched_setscheduler:iip sched_getscheduler:i sched_get_priority_max:i
sched_get_priority_min:i sched_rr_get_interval:ip mlock:pn munlock:pn mlockall:x munlockall vhangup modify_ldt pivot_root _sysctl prctl:illll
arch_prctl:xp adjtimex setrlimit:ip chroot:s sync acct settimeofday mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm
create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg afs_syscall tuxcall security gettid
readahead:fln setxattr:sspnx lsetxattr:sspnx fsetxattr:fspnx getxattr:ssBn lgetxattr:ssBn fgetxattr:fsBn listxattr:sBn llistxattr:sBn flistxattr:fBn
removexattr:ss lremovexattr:ss fremovexattr:fs tkill:iS time:p futex:pixppx sched_setaffinity:inp sched_getaffinity:inp set_thread_area io_setup
io_destroy io_getevents io_submit io_cancel get_thread_area lookup_dcookie epoll_create epoll_ctl_old epoll_wait_old remap_file_pages getdents64:fpn
set_tid_address:p restart_syscall semtimedop fadvise64:flni timer_create:ipp timer_settime:ixpp timer_gettime:ip timer_getoverrun:i timer_delete:i
clock_settime:ip clock_gettime:ip clock_getres:ip clock_nanosleep:iipp exit_group:i epoll_wait:fpii epoll_ctl:fifp tgkill:iiS utimes:sp vserver mbind
set_mempolicy get_mempolicy mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid:iipxp add_key request_key keyctl
ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch migrate_pages openat:FsOo mkdirat:Fso mknodat:Fsox fchownat:Fsiia futimesat:Fsp
newfstatat:Fspa unlinkat:Fsa renameat:FsFs linkat:FsFsa symlinkat:sFs readlinkat:FsBn fchmodat:Fso faccessat:Fso pselect6:ippppp ppoll:puppn unshare
set_robust_list:pn get_robust_list:ipp splice:fpfpnx tee:ffnx sync_file_range:fllx vmsplice:fpnx move_pages utimensat:Fspa epoll_pwait:fpiipn
signalfd:fpn timerfd_create:ix eventfd:i fallocate:fill timerfd_settime timerfd_gettime accept4:fppx signalfd4:fpnx eventfd2:ux epoll_create1:x
dup3:ffx pipe2:px inotify_init1 preadv:fpill pwritev:fpill rt_tgsigqueueinfo:iiSp perf_event_open recvmmsg fanotify_init fanotify_mark prlimit64:iipp
name_to_handle_at open_by_handle_at clock_adjtime syncfs:f sendmmsg setns getcpu:pp process_vm_readv process_vm_writev kcmp finit_module sched_setattr
sched_getattr renameat2:FsFsx seccomp getrandom:Bnx memfd_create:sx kexec_file_load bpf execveat:Fsppx userfaultfd membarrier mlock2:pnx
copy_file_range:fpfpnx preadv2:fpillx pwritev2:fpillx pkey_mprotect pkey_alloc pkey_free statx:Fsaxp io_pgetevents rseq:pnxx @424 pidfd_send_signal
io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick pidfd_open clone3:pn close_range:uux openat2:Fspn
pidfd_getfd faccessat2:Fsoa process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self
memfd_secret process_mrelease futex_waitv set_mempolicy_home_node
`;

/** A call as it is known. */
export interface Named {
  readonly name: string;
  /** Letters as above; undefined when nothing is known of its arguments. */
  readonly args: string | undefined;
}

/** By number. */
export const NAMES: readonly (Named | undefined)[] = parse();

function parse(): (Named | undefined)[] {
  const all: (Named | undefined)[] = [];
  let n = 0;
  for (const word of TABLE.trim().split(/\s+/)) {
    if (word.startsWith("@")) n = Number(word.slice(1));
    else {
      const [name = "", args] = word.split(":");
      all[n++] = { name, args };
    }
  }
  return all;
}

/** The number of a call. */
export function numberOf(name: string): number {
  return NAMES.findIndex((x) => x?.name === name);
}

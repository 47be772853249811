#include "server/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* By name, because not every architecture has all of them; the others are skipped. */
static const char *const allowed[] = {
    /* files: fonts, certificates, resolv.conf, and the temporary ones of workbooks */
    "access", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
    "fallocate", "fchmod", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate",
    "getcwd", "getdents64", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat",
    "pread64", "preadv", "pwrite64", "pwritev", "read", "readahead", "readlink", "readlinkat",
    "readv", "rename", "renameat", "renameat2", "rmdir", "sendfile", "splice", "stat", "statfs",
    "statx", "umask", "unlink", "unlinkat", "write", "writev",
    /* sockets; new ones of the families below only, and none that listens */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair",
    /* waiting */
    "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "gettimeofday",
    "nanosleep", "pipe", "pipe2", "poll", "ppoll", "pselect6", "restart_syscall", "select", "time",
    "timerfd_create", "timerfd_gettime", "timerfd_settime", "times",
    /* memory */
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mmap", "mprotect",
    "mremap", "msync", "munlock", "munmap",
    /* threads and signals of this process */
    "exit", "exit_group", "futex", "futex_waitv", "get_mempolicy", "get_robust_list", "gettid",
    "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_yield", "set_robust_list",
    "set_tid_address", "sigaltstack", "getpriority",
    /* who and where we are */
    "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid",
    "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getuid", "sysinfo", "uname"};

/* What only an intruder would want: not answered with an error to work around. Nothing that a
 * library merely tries (links for locks, keys of the kernel) stands here. */
static const char *const hostile[] = {"execve",
                                      "execveat",
                                      "fork",
                                      "vfork",
                                      "ptrace",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "pidfd_getfd",
                                      "kcmp",
                                      "listen",
                                      "mount",
                                      "move_mount",
                                      "umount2",
                                      "pivot_root",
                                      "chroot",
                                      "setns",
                                      "unshare",
                                      "setuid",
                                      "setgid",
                                      "setreuid",
                                      "setregid",
                                      "setresuid",
                                      "setresgid",
                                      "setgroups",
                                      "capset",
                                      "bpf",
                                      "perf_event_open",
                                      "userfaultfd",
                                      "mknod",
                                      "mknodat",
                                      "init_module",
                                      "finit_module",
                                      "kexec_load",
                                      "reboot",
                                      "swapon"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static int add(scmp_filter_ctx filter, uint32_t action, const char *name,
               struct scmp_arg_cmp condition) {
    int call = seccomp_syscall_resolve_name(name);
    return call == __NR_SCMP_ERROR ? 0
                                   : seccomp_rule_add_array(filter, action, call, 1, &condition);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        int result =
            call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(filter, action, call, 0, NULL);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Calls of which only some uses are allowed. */
static int add_conditions(scmp_filter_ctx filter) {
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const unsigned long requests[] = {FIONBIO, FIONREAD, FIOCLEX, TCGETS};
    int result = 0;
    for (size_t i = 0; result == 0 && i < COUNT(families); i++)
        result = add(filter, SCMP_ACT_ALLOW, "socket",
                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
    for (size_t i = 0; result == 0 && i < COUNT(requests); i++)
        result = add(filter, SCMP_ACT_ALLOW, "ioctl", SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
    /* A thread, never a process. clone3 cannot be looked into: the C library does without it. */
    if (result == 0)
        result = add(filter, SCMP_ACT_ALLOW, "clone",
                     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (result == 0)
        result = add(filter, SCMP_ACT_ALLOW, "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
    /* To look at our own limits, not at others'. */
    if (result == 0)
        result = add(filter, SCMP_ACT_ALLOW, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0));
    /* abort() */
    if (result == 0)
        result =
            add(filter, SCMP_ACT_ALLOW, "tgkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return result;
}

static int load(scmp_filter_ctx filter, enum sandbox_mode mode) {
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    if (result == 0 && mode == SANDBOX_KILL)
        result = add_all(filter, SCMP_ACT_KILL_PROCESS, hostile, COUNT(hostile));
    if (result == 0)
        result = add_conditions(filter);
    return result == 0 ? seccomp_load(filter) : result;
}

bool sandbox_enter(enum sandbox_mode mode, char **error) {
    if (mode == SANDBOX_OFF)
        return true;
    scmp_filter_ctx filter =
        seccomp_init(mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS));
    int result = filter ? load(filter, mode) : -ENOMEM;
    seccomp_release(filter);
    if (result < 0 && asprintf(error, "seccomp: %s", strerror(-result)) < 0)
        abort();
    return result == 0;
}

bool sandbox_fits(void) {
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
    return false;
#else
    return true;
#endif
}

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apps/process/hardening.h"

// A list of what is refused rather than of what is allowed: libraries and kernels bring new harmless calls with every
// release, and a gateway that dies in one of them at night helps nobody. What turns a hijacked worker into a foothold
// is a short list: other programs, other processes, other namespaces, the kernel's insides.

namespace sluice::process {
namespace {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;  // they trace themselves and start a symbolizer
#else
constexpr bool kSanitized = false;
#endif

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

#if defined(__x86_64__)
constexpr std::uint32_t kForks[] = {SYS_fork, SYS_vfork};
#endif

/// Nothing but an intruder asks for these.
constexpr std::uint32_t kDeadly[] = {SYS_execve, SYS_execveat};

constexpr std::uint32_t kRefused[] = {
    // other processes
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd, SYS_process_madvise,
    // file systems and namespaces
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig,
    SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_unshare, SYS_setns, SYS_name_to_handle_at, SYS_open_by_handle_at,
    SYS_quotactl, SYS_swapon, SYS_swapoff, SYS_mknodat,
    // the kernel's insides
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_syslog, SYS_acct, SYS_add_key,
    SYS_request_key, SYS_keyctl, SYS_personality, SYS_lookup_dcookie, SYS_nfsservctl, SYS_vhangup,
#if defined(__x86_64__)
    SYS_kexec_file_load, SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_mknod, SYS_uselib, SYS_sysfs, SYS_ustat,
#endif
    // the machine's clock and name
    SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname,
    // who we are: that has been settled
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_setfsuid,
    SYS_setfsgid, SYS_capset};

#define SECCOMP_FIELD(name) static_cast<std::uint32_t>(offsetof(seccomp_data, name))

class Program {
 public:
  void load(std::uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset); }
  void answer(std::uint32_t action) { add(BPF_RET | BPF_K, action); }
  /// The next instruction is skipped unless the accumulator equals `value`.
  void when_equal(std::uint32_t value) { add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }
  void when_not_equal(std::uint32_t value) { add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0); }
  void when_no_bit_of(std::uint32_t mask) { add(BPF_JMP | BPF_JSET | BPF_K, mask, 1, 0); }
  void when_at_least(std::uint32_t value) { add(BPF_JMP | BPF_JGE | BPF_K, value, 0, 1); }
  /// The next `count` instructions are skipped unless the accumulator equals `value`.
  void skip_unless_equal(std::uint32_t value, std::uint8_t count) { add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count); }

  [[nodiscard]] sock_fprog view() { return {static_cast<unsigned short>(instructions_.size()), instructions_.data()}; }

 private:
  void add(int code, std::uint32_t value, std::uint8_t yes = 0, std::uint8_t no = 0) {
    instructions_.push_back({static_cast<std::uint16_t>(code), yes, no, value});
  }
  std::vector<sock_filter> instructions_;
};

Program make_program() {
  constexpr std::uint32_t kEperm = SECCOMP_RET_ERRNO | EPERM;
  Program program;
  program.load(SECCOMP_FIELD(arch));
  program.when_not_equal(kArchitecture);
  program.answer(SECCOMP_RET_KILL_PROCESS);
  program.load(SECCOMP_FIELD(nr));
#if defined(__x86_64__)
  program.when_at_least(0x40000000);  // the x32 numbers would be a way around the list
  program.answer(SECCOMP_RET_KILL_PROCESS);
#endif
  for (std::uint32_t number : kDeadly) {
    program.when_equal(number);
    program.answer(SECCOMP_RET_KILL_PROCESS);
  }
  for (std::uint32_t number : kRefused) {
    program.when_equal(number);
    program.answer(kEperm);
  }
#if defined(__x86_64__)
  for (std::uint32_t number : kForks) {
    program.when_equal(number);
    program.answer(kEperm);
  }
#endif
  // Threads are welcome, processes are not. clone3 hides its flags in memory; the C library then uses clone.
  program.when_equal(SYS_clone3);
  program.answer(SECCOMP_RET_ERRNO | ENOSYS);
  program.skip_unless_equal(SYS_clone, 3);
  program.load(SECCOMP_FIELD(args));
  program.when_no_bit_of(CLONE_THREAD);
  program.answer(kEperm);
  program.answer(SECCOMP_RET_ALLOW);
  return program;
}

}  // namespace

Result<> refuse_system_calls() {
  if (kSanitized) return fail(Errc::Unsupported, "not in a build with sanitizers", Blame::System);
  if (kArchitecture == 0) return fail(Errc::Unsupported, "no filter for this processor", Blame::System);
  Program program = make_program();
  sock_fprog filter = program.view();
  // SPEC_ALLOW: the filter is no sandbox for foreign code, and the mitigation that it would switch on in older kernels
  // slows every request down.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &filter) != 0) {
    return fail(Errc::Unsupported, std::string("seccomp: ") + std::strerror(errno), Blame::System);
  }
  return {};
}

}  // namespace sluice::process

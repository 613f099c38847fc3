// SPDX-License-Identifier: Apache-2.0
#include "apps/process/hardening.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

namespace sluice::process {
namespace {

auto failed(const char* call) {
  return fail(Errc::Unsupported, std::string(call) + ": " + std::strerror(errno), Blame::System);
}

Result<> drop_capabilities() {
  // The bounding set takes CAP_SETPCAP to shrink; without it nothing can be gained through exec anyway.
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability) != 0 && errno != EPERM) return failed("PR_CAPBSET_DROP");
  }
  drop_ambient_capabilities();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
  const bool known = ::syscall(SYS_capget, &header, held.data()) == 0;
  const bool any = std::ranges::any_of(held, [](const auto& set) { return (set.permitted | set.inheritable) != 0; });
  if (known && !any) return {};  // as an ordinary user; a service manager may refuse the call below
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return failed("capset");
  return {};
}

/// No core file, and no other process of the same user may read our memory: keys and credentials are in it.
Result<> hide_memory() {
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return failed("PR_SET_DUMPABLE");
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0) return {};
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0 ? Result<>{} : failed("RLIMIT_CORE");
}

Result<> refuse_new_privileges() {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? Result<>{} : failed("PR_SET_NO_NEW_PRIVS");
}

void note(const char* what, const Result<>& done) {
  if (!done) log::info("hardening.unavailable", {{"what", what}, {"error", done.error()}});
}

}  // namespace

void drop_ambient_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void harden(const Hardening& hardening) {
  if (hardening.no_new_privileges) note("no_new_privileges", refuse_new_privileges());
  if (hardening.drop_capabilities) note("drop_capabilities", drop_capabilities());
  if (!hardening.core_dumps) note("core_dumps", hide_memory());
  if (hardening.landlock) note("landlock", confine_to_files(hardening.files));
  if (hardening.seccomp) note("seccomp", refuse_system_calls());
}

}  // namespace sluice::process

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "net/dns/answer.h"
#include "net/dns/channel.h"
#include "net/dns/hosts_file.h"
#include "rt/clock.h"
#include "rt/reactor.h"
#include "rt/scope.h"
#include "rt/task.h"

namespace sluice::net::dns {

struct Settings {
  ChannelSettings channel;
  std::string hosts_file = "/etc/hosts";           // empty: none
  std::optional<std::vector<std::string>> search;  // unset: that of resolv.conf
  std::optional<int> ndots;                        // likewise
  /// The first type that exists is the answer. What SRV records name is looked up in turn.
  std::vector<RecordType> order = {RecordType::A, RecordType::Aaaa};
  /// Once an address is known, those of the other family are sought too, behind the caller's back. RFC 8305.
  bool both_families = false;
  bool last_first = true;                   // before that order, the type that answered for the name before
  bool share_questions = true;              // false: each who has to wait has a question of their own sent
  std::optional<std::int64_t> valid_ttl_s;  // instead of the records' own
  std::int64_t stale_ttl_s = 3600;          // how long an expired answer serves while a new one is sought
  std::int64_t not_found_ttl_s = 30;
  std::int64_t error_ttl_s = 1;
  std::size_t cache_size = 10'000;
};

/// Resolves names and remembers the answers. One question is asked at a time for each name, whoever waits for it,
/// unless the settings want one for each; then the first answer serves all. An
/// expired answer goes on serving while a new one is sought, and while the servers fail, for `stale_ttl_s`; an answer
/// with a TTL of zero serves the ones who waited for it, and then only if the servers fail.
///
/// Belongs to the reactor's thread; tasks of resolve() must be gone before it.
class Resolver {
 public:
  static Result<std::unique_ptr<Resolver>> open(rt::Reactor& reactor, Settings settings);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  /// For the hot path: what is known now, else null (then resolve()). Starts to renew an expired answer. Lives until
  /// the caller suspends or asks again. `name` may be an address.
  const Answer* lookup(std::string_view name);

  /// Errors blame the upstream: NotFound (no such name, or no address), Timeout (the deadline's or the servers'),
  /// Unavailable (no server gave an answer), Invalid (cannot be a name). Nothing was sent: Retry::Safe.
  Task<Result<AnswerPtr>> resolve(std::string name, rt::Deadline deadline);

  [[nodiscard]] bool seeks_both_families() const { return settings_.both_families; }

  struct Stats {
    std::uint64_t hits = 0;
    std::uint64_t stale_hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t queries = 0;
    std::uint64_t failures = 0;
    std::size_t cached = 0;
  };
  /// Readable from any thread.
  [[nodiscard]] Stats stats() const;

 private:
  struct Entry;
  class Waiter;
  using Outcome = Result<AnswerPtr>;
  using Entries = std::unordered_map<std::string, Entry, IHash, IEqual>;

  Resolver(rt::Reactor& reactor, Settings settings);
  Entry& entry_for(std::string_view name);
  void answer_without_asking(Entry& entry);
  void make_room();
  std::optional<Outcome> known(Entry& entry);
  void ask(Entry& entry);
  Task<void> ask_servers(std::string name);
  Task<Reply> search_for(std::string name, std::optional<RecordType> last);
  Task<Reply> ask_each_type(std::string name, std::optional<RecordType> last);
  Task<Reply> find_hosts(Reply services);
  Task<void> find_other_family(std::string name, std::string asked, RecordType known);
  static void bump(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }
  Task<Outcome> wait_for(std::string name, rt::Deadline deadline);
  void settle(const std::string& name, Reply reply);
  [[nodiscard]] Outcome to_outcome(const std::string& name, Reply reply);
  [[nodiscard]] std::vector<std::string> candidates(const std::string& name) const;
  [[nodiscard]] std::int64_t now_ms() const { return reactor_.clock().mono_ms(); }

  rt::Reactor& reactor_;
  Settings settings_;
  HostsFile hosts_;
  std::unique_ptr<Channel> channel_;
  std::vector<std::string> search_;
  int ndots_ = 1;
  std::list<Entry*> by_use_;  // the most recently used first
  Entries entries_;
  struct Counters {
    std::atomic<std::uint64_t> hits, stale_hits, misses, queries, failures, cached;
  };
  Counters counters_{};
  rt::TaskScope questions_;
};

}  // namespace sluice::net::dns

// SPDX-License-Identifier: Apache-2.0
#include "net/dns/resolver.h"

#include <algorithm>
#include <coroutine>
#include <utility>

#include "base/assert.h"
#include "net/dns/end_of_turn.h"

namespace sluice::net::dns {
namespace {

constexpr std::size_t kMostHosts = 256;  // of one name's SRV records

}  // namespace

struct Resolver::Entry {
  const std::string* name = nullptr;  // the key in the map
  AnswerPtr answer;                   // the last good one
  std::optional<Error> error;         // what the last question came to, if it failed
  std::int64_t error_until_ms = 0;
  unsigned asking = 0;             // questions under way
  std::optional<RecordType> last;  // the type that answered before
  std::list<Waiter*> waiters;
  std::list<Entry*>::iterator use;

  [[nodiscard]] bool fresh(std::int64_t now) const { return answer && now < answer->expires_ms; }
  [[nodiscard]] bool usable(std::int64_t now, std::int64_t stale_ms) const {
    return answer && (answer->expires_ms == INT64_MAX || now < answer->expires_ms + stale_ms);
  }
};

/// co_await waits until the entry's question is answered, or the deadline.
class Resolver::Waiter final : private rt::Timer {
 public:
  Waiter(rt::Reactor& reactor, Entry& entry, rt::Deadline deadline)
      : reactor_(reactor), entry_(&entry), deadline_(deadline) {}
  ~Waiter() override {
    if (queued_) entry_->waiters.erase(place_);
    if (resuming_) reactor_.forget_resumption(caller_);
  }

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    place_ = entry_->waiters.insert(entry_->waiters.end(), this);
    queued_ = true;
    if (deadline_ != rt::Deadline::never()) reactor_.timers().arm(*this, deadline_.at_ms);
  }
  Outcome await_resume() {
    resuming_ = false;
    return std::move(outcome_);
  }

  /// The entry has forgotten about this waiter already.
  void deliver(const Outcome& outcome) {
    queued_ = false;
    disarm();
    outcome_ = outcome;
    resuming_ = true;
    reactor_.resume_soon(caller_);
  }

 private:
  void expire() override {
    entry_->waiters.erase(place_);
    queued_ = false;
    outcome_ = fail(Errc::Timeout, "name resolution failed: timed out: " + *entry_->name, Blame::Upstream, Retry::Safe);
    caller_.resume();
  }

  rt::Reactor& reactor_;
  Entry* entry_;
  rt::Deadline deadline_;
  std::coroutine_handle<> caller_;
  std::list<Waiter*>::iterator place_;
  bool queued_ = false;
  bool resuming_ = false;
  Outcome outcome_ = AnswerPtr();
};

Result<std::unique_ptr<Resolver>> Resolver::open(rt::Reactor& reactor, Settings settings) {
  std::unique_ptr<Resolver> resolver(new Resolver(reactor, std::move(settings)));
  TRY(resolver->channel_, Channel::open(reactor, resolver->settings_.channel));
  resolver->search_ = resolver->settings_.search.value_or(resolver->channel_->search());
  resolver->ndots_ = resolver->settings_.ndots.value_or(resolver->channel_->ndots());
  return resolver;
}

Resolver::Resolver(rt::Reactor& reactor, Settings settings) : reactor_(reactor), settings_(std::move(settings)) {
  if (!settings_.hosts_file.empty()) hosts_ = HostsFile::load(settings_.hosts_file);
}

Resolver::~Resolver() = default;

const Answer* Resolver::lookup(std::string_view name) {
  Entry& entry = entry_for(name);
  auto outcome = known(entry);
  return outcome && *outcome ? entry.answer.get() : nullptr;
}

Task<Result<AnswerPtr>> Resolver::resolve(std::string name, rt::Deadline deadline) {
  Entry& entry = entry_for(name);
  if (auto outcome = known(entry)) return *std::move(outcome);
  bump(counters_.misses);
  return wait_for(std::move(name), deadline);
}

/// Looks again, since the task may be awaited long after it was made. The entry stays as long as somebody waits.
Task<Resolver::Outcome> Resolver::wait_for(std::string name, rt::Deadline deadline) {
  Entry& entry = entry_for(name);
  if (auto outcome = known(entry)) co_return *std::move(outcome);
  if (!settings_.share_questions && !entry.waiters.empty()) ask(entry);
  co_return co_await Waiter(reactor_, entry, deadline);
}

/// What can be said without waiting; starts a question where the answer is getting old.
std::optional<Resolver::Outcome> Resolver::known(Entry& entry) {
  const std::int64_t now = now_ms();
  const bool usable = entry.usable(now, settings_.stale_ttl_s * 1000);
  if (entry.fresh(now)) {
    bump(counters_.hits);
    return entry.answer;
  }
  if (entry.error && now < entry.error_until_ms) {
    if (!usable) return std::unexpected(*entry.error);
    bump(counters_.stale_hits);
    return entry.answer;
  }
  if (entry.asking == 0) ask(entry);
  if (!usable || entry.answer->ttl_ms == 0) return std::nullopt;
  bump(counters_.stale_hits);
  return entry.answer;
}

Resolver::Entry& Resolver::entry_for(std::string_view name) {
  if (auto found = entries_.find(name); found != entries_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second.use);
    return found->second;
  }
  make_room();
  auto [place, added] = entries_.try_emplace(std::string(name));
  counters_.cached.store(entries_.size(), std::memory_order_relaxed);
  Entry& entry = place->second;
  entry.name = &place->first;
  entry.use = by_use_.insert(by_use_.begin(), &entry);
  answer_without_asking(entry);
  return entry;
}

/// Addresses and the names of the hosts file.
void Resolver::answer_without_asking(Entry& entry) {
  auto answer = std::make_shared<Answer>();
  answer->ttl_ms = answer->expires_ms = INT64_MAX;
  if (auto ip = IpAddress::parse(*entry.name)) {
    answer->endpoints.push_back({*ip, 0, 0});
  } else {
    std::string name = to_lower(*entry.name);
    if (name.ends_with('.')) name.pop_back();
    const auto addresses = hosts_.find(name);
    for (RecordType type : settings_.order) {
      if (type == RecordType::Srv) continue;
      for (const IpAddress& address : addresses) {
        if (address.is_v4() != (type == RecordType::A)) continue;
        if (answer->endpoints.empty() || answer->type == type) {
          answer->type = type;
          answer->endpoints.push_back({address, 0, 0});
        } else if (settings_.both_families) {
          answer->others.push_back(address);
        }
      }
    }
  }
  if (!answer->endpoints.empty()) entry.answer = std::move(answer);
}

void Resolver::make_room() {
  auto place = by_use_.end();
  while (entries_.size() >= settings_.cache_size && place != by_use_.begin()) {
    Entry& entry = **--place;
    if (entry.asking > 0 || !entry.waiters.empty()) continue;
    place = by_use_.erase(place);
    entries_.erase(entries_.find(*entry.name));
  }
}

void Resolver::ask(Entry& entry) {
  ++entry.asking;
  questions_.spawn(ask_servers(*entry.name));
}

Task<void> Resolver::ask_servers(std::string name) {
  co_await EndOfTurn(reactor_);  // never settle inside known(): its caller is about to wait
  Reply reply = co_await search_for(name, entry_for(name).last);
  std::string asked = reply.name;
  const RecordType type = reply.type;
  const bool has_other = reply.status == Reply::Status::Answered && type != RecordType::Srv;
  settle(name, std::move(reply));
  if (settings_.both_families && has_other) co_await find_other_family(std::move(name), std::move(asked), type);
}

/// Nobody waits for this: that a family has no addresses, or no answer comes, is as good as the answer.
Task<void> Resolver::find_other_family(std::string name, std::string asked, RecordType known) {
  const RecordType other = known == RecordType::A ? RecordType::Aaaa : RecordType::A;
  if (std::ranges::find(settings_.order, other) == settings_.order.end()) co_return;
  bump(counters_.queries);
  const Reply reply = co_await channel_->query(std::move(asked), other);
  auto found = entries_.find(name);
  if (reply.status != Reply::Status::Answered || found == entries_.end() || !found->second.answer) co_return;
  auto answer = std::make_shared<Answer>(*found->second.answer);
  if (answer->type != known) co_return;
  answer->others.clear();
  for (const Endpoint& endpoint : reply.endpoints) answer->others.push_back(endpoint.ip);
  found->second.answer = std::move(answer);
}

/// Tries the name in its search domains. A server failure does not end the search, since some servers fail for domains
/// that they do not know; a timeout does, since the next one would be another.
Task<Reply> Resolver::search_for(std::string name, std::optional<RecordType> last) {
  std::optional<Reply> failure;
  Reply reply;
  for (const std::string& candidate : candidates(name)) {
    reply = co_await ask_each_type(candidate, last);
    reply.name = candidate;
    if (reply.status == Reply::Status::Answered || reply.status == Reply::Status::TimedOut) co_return reply;
    if (reply.status == Reply::Status::Failed && !failure) failure = reply;
  }
  co_return failure ? *std::move(failure) : reply;
}

Task<Reply> Resolver::ask_each_type(std::string name, std::optional<RecordType> last) {
  Reply reply;
  reply.status = Reply::Status::NoData;
  std::vector<RecordType> types = settings_.order;
  if (const auto place = last ? std::ranges::find(types, *last) : types.end(); place != types.end()) {
    std::rotate(types.begin(), place, std::next(place));
  }
  for (RecordType type : types) {
    bump(counters_.queries);
    reply = co_await channel_->query(name, type);
    if (type == RecordType::Srv && reply.status == Reply::Status::Answered)
      reply = co_await find_hosts(std::move(reply));
    // NXDOMAIN holds for every type; but some servers say so of SRV records alone, or fail.
    const bool go_on =
        reply.status == Reply::Status::NoData ||
        (type == RecordType::Srv && reply.status != Reply::Status::Answered && reply.status != Reply::Status::TimedOut);
    if (!go_on) break;
  }
  co_return reply;
}

/// The addresses of the hosts that SRV records name: of the first priority alone, RFC 2782. Each has the record's port
/// and weight; the answer is good for as long as its shortest-lived part.
Task<Reply> Resolver::find_hosts(Reply services) {
  Reply found;
  found.status = Reply::Status::NoData;
  found.type = RecordType::Srv;
  found.ttl_s = services.ttl_s;
  std::uint16_t first = UINT16_MAX;
  for (const ServiceRecord& record : services.services) first = std::min(first, record.priority);
  for (const ServiceRecord& record : services.services) {
    if (record.priority != first || record.host.empty() || found.endpoints.size() >= kMostHosts) continue;
    for (const RecordType type : settings_.order) {
      if (type == RecordType::Srv) continue;
      bump(counters_.queries);
      Reply addresses = co_await channel_->query(record.host, type);
      if (addresses.status == Reply::Status::NoData) continue;
      if (addresses.status != Reply::Status::Answered) break;
      found.status = Reply::Status::Answered;
      found.ttl_s = std::min(found.ttl_s, addresses.ttl_s);
      for (Endpoint& endpoint : addresses.endpoints) {
        found.endpoints.push_back({endpoint.ip, record.port, record.weight, record.host});
      }
      break;
    }
  }
  co_return found;
}

std::vector<std::string> Resolver::candidates(const std::string& name) const {
  if (name.ends_with('.')) return {name};
  std::vector<std::string> names;
  names.reserve(search_.size() + 1);
  for (const std::string& domain : search_) names.push_back(std::string(name).append(".").append(domain));
  const bool as_is_first = std::ranges::count(name, '.') >= ndots_;
  names.insert(as_is_first ? names.begin() : names.end(), name);
  return names;
}

Resolver::Outcome Resolver::to_outcome(const std::string& name, Reply reply) {
  auto failed = [&](Errc code, const std::string& why) {
    return fail(code, "name resolution failed: " + why + ": " + name, Blame::Upstream, Retry::Safe);
  };
  switch (reply.status) {
    case Reply::Status::Answered:
      break;
    case Reply::Status::NoData:
      return failed(Errc::NotFound, "no address");
    case Reply::Status::NoName:
      return failed(Errc::NotFound, "no such name");
    case Reply::Status::BadName:
      return failed(Errc::Invalid, "not a domain name");
    case Reply::Status::TimedOut:
      return failed(Errc::Timeout, "no answer from the name servers");
    case Reply::Status::Failed:
      return failed(Errc::Unavailable, reply.error);
  }
  auto answer = std::make_shared<Answer>();
  answer->endpoints = std::move(reply.endpoints);
  answer->type = reply.type;
  answer->ttl_ms = settings_.valid_ttl_s.value_or(reply.ttl_s) * 1000;
  answer->expires_ms = now_ms() + answer->ttl_ms;
  return answer;
}

void Resolver::settle(const std::string& name, Reply reply) {
  auto found = entries_.find(name);
  if (SLUICE_BUG(found == entries_.end())) return;  // entries with a question under way are not evicted
  Entry& entry = found->second;
  Outcome outcome = to_outcome(name, std::move(reply));
  --entry.asking;
  if (outcome) {
    entry.answer = *outcome;
    if (settings_.last_first) entry.last = entry.answer->type;
    entry.error.reset();
  } else {
    bump(counters_.failures);
    const bool certain = outcome.error().code == Errc::NotFound || outcome.error().code == Errc::Invalid;
    if (certain) entry.answer.reset();  // the name is gone; only a failure lets the old answer serve on
    entry.error = outcome.error();
    entry.error_until_ms = now_ms() + (certain ? settings_.not_found_ttl_s : settings_.error_ttl_s) * 1000;
    if (entry.usable(now_ms(), settings_.stale_ttl_s * 1000)) outcome = entry.answer;
  }
  for (Waiter* waiter : std::exchange(entry.waiters, {})) waiter->deliver(outcome);
}

Resolver::Stats Resolver::stats() const {
  const auto read = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  return {.hits = read(counters_.hits),
          .stale_hits = read(counters_.stale_hits),
          .misses = read(counters_.misses),
          .queries = read(counters_.queries),
          .failures = read(counters_.failures),
          .cached = static_cast<std::size_t>(read(counters_.cached))};
}

}  // namespace sluice::net::dns

// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/hub.h"

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "control/cluster/session.h"

namespace sluice::control::cluster {
namespace {

// A change is told to so many nodes before whoever else waits on this shard has its turn.
constexpr std::size_t kToldAtOnce = 128;
constexpr std::int64_t kWriteNodesMs = 10'000;
constexpr std::int64_t kReadNodesMs = 10'000;
constexpr std::string_view kNotes = "cluster_nodes/";

}  // namespace

Hub::Hub(const Uuid& control_plane, Parts parts, LinkTerms terms)
    : control_plane_(control_plane),
      parts_(std::move(parts)),
      terms_(terms),
      feed_(parts_.store, {.kong = terms.kong, .sluice = terms.sluice}),
      nodes_(feed_) {
  feed_.on_change = [this] {
    tell_again_ = true;
    if (!telling_) chores_.spawn(tell_sessions());
  };
  nodes_.on_erase = [this](const Uuid& id) { end_others(id, nullptr); };
}

Hub::~Hub() = default;

void Hub::close() {
  chores_.cancel();
  feed_.on_change = {};
  for (const auto& [number, session] : sessions_) session->end();
}

std::uint64_t Hub::join(Session& session) {
  sessions_.emplace(next_, &session);
  by_node_.emplace(session.node_id(), &session);
  return next_++;
}

void Hub::leave(const Session& session, std::uint64_t number) {
  sessions_.erase(number);
  const auto [begin, end] = by_node_.equal_range(session.node_id());
  const auto at = std::find_if(begin, end, [&](const auto& entry) { return entry.second == &session; });
  if (at != end) by_node_.erase(at);
}

/// A node that comes again has lost its earlier link, whether we noticed or not.
void Hub::end_others(const Uuid& node, const Session* but) {
  const auto [begin, end] = by_node_.equal_range(node);
  for (auto at = begin; at != end; ++at) {
    if (at->second != but) at->second->end();
  }
}

/// Begins in a later turn: the store takes the change only now.
Task<void> Hub::tell_sessions() {
  telling_ = true;
  while (std::exchange(tell_again_, false)) {
    std::uint64_t reached = 0;
    for (bool more = true; more;) {
      co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(1));
      auto next = sessions_.upper_bound(reached);
      for (std::size_t told = 0; told < kToldAtOnce && next != sessions_.end(); ++told) {
        reached = next->first;
        Session& session = *next->second;
        ++next;
        session.wake();
      }
      more = sessions_.upper_bound(reached) != sessions_.end();
    }
  }
  telling_ = false;
}

Task<void> Hub::learn_history(store::Version version) {
  while (learning_) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(20));
  if (parts_.ledger == nullptr || feed_.since(version) || version >= feed_.version()) co_return;
  learning_ = true;
  auto part = co_await parts_.ledger->read_log(version);
  learning_ = false;
  if (part && part->entries.size() <= feed_.options().max_rows) feed_.prepend(*part, version);
}

// Nodes, written down
// -------------------------------------------------------------------------------------------------------------------

std::string Hub::notes_name(std::string_view replica) const {
  return std::string(kNotes) + control_plane_.to_string() + "/" + std::string(replica);
}

void Hub::keep_nodes(const settings::Settings& settings) {
  if (parts_.notes == nullptr) return;
  chores_.spawn(write_nodes(settings));
  if (parts_.notes->shared()) chores_.spawn(read_nodes());
}

Task<void> Hub::write_nodes(const settings::Settings& settings) {
  const auto known = co_await parts_.notes->meta(notes_name(parts_.replica));
  if (known && *known) nodes_.remember(**known);
  for (;;) {
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kWriteNodesMs));
    const auto purged = nodes_.purge(settings.cluster_data_plane_purge_delay, store::SysTime(Millis(unix_millis())));
    if (purged > 0) log::notice("cluster.nodes_purged", {{"nodes", purged}});
    if (!nodes_.take_changed()) continue;
    const auto written = co_await parts_.notes->set_meta(notes_name(parts_.replica), nodes_.to_text());
    if (!written) nodes_.touch();  // later, then
  }
}

Task<void> Hub::read_nodes() {
  for (;;) {
    co_await read_nodes_once();
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kReadNodesMs));
  }
}

Task<void> Hub::read_nodes_once() {
  const std::string prefix = notes_name("");
  const auto notes = co_await parts_.notes->metas(prefix);
  if (!notes) co_return;
  for (const auto& [name, text] : *notes) {
    const std::string replica = name.substr(prefix.size());
    if (replica != parts_.replica) nodes_.take_over(replica, text);
  }
}

}  // namespace sluice::control::cluster

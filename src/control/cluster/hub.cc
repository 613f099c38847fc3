// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/hub.h"

#include <algorithm>

#include "base/log.h"
#include "base/raised_flag.h"
#include "base/time.h"
#include "control/cluster/session.h"

namespace sluice::control::cluster {
namespace {

// A change is told to so many nodes before whoever else waits on this shard has its turn.
constexpr std::size_t kToldAtOnce = 128;

/// Far below what either side takes as one message; the rest goes out in parts.
std::size_t most_in_a_change(const LinkTerms& terms) {
  return std::min(terms.max_payload / 4, Feed::Options().max_change);
}

}  // namespace

Hub::Hub(const Uuid& control_plane, Parts parts, LinkTerms terms)
    : control_plane_(control_plane),
      parts_(std::move(parts)),
      terms_(terms),
      feed_(parts_.store, {.kong = terms.kong,
                           .sluice = terms.sluice,
                           .max_change = most_in_a_change(terms),
                           .reactor = &parts_.reactor}),
      nodes_(feed_) {
  feed_.on_change = [this] {
    tell_again_ = true;
    if (!telling_) chores_.spawn(tell_sessions());
  };
  nodes_.on_erase = [this](const Uuid& id) { end_others(id, nullptr); };
  use_signer(parts_.signer);
}

Hub::~Hub() = default;

void Hub::close() {
  chores_.cancel();
  feed_.on_change = {};
  parts_.traffic = nullptr;
  for (const auto& [number, session] : sessions_) session->end();
}

void Hub::use_signer(std::shared_ptr<const sync::Signer> signer) {
  parts_.signer = std::move(signer);
  nodes_.set_door_certificate(parts_.signer != nullptr ? parts_.signer->certificate_pem() : std::string());
}

void Hub::note_traffic(const Uuid& node, const sync::Traffic& total) {
  if (parts_.traffic != nullptr) parts_.traffic->note(node, total, unix_millis());
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

bool Hub::is_taken(const Session& newcomer) const {
  const auto [begin, end] = by_node_.equal_range(newcomer.node_id());
  return std::any_of(begin, end, [&](const auto& entry) {
    return !entry.second->has_ended() && entry.second->certificate() != newcomer.certificate();
  });
}

/// A node that comes again has lost its earlier link, whether we noticed or not. With `but`: links that bring it the
/// configuration as that one does.
void Hub::end_others(const Uuid& node, const Session* but) {
  const auto [begin, end] = by_node_.equal_range(node);
  for (auto at = begin; at != end; ++at) {
    Session& other = *at->second;
    if (&other != but && (but == nullptr || other.carries_configuration())) other.end();
  }
}

/// Begins in a later turn: the store takes the change only now.
Task<void> Hub::tell_sessions() {
  const RaisedFlag busy(telling_);
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
}

Task<void> Hub::learn_history(store::Version version) {
  const auto is_enough = [&] { return parts_.history == nullptr || !feed_.may_learn(version); };
  while (learning_ && !is_enough()) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(20));
  if (is_enough()) co_return;
  chores_.spawn(read_history(version));
  while (learning_) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(20));
}

/// On the hub's own account: the session that asks may end meanwhile.
Task<void> Hub::read_history(store::Version version) {
  const RaisedFlag busy(learning_);
  auto part = co_await parts_.history->read_touched(version, feed_.options().max_rows);
  if (!part && part.error().code == Errc::NotFound) part = store::LogPart{};  // leads nowhere, and will not
  if (part) feed_.prepend(*part, version);
}

Task<bool> Hub::is_to_come(store::Version version) {
  if (parts_.history == nullptr) co_return false;
  const auto head = co_await parts_.history->head();
  if (!head) co_return head.error().code != Errc::NotFound;
  co_return head->epoch == version.epoch && *head >= version;
}

void Hub::keep_nodes(const settings::Settings& settings) {
  if (parts_.notes == nullptr) return;
  notes_ = std::make_unique<NodeNotes>(nodes_, NodeNotes::Parts{.reactor = parts_.reactor,
                                                                .store = *parts_.notes,
                                                                .control_plane = control_plane_,
                                                                .replica = parts_.replica});
  chores_.spawn(notes_->keep(settings));
}

}  // namespace sluice::control::cluster

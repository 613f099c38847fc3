// SPDX-License-Identifier: Apache-2.0
#include "gateway/stream/udp_server.h"

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "rt/reactor.h"

namespace sluice::gateway {
namespace {

constexpr unsigned kBatchesPerTurn = 64;                 // then everybody else has their turn
constexpr std::size_t kMostWaiting = 32;                 // datagrams that a session keeps until its upstream is known
constexpr std::size_t kMostKept = 64 * 1024;             // octets of them; the first one is kept whatever its size
constexpr std::size_t kMostKeptByAll = 8 * 1024 * 1024;  // octets, of all sessions of the shard
constexpr int kLooks = 64;                               // at unanswered sessions, for one whose descriptor can be had
constexpr std::int64_t kPauseMs = 10;                    // where the system lacks something, or has an error to tell
constexpr std::int64_t kRefusedMs = 1000;                // for so long a client that was refused is not judged again
constexpr std::int64_t kDrainQuietMs = 1000;             // of a session that is to end: without a datagram for so long

}  // namespace

/// One address that is listened on.
struct UdpServer::Door final : net::Succession::Member {
  explicit Door(UdpServer& s) : server(s) {}
  ~Door() { server.parts_.succession.leave(*this); }

  [[nodiscard]] bool take_inherited(const net::DatagramView& datagram) override {
    return server.take_inherited(*this, datagram);
  }
  void take_back(const net::DatagramView& datagram) override {
    server.welcome(*this, key_of(*this, datagram), {&datagram, 1});
  }
  void stop_reading() override { receiving.cancel(); }
  void read_again() override {
    if (!server.leaving_) receiving.spawn(server.receive(*this));
  }
  [[nodiscard]] bool is_busy() const override { return !server.sessions_.empty(); }

  UdpServer& server;
  net::UdpSocket socket;
  net::Address bound;
  rt::TaskScope receiving;
};

struct UdpServer::Session {
  Session(const StreamParts& parts, Snapshot::Ref snapshot, Door& d, const Key& k)
      : life(parts, std::move(snapshot), Transport::Udp), door(d), key(k), active_ms(parts.reactor.clock().mono_ms()) {}

  enum class Stage : std::uint8_t { Beginning, Carrying, Refused };
  struct Kept {
    std::string bytes;
    std::uint16_t segment;

    [[nodiscard]] static std::size_t cost(std::size_t octets) { return sizeof(Kept) + octets; }
  };

  StreamLife life;
  Door& door;
  const Key key;
  net::Address peer, local;
  net::UdpSocket upstream;
  Stage stage = Stage::Beginning;
  bool ended = false;
  std::int64_t active_ms;
  std::vector<Kept> waiting;                 // until there is an upstream
  std::size_t kept = 0;                      // what they cost, in octets
  std::list<Session*>::iterator unanswered;  // valid while !answered
  bool answered = false;
  Task<void> task = Task<void>::done();
};

std::size_t UdpServer::KeyHash::operator()(const Key& key) const noexcept {
  const auto text = [](const auto& octets) {
    return std::string_view(reinterpret_cast<const char*>(octets.data()), octets.size());
  };
  const StringHash hash;
  return hash(text(key.peer)) ^ (hash(text(key.local)) * 3) ^ (std::size_t{key.port} * 0x9E3779B97F4A7C15ULL) ^
         reinterpret_cast<std::uintptr_t>(key.door);
}

UdpServer::UdpServer(const StreamParts& parts) : parts_(parts), ended_(std::make_shared<Ended>()) {}
UdpServer::~UdpServer() = default;

UdpServer::Key UdpServer::key_of(const Door& door, const net::DatagramView& datagram) {
  return {.door = &door,
          .peer = datagram.peer.ip().mapped_octets(),
          .local = datagram.local.is_set() ? datagram.local.ip().mapped_octets() : std::array<std::uint8_t, 16>{},
          .port = datagram.peer.port()};
}

void UdpServer::drop(std::size_t count) {
  parts_.counts.datagrams_dropped.fetch_add(count, std::memory_order_relaxed);
}

void UdpServer::listen(const StreamDoor& /*door*/, int socket) {
  if (!incoming_) {
    incoming_ = std::make_unique<net::DatagramBatch>();
    answers_ = std::make_unique<net::DatagramBatch>();
  }
  Door& door = *doors_.emplace_back(std::make_unique<Door>(*this));
  door.socket.attach(parts_.reactor, socket);
  door.bound = net::Address::local_of(socket);
  parts_.succession.join(door.bound, door);
  door.receiving.spawn(receive(door));
}

Task<void> UdpServer::receive(Door& door) {
  for (;;) {
    co_await door.socket.readable(rt::Deadline::never());
    for (unsigned batches = 1;; ++batches) {
      const net::UdpSocket::State state = door.socket.receive(*incoming_);
      if (state == net::UdpSocket::State::Blocked) break;
      if (state == net::UdpSocket::State::Failed) {
        co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kPauseMs));
        continue;
      }
      distribute(door, incoming_->datagrams());
      if (batches % kBatchesPerTurn == 0) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(1));
    }
    if (door.socket.is_broken()) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kPauseMs));
  }
}

/// Datagrams of the same session that stand together are sent at once.
void UdpServer::distribute(Door& door, Datagrams datagrams) {
  for (std::size_t at = 0; at < datagrams.size();) {
    const Key key = key_of(door, datagrams[at]);
    std::size_t next = at + 1;
    while (next < datagrams.size() && key_of(door, datagrams[next]) == key) ++next;
    const Datagrams burst = datagrams.subspan(at, next - at);
    at = next;
    if (parts_.succession.has_elder() && !sessions_.contains(key)) {
      ask(door, burst);
    } else {
      welcome(door, key, burst);
    }
  }
}

/// They may belong to a session of the process that was here before.
void UdpServer::ask(Door& door, Datagrams datagrams) {
  for (const net::DatagramView& datagram : datagrams) {
    switch (parts_.succession.ask(door.bound, datagram)) {
      case net::Succession::Answer::Asked:
        break;
      case net::Succession::Answer::Lost:
        drop(1);
        break;
      case net::Succession::Answer::Alone:
        welcome(door, key_of(door, datagram), {&datagram, 1});
        break;
    }
  }
}

bool UdpServer::take_inherited(const Door& door, const net::DatagramView& datagram) {
  const auto found = sessions_.find(key_of(door, datagram));
  if (found == sessions_.end()) return false;
  forward(*found->second, {&datagram, 1});
  return true;
}

/// Datagrams of one client, whose session begins with them unless it is there.
void UdpServer::welcome(Door& door, const Key& key, Datagrams datagrams) {
  if (const auto found = sessions_.find(key); found != sessions_.end()) return forward(*found->second, datagrams);
  Session* made = begin(door, key);
  if (made == nullptr) return drop(datagrams.size());
  made->peer = datagrams.front().peer;
  made->local = datagrams.front().local.is_set() ? datagrams.front().local : door.bound;
  made->life.set_client(made->peer, made->local);
  made->task = run(*made);
  made->task.start();  // an upstream that is known is there now, and nothing needs keeping
  if (made->ended) return drop(datagrams.size());
  forward(*made, datagrams);
}

bool UdpServer::is_memory_short() const {
  return parts_.admission.memory().level() != rt::MemoryGauge::Level::Ample;
}

/// Null when there is no room.
UdpServer::Session* UdpServer::begin(Door& door, const Key& key) {
  if (is_memory_short()) {
    parts_.admission.note(http::Shed::Memory);
    return nullptr;
  }
  if (sessions_.size() >= parts_.options.udp_sessions && !make_room()) {
    static log::Counted full(log::Level::Info, "stream.udp_sessions_full");
    full.hit({{"limit", parts_.options.udp_sessions}});
    return nullptr;
  }
  auto& session = sessions_[key] = std::make_unique<Session>(parts_, snapshot_, door, key);
  session->unanswered = unanswered_.insert(unanswered_.end(), session.get());
  return session.get();
}

bool UdpServer::make_room() {
  if (unanswered_.empty()) return false;
  end(*unanswered_.front());
  return true;
}

/// Closes the socket of a session that has waited longest for a first answer. That one is suspended, since another one
/// runs: its task can go at once, and must, for a socket is not closed while somebody waits for it.
bool UdpServer::free_descriptor(const Session& wanting) {
  for (Session* session : unanswered_ | std::views::take(kLooks)) {
    if (session == &wanting || !session->upstream.is_open()) continue;
    end(*session);
    session->task = Task<void>::done();
    session->upstream.close();
    return true;
  }
  return false;
}

bool UdpServer::keep(Session& session, const net::DatagramView& datagram) {
  const std::size_t cost = Session::Kept::cost(datagram.bytes.size());
  const bool full = session.waiting.size() >= kMostWaiting || session.kept + cost > kMostKept;
  if ((full && !session.waiting.empty()) || kept_ + cost > kMostKeptByAll || is_memory_short()) return false;
  session.kept += cost;
  kept_ += cost;
  session.waiting.push_back({{datagram.bytes.data(), datagram.bytes.size()}, datagram.segment});
  return true;
}

/// Datagrams of a session that is there.
void UdpServer::forward(Session& session, Datagrams datagrams) {
  for (const net::DatagramView& datagram : datagrams) session.life.counts.from_client += datagram.bytes.size();
  if (session.stage == Session::Stage::Refused) return drop(datagrams.size());
  if (session.stage == Session::Stage::Beginning) {
    for (const net::DatagramView& datagram : datagrams) {
      if (!keep(session, datagram)) drop(1);
    }
    return;
  }
  session.active_ms = parts_.reactor.clock().mono_ms();
  std::array<net::OutgoingView, net::DatagramBatch::kMost> outgoing;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    outgoing[i] = {.bytes = datagrams[i].bytes, .segment = datagrams[i].segment};
  }
  send(session, std::span(outgoing).first(datagrams.size()));
}

/// What the socket does not take is lost, as on any way. An upstream that refuses datagrams ends the session: the
/// client's next one begins another, perhaps elsewhere.
void UdpServer::send(Session& session, std::span<const net::OutgoingView> datagrams) {
  while (!datagrams.empty()) {
    const net::UdpSocket::Sent sent = session.upstream.send(datagrams);
    for (const net::OutgoingView& datagram : datagrams.first(sent.count)) {
      session.life.counts.to_upstream += datagram.bytes.size();
    }
    datagrams = datagrams.subspan(sent.count);
    if (datagrams.empty()) return;
    if (sent.state == net::UdpSocket::State::Blocked) return drop(datagrams.size());
    if (sent.error == ECONNREFUSED) {
      drop(datagrams.size());
      session.life.lose_upstream({Errc::Refused, Blame::Upstream, Retry::Safe, "datagrams are refused"});
      return end(session);
    }
    drop(1);
    datagrams = datagrams.subspan(1);
  }
}

/// Takes the session out of the table; it is freed when nobody can be inside it any more.
void UdpServer::end(Session& session) {
  if (std::exchange(session.ended, true)) return;
  if (!std::exchange(session.answered, true)) unanswered_.erase(session.unanswered);
  forget_waiting(session);
  auto found = sessions_.find(session.key);
  ended_->push_back(std::move(found->second));
  sessions_.erase(found);
  if (ended_->size() > 1) return;
  parts_.reactor.defer([mine = std::weak_ptr(ended_)] {
    if (const auto ended = mine.lock()) ended->clear();
  });
}

Task<void> UdpServer::run(Session& session) {
  const bool wanted = co_await session.life.police();
  bool reached = false;
  if (wanted) {
    reached = co_await session.life.reach(
        [this, &session](const Choice& choice, rt::Deadline) { return open(session, choice); });
  }
  if (reached) {
    session.stage = Session::Stage::Carrying;
    send_waiting(session);
    if (!session.ended) co_await carry(session);
  } else {
    session.stage = Session::Stage::Refused;
    forget_waiting(session);
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kRefusedMs));
  }
  end(session);
}

Task<Result<>> UdpServer::open(Session& session, const Choice& choice) {
  session.upstream.close();
  Result<int> socket = net::connect_udp(choice.endpoint->address);
  const bool no_descriptor = !socket && socket.error().blame == Blame::System;
  if (no_descriptor && free_descriptor(session)) socket = net::connect_udp(choice.endpoint->address);
  if (!socket) return Result<>(std::unexpected(std::move(socket).error()));
  session.upstream.attach(parts_.reactor, *socket);
  return Result<>{};
}

void UdpServer::send_waiting(Session& session) {
  const std::vector<Session::Kept> waiting = std::exchange(session.waiting, {});
  kept_ -= std::exchange(session.kept, 0);
  for (const Session::Kept& kept : waiting) {
    const net::OutgoingView datagram{.bytes = kept.bytes, .segment = kept.segment};
    send(session, {&datagram, 1});
    if (session.ended) return;
  }
}

/// They count as dropped.
void UdpServer::forget_waiting(Session& session) {
  drop(session.waiting.size());
  session.waiting.clear();
  kept_ -= std::exchange(session.kept, 0);
}

/// Until nothing comes any more from either side.
Task<void> UdpServer::carry(Session& session) {
  const std::int64_t idle_ms = session.life.service().read_timeout.count();
  for (;;) {
    const rt::Deadline idle{session.active_ms + idle_ms};
    if (co_await session.upstream.readable(idle) == rt::Wake::TimedOut) {
      if (session.active_ms + idle_ms <= parts_.reactor.clock().mono_ms()) co_return;
      continue;  // the client was not idle
    }
    for (unsigned batches = 1;; ++batches) {
      const net::UdpSocket::State state = session.upstream.receive(*answers_);
      if (state == net::UdpSocket::State::Blocked) break;
      if (state == net::UdpSocket::State::Failed) {
        session.life.lose_upstream({Errc::Refused, Blame::Upstream, Retry::Safe, "datagrams are refused"});
        co_return;
      }
      answer(session);
      if (batches % kBatchesPerTurn == 0) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(1));
    }
  }
}

/// Sends what has come from the upstream, from the address that the client knows.
void UdpServer::answer(Session& session) {
  if (!std::exchange(session.answered, true)) unanswered_.erase(session.unanswered);
  session.active_ms = parts_.reactor.clock().mono_ms();
  const Datagrams datagrams = answers_->datagrams();
  std::array<net::OutgoingView, net::DatagramBatch::kMost> outgoing;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    outgoing[i] = {
        .bytes = datagrams[i].bytes, .peer = &session.peer, .local = &session.local, .segment = datagrams[i].segment};
    session.life.counts.from_upstream += datagrams[i].bytes.size();
  }
  std::span<const net::OutgoingView> left = std::span(outgoing).first(datagrams.size());
  while (!left.empty()) {
    const net::UdpSocket::Sent sent = session.door.socket.send(left);
    for (const net::OutgoingView& datagram : left.first(sent.count)) {
      session.life.counts.to_client += datagram.bytes.size();
    }
    left = left.subspan(sent.count);
    if (left.empty()) return;
    if (sent.state == net::UdpSocket::State::Blocked) return drop(left.size());
    drop(1);  // that one cannot be sent, whatever the reason; the others may
    left = left.subspan(1);
  }
}

void UdpServer::drain(http::Idle idle) {
  leaving_ = true;
  for (const auto& door : doors_) door->receiving.cancel();
  const bool sessions_go_on = idle == http::Idle::Keep && parts_.succession.has_heir();
  if (!sessions_go_on && draining_.empty()) draining_.spawn(end_quiet_ones());
}

Task<void> UdpServer::end_quiet_ones() {
  constexpr std::int64_t kLookEveryMs = 100;
  while (!sessions_.empty()) {
    const std::int64_t now_ms = parts_.reactor.clock().mono_ms();
    std::vector<Session*> quiet;
    for (const auto& [key, session] : sessions_) {
      if (now_ms - session->active_ms >= kDrainQuietMs) quiet.push_back(session.get());
    }
    for (Session* session : quiet) end(*session);
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kLookEveryMs));
  }
}

}  // namespace sluice::gateway

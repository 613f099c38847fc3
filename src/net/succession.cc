// SPDX-License-Identifier: Apache-2.0
#include "net/succession.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <type_traits>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "rt/reactor.h"

namespace sluice::net {
namespace {

constexpr std::int64_t kBeatMs = 500;
constexpr std::int64_t kSilentMs = 3000;  // an elder that says nothing for so long hangs
constexpr std::int64_t kSecondLookMs = 500;
constexpr int kChannelOctets = 4 * 1024 * 1024;  // that the kernel may keep, as far as it allows
constexpr unsigned kMessagesPerTurn = 256;       // then everybody else has their turn

using WireAddress = std::array<char, sizeof(sockaddr_in6)>;

WireAddress to_wire(const Address& address) {
  WireAddress octets{};
  if (address.is_set()) std::memcpy(octets.data(), address.data(), address.size());
  return octets;
}

Address from_wire(const WireAddress& octets) {
  sockaddr_storage storage{};
  std::memcpy(&storage, octets.data(), octets.size());
  return Address::from(storage);
}

}  // namespace

/// Another version of the program may be at the other end: kinds are only ever added, and unknown ones passed over.
enum class Succession::Kind : char {
  Hello = 'H',  // of the heir: it reads now
  Ask = 'A',    // of the heir, with a datagram
  Back = 'B',   // of the elder, with a datagram
  Alive = 'L',  // of the elder
  Done = 'D',   // of the elder: it has nothing left to ask about
};

/// Every message begins with it; the octets of the datagram follow.
struct Succession::Head {
  Kind kind;
  std::uint8_t ecn;
  std::uint16_t segment;
  WireAddress bound, peer, local;
};

struct Succession::Buffer {
  std::array<char, sizeof(Head) + DatagramBatch::kOctets> octets;
};

Succession::Succession(rt::Reactor& reactor) : reactor_(reactor) {}
Succession::~Succession() = default;

Result<std::pair<int, int>> Succession::make_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return fail(Errc::Io, std::string("socketpair: ") + std::strerror(errno), Blame::System);
  }
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kChannelOctets, sizeof kChannelOctets);
  return std::pair{ends[0], ends[1]};
}

void Succession::leave(const Member& member) {
  std::erase_if(members_, [&member](const auto& entry) { return entry.second == &member; });
}

Succession::Member* Succession::member(const Address& bound) const {
  const auto found = std::ranges::find(members_, bound, &std::pair<Address, Member*>::first);
  return found == members_.end() ? nullptr : found->second;
}

bool Succession::is_busy() const {
  return elder_.is_open() || std::ranges::any_of(members_, [](const auto& entry) { return entry.second->is_busy(); });
}

void Succession::attach(rt::IoSource& channel, int fd) {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<Buffer>();
  channel.attach(reactor_, fd);
}

void Succession::follow(int elder) {
  attach(elder_, elder);
  heard_ms_ = reactor_.clock().mono_ms();
  send(elder_, Kind::Hello);
  hearing_elder_.spawn(hear(elder_));
}

void Succession::make_way(int heir) {
  stay();
  attach(heir_, heir);
  hearing_heir_.spawn(hear(heir_));
  hearing_heir_.spawn(beat());
}

void Succession::stay() {
  hearing_heir_.cancel();
  heir_.close();
  if (!std::exchange(heir_reads_, false)) return;
  for (const auto& entry : members_) entry.second->read_again();
}

// --- what is said -----------------------------------------------------------------------------------------------

Succession::Sent Succession::send(const rt::IoSource& channel, Kind kind, const Address& bound,
                                  const DatagramView& datagram) {
  static_assert(std::is_trivially_copyable_v<Head>);
  if (!channel.is_open()) return Sent::Gone;
  Head head{.kind = kind,
            .ecn = datagram.ecn,
            .segment = datagram.segment,
            .bound = to_wire(bound),
            .peer = to_wire(datagram.peer),
            .local = to_wire(datagram.local)};
  std::array<iovec, 2> parts{{{&head, sizeof head}, {const_cast<char*>(datagram.bytes.data()), datagram.bytes.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  while (::sendmsg(channel.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EAGAIN) return Sent::Full;
    if (errno != EINTR) return Sent::Gone;
  }
  return Sent::Well;
}

/// Where this process had no turn for long, what the elder has said meanwhile is still to be read: hence two looks.
bool Succession::is_silent() {
  const std::int64_t now = reactor_.clock().mono_ms();
  if (now - heard_ms_ < kSilentMs) return false;
  if (doubted_ms_ < heard_ms_) doubted_ms_ = now;
  return now - doubted_ms_ >= kSecondLookMs;
}

Succession::Answer Succession::ask(const Address& bound, const DatagramView& datagram) {
  if (!has_elder()) return Answer::Alone;
  if (is_silent()) {
    log::warn("succession.elder_silent");
    hearing_elder_.cancel();
    elder_.close();
    return Answer::Alone;
  }
  switch (send(elder_, Kind::Ask, bound, datagram)) {
    case Sent::Well:
      return Answer::Asked;
    case Sent::Full:
      return Answer::Lost;
    case Sent::Gone:
      return Answer::Alone;
  }
  return Answer::Alone;
}

/// As long as there is an heir: that this process lives, and at last that it need not be asked any more.
Task<void> Succession::beat() {
  for (;;) {
    const bool done = heir_reads_ && !is_busy();
    const Sent sent = send(heir_, done ? Kind::Done : Kind::Alive);
    if (sent == Sent::Gone || (done && sent == Sent::Well)) co_return;
    co_await rt::Sleep(reactor_, reactor_.after_ms(kBeatMs));
  }
}

// --- what is heard ----------------------------------------------------------------------------------------------

/// Until the other end has gone.
Task<void> Succession::hear(rt::IoSource& channel) {
  for (;;) {
    co_await channel.wait_readable(rt::Deadline::never());
    for (unsigned messages = 1;; ++messages) {
      const ssize_t size = ::recv(channel.fd(), buffer_->octets.data(), buffer_->octets.size(), MSG_DONTWAIT);
      if (size < 0 && (errno == EINTR || errno == ECONNRESET)) continue;  // told once; what was said before follows
      if (size < 0 && errno == EAGAIN) break;
      if (size <= 0) {
        channel.close();
        co_return;
      }
      on_message(channel, std::span(buffer_->octets).first(static_cast<std::size_t>(size)));
      if (messages % kMessagesPerTurn == 0) co_await rt::Sleep(reactor_, reactor_.after_ms(1));
    }
    channel.clear_readable();
  }
}

void Succession::on_message(const rt::IoSource& channel, std::span<const char> message) {
  if (message.size() < sizeof(Head)) return;
  Head head;
  std::memcpy(&head, message.data(), sizeof head);
  const DatagramView datagram{.peer = from_wire(head.peer),
                              .local = from_wire(head.local),
                              .bytes = message.subspan(sizeof head),
                              .segment = head.segment,
                              .ecn = head.ecn};
  if (&channel == &heir_) {
    on_word_of_heir(head.kind, from_wire(head.bound), datagram);
  } else {
    on_word_of_elder(head.kind, from_wire(head.bound), datagram);
  }
}

void Succession::on_word_of_heir(Kind kind, const Address& bound, const DatagramView& datagram) {
  if (kind == Kind::Hello && !std::exchange(heir_reads_, true)) {
    for (const auto& entry : members_) entry.second->stop_reading();
  }
  if (kind != Kind::Ask) return;
  Member* const mine = member(bound);
  if (mine != nullptr && mine->take_inherited(datagram)) return;
  if (ask(bound, datagram) == Answer::Alone) send(heir_, Kind::Back, bound, datagram);
}

void Succession::on_word_of_elder(Kind kind, const Address& bound, const DatagramView& datagram) {
  heard_ms_ = reactor_.clock().mono_ms();
  if (kind == Kind::Done) {
    elder_is_done_ = true;
    ::shutdown(elder_.fd(), SHUT_WR);  // it answers what it was asked, and closes
  }
  if (kind != Kind::Back) return;
  if (heir_reads_) {
    send(heir_, Kind::Back, bound, datagram);
  } else if (Member* const mine = member(bound)) {
    mine->take_back(datagram);
  }
}

}  // namespace sluice::net

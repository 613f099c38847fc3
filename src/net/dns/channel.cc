// SPDX-License-Identifier: Apache-2.0
#include "net/dns/channel.h"

#include <algorithm>
#include <array>
#include <coroutine>
#include <mutex>
#include <span>
#include <utility>

#include <ares.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/strings.h"
#include "net/dns/end_of_turn.h"
#include "rt/io_source.h"
#include "rt/scope.h"

namespace sluice::net::dns {
namespace {

constexpr int kMostAddresses = 256;
constexpr int kUdpAnswer = 1232;  // EDNS size that is not fragmented anywhere, DNS flag day 2020

bool has_input(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

Reply::Status status_of(int ares_status) {
  switch (ares_status) {
    case ARES_SUCCESS:
      return Reply::Status::Answered;
    case ARES_ENODATA:
      return Reply::Status::NoData;
    case ARES_ENOTFOUND:
      return Reply::Status::NoName;
    case ARES_EBADNAME:
      return Reply::Status::BadName;
    case ARES_ETIMEOUT:
      return Reply::Status::TimedOut;
    default:
      return Reply::Status::Failed;
  }
}

int parse_a(const unsigned char* message, int size, Reply& reply) {
  std::array<ares_addrttl, kMostAddresses> found{};
  int count = kMostAddresses;
  const int status = ares_parse_a_reply(message, size, nullptr, found.data(), &count);
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    const ares_addrttl& entry = found[static_cast<std::size_t>(i)];
    std::span<const std::uint8_t, 4> octets(reinterpret_cast<const std::uint8_t*>(&entry.ipaddr), 4);
    reply.endpoints.push_back({IpAddress::from_v4(octets), 0, 0});
    reply.ttl_s = i == 0 ? entry.ttl : std::min<std::int64_t>(reply.ttl_s, entry.ttl);
  }
  return status;
}

int parse_aaaa(const unsigned char* message, int size, Reply& reply) {
  std::array<ares_addr6ttl, kMostAddresses> found{};
  int count = kMostAddresses;
  const int status = ares_parse_aaaa_reply(message, size, nullptr, found.data(), &count);
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    const ares_addr6ttl& entry = found[static_cast<std::size_t>(i)];
    std::span<const std::uint8_t, 16> octets(reinterpret_cast<const std::uint8_t*>(&entry.ip6addr), 16);
    reply.endpoints.push_back({IpAddress::from_v6(octets), 0, 0});
    reply.ttl_s = i == 0 ? entry.ttl : std::min<std::int64_t>(reply.ttl_s, entry.ttl);
  }
  return status;
}

std::uint16_t read16(std::span<const unsigned char> at) {
  return static_cast<std::uint16_t>(at[0] << 8U | at[1]);
}
std::uint32_t read32(std::span<const unsigned char> at) {
  return std::uint32_t{read16(at)} << 16U | read16(at.subspan(2));
}

/// The name at `at`, which moves past it. False: there is none.
bool read_name(std::span<const unsigned char> message, std::size_t& at, std::string& name) {
  if (at >= message.size()) return false;
  char* text = nullptr;
  long length = 0;
  if (ares_expand_name(&message[at], message.data(), static_cast<int>(message.size()), &text, &length) != ARES_SUCCESS)
    return false;
  name = text;
  ares_free_string(text);
  at += static_cast<std::size_t>(length);
  return true;
}

/// c-ares' own reader of SRV records leaves their time to live out.
int parse_srv(const unsigned char* octets, int size, Reply& reply) {
  constexpr std::size_t kHeader = 12;
  constexpr std::size_t kRecordHead = 10;
  constexpr std::size_t kService = 6;
  const std::span message(octets, static_cast<std::size_t>(size));
  if (message.size() < kHeader) return ARES_EBADRESP;
  std::size_t at = kHeader;
  std::string name;
  for (unsigned left = read16(message.subspan(4)); left > 0; --left) {
    if (!read_name(message, at, name) || message.size() - at < 4) return ARES_EBADRESP;
    at += 4;
  }
  for (unsigned left = read16(message.subspan(6)); left > 0; --left) {
    if (!read_name(message, at, name) || message.size() - at < kRecordHead) return ARES_EBADRESP;
    const auto head = message.subspan(at, kRecordHead);
    const std::size_t length = read16(head.subspan(8));
    at += kRecordHead;
    if (message.size() - at < length) return ARES_EBADRESP;
    if (read16(head) == static_cast<std::uint16_t>(RecordType::Srv) && length > kService) {
      const auto data = message.subspan(at, kService);
      ServiceRecord record{read16(data), read16(data.subspan(2)), read16(data.subspan(4)), {}};
      std::size_t host = at + kService;
      if (!read_name(message, host, record.host)) return ARES_EBADRESP;
      const auto ttl = static_cast<std::int64_t>(std::min<std::uint32_t>(read32(head.subspan(4)), INT32_MAX));
      reply.ttl_s = reply.services.empty() ? ttl : std::min(reply.ttl_s, ttl);
      reply.services.push_back(std::move(record));
    }
    at += length;
  }
  return ARES_SUCCESS;
}

int parse(const unsigned char* message, int size, Reply& reply) {
  switch (reply.type) {
    case RecordType::A:
      return parse_a(message, size, reply);
    case RecordType::Aaaa:
      return parse_aaaa(message, size, reply);
    case RecordType::Srv:
      return parse_srv(message, size, reply);
  }
  return ARES_ENOTIMP;
}

}  // namespace

/// Watches one of c-ares' sockets through a duplicate of its descriptor: c-ares closes the original whenever it likes.
class Channel::Socket {
 public:
  Socket(Channel& channel, int fd) : channel_(channel), fd_(fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return;  // out of descriptors: the query times out
    source_.attach(channel.reactor_, copy);
    loops_.spawn(read_loop());
  }

  [[nodiscard]] int fd() const { return fd_; }
  void close() { open_ = false; }
  void want_to_write(bool wanted) {
    if (!std::exchange(wants_to_write_, wanted) && wanted && source_.is_open()) loops_.spawn(write_loop());
  }

 private:
  Task<void> read_loop() {
    while (open_) {
      co_await source_.wait_readable(rt::Deadline::never());
      // Edge-triggered, and c-ares takes TCP answers piece by piece: ask until there is no more.
      do {
        if (open_) channel_.process(fd_, ARES_SOCKET_BAD);
      } while (open_ && has_input(fd_) && !source_.broken());
      if (source_.peer_closed()) break;
      source_.clear_readable();
    }
  }

  Task<void> write_loop() {
    co_await EndOfTurn(channel_.reactor_);
    while (open_ && wants_to_write_) {
      co_await source_.wait_writable(rt::Deadline::never());
      if (!open_ || !wants_to_write_) break;
      source_.clear_writable();
      channel_.process(ARES_SOCKET_BAD, fd_);
    }
  }

  Channel& channel_;
  int fd_;  // of c-ares
  bool open_ = true;
  bool wants_to_write_ = false;
  rt::IoSource source_;
  rt::TaskScope loops_;
};

/// Shared by the asking task and c-ares, either of which may go first.
struct Channel::Pending {
  rt::Reactor& reactor;
  RecordType type;
  bool done = false;
  Reply reply = {};
  std::coroutine_handle<> waiting = {};
};

class Channel::Answered {
 public:
  explicit Answered(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
  Answered(const Answered&) = delete;
  Answered& operator=(const Answered&) = delete;
  ~Answered() {
    auto waiting = std::exchange(pending_->waiting, {});
    if (waiting && pending_->done) pending_->reactor.forget_resumption(waiting);
  }
  [[nodiscard]] bool await_ready() const { return pending_->done; }
  void await_suspend(std::coroutine_handle<> caller) { pending_->waiting = caller; }
  Reply await_resume() {
    pending_->waiting = {};
    return std::move(pending_->reply);
  }

 private:
  std::shared_ptr<Pending> pending_;
};

Channel::Channel(rt::Reactor& reactor) : reactor_(reactor) {}

Result<std::unique_ptr<Channel>> Channel::open(rt::Reactor& reactor, const ChannelSettings& settings) {
  static std::once_flag once;  // c-ares' initialisation is not thread-safe
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  std::unique_ptr<Channel> channel(new Channel(reactor));
  TRY(channel->set_up(settings));
  return channel;
}

Result<> Channel::set_up(const ChannelSettings& settings) {
  ares_options options{};
  char lookups[] = "b";  // name servers only; the hosts file is ours
  std::string resolv_conf = settings.resolv_conf;
  options.flags = ARES_FLAG_EDNS;
  options.ednspsz = kUdpAnswer;
  options.timeout = static_cast<int>(settings.timeout_ms);
  options.tries = settings.tries;
  options.lookups = lookups;
  options.resolvconf_path = resolv_conf.data();
  options.sock_state_cb = &Channel::on_socket_state;
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                   ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
  if (int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
    return fail(Errc::Invalid, std::string("DNS set-up: ") + ares_strerror(status));
  }
  if (!settings.servers.empty()) {
    const std::string list = join(settings.servers, ",");
    if (int status = ares_set_servers_ports_csv(channel_, list.c_str()); status != ARES_SUCCESS) {
      return fail(Errc::Invalid, "DNS servers " + list + ": " + ares_strerror(status));
    }
  }
  ares_options in_force{};
  int in_force_mask = 0;
  if (ares_save_options(channel_, &in_force, &in_force_mask) == ARES_SUCCESS) {
    ndots_ = in_force.ndots;
    for (int i = 0; i < in_force.ndomains; ++i) search_.emplace_back(in_force.domains[i]);
    ares_destroy_options(&in_force);
  }
  return {};
}

Channel::~Channel() {
  if (channel_ != nullptr) ares_destroy(channel_);  // ends what is pending
}

void Channel::on_socket_state(void* self, int fd, int readable, int writable) {
  auto& channel = *static_cast<Channel*>(self);
  auto place = std::ranges::find(channel.sockets_, fd, [](const auto& socket) { return socket->fd(); });
  if (readable == 0 && writable == 0) {
    if (place == channel.sockets_.end()) return;
    (*place)->close();
    channel.closed_.push_back(std::move(*place));
    channel.sockets_.erase(place);
    channel.reactor_.timers().arm(channel, channel.reactor_.clock().mono_ms());  // swept outside of any callback
    return;
  }
  if (place == channel.sockets_.end()) {
    place = channel.sockets_.insert(place, std::make_unique<Socket>(channel, fd));
  }
  (*place)->want_to_write(writable != 0);
}

void Channel::process(int readable_fd, int writable_fd) {
  ares_process_fd(channel_, readable_fd, writable_fd);
  schedule();
}

/// Arms the timer for c-ares' next timeout.
void Channel::schedule() {
  if (!closed_.empty()) return;  // armed already, and earlier
  timeval wait{};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
    disarm();
    return;
  }
  const std::int64_t wait_ms = wait.tv_sec * 1000 + (wait.tv_usec + 999) / 1000;
  reactor_.timers().arm(*this, reactor_.clock().mono_ms() + wait_ms);
}

void Channel::expire() {
  closed_.clear();
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

Task<Reply> Channel::query(std::string name, RecordType type) {
  auto pending = std::make_shared<Pending>(reactor_, type);
  auto for_ares = std::make_unique<std::shared_ptr<Pending>>(pending);
  ares_query(channel_, name.c_str(), ns_c_in, static_cast<int>(type), &Channel::on_reply, for_ares.release());
  schedule();
  co_return co_await Answered(std::move(pending));
}

/// Called by c-ares exactly once for each query, perhaps before ares_query returns and perhaps from ares_destroy.
void Channel::on_reply(void* argument, int status, int, unsigned char* message, int size) {
  const std::unique_ptr<std::shared_ptr<Pending>> owned(static_cast<std::shared_ptr<Pending>*>(argument));
  Pending& pending = **owned;
  pending.reply.type = pending.type;
  if (status == ARES_SUCCESS) {
    status = parse(message, size, pending.reply);
    if (status == ARES_SUCCESS && pending.reply.endpoints.empty() && pending.reply.services.empty()) {
      status = ARES_ENODATA;
    }
  }
  pending.reply.status = status_of(status);
  if (status != ARES_SUCCESS) pending.reply.error = ares_strerror(status);
  pending.done = true;
  if (pending.waiting) pending.reactor.resume_soon(pending.waiting);
}

}  // namespace sluice::net::dns

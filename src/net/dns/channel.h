// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/dns/answer.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "rt/timer_wheel.h"

struct ares_channeldata;

namespace sluice::net::dns {

/// One SRV record, RFC 2782.
struct ServiceRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string host;
};

/// What a name server said to one question.
struct Reply {
  enum class Status : std::uint8_t {
    Answered,
    NoData,   // the name exists, without records of that type
    NoName,   // NXDOMAIN
    BadName,  // not a name that can be asked for
    TimedOut,
    Failed,  // no server gave a usable answer
  };
  Status status = Status::Failed;
  std::vector<Endpoint> endpoints;
  std::vector<ServiceRecord> services;  // in answer to a question for SRV; then there are no endpoints
  RecordType type = RecordType::A;      // that was asked for
  std::int64_t ttl_s = 0;
  std::string error;  // for people
  std::string name;   // that was asked for
};

struct ChannelSettings {
  std::vector<std::string> servers;  // "ip" or "ip:port"; empty: those of `resolv_conf`
  std::string resolv_conf = "/etc/resolv.conf";
  std::int64_t timeout_ms = 2000;  // for the first try; later ones wait longer
  int tries = 3;
};

/// Asks name servers, through c-ares: retries, several servers, TCP after a truncated answer. Its sockets and timeouts
/// are the reactor's. Belongs to the reactor's thread.
class Channel final : private rt::Timer {
 public:
  static Result<std::unique_ptr<Channel>> open(rt::Reactor& reactor, const ChannelSettings& settings);
  ~Channel() override;

  /// Search domains and ndots of resolv.conf.
  [[nodiscard]] const std::vector<std::string>& search() const { return search_; }
  [[nodiscard]] int ndots() const { return ndots_; }

  /// Asks for `name` as it stands. Tasks must be gone before the channel.
  Task<Reply> query(std::string name, RecordType type);

 private:
  class Socket;
  struct Pending;
  class Answered;

  explicit Channel(rt::Reactor& reactor);
  Result<> set_up(const ChannelSettings& settings);
  static void on_socket_state(void* self, int fd, int readable, int writable);
  static void on_reply(void* pending, int status, int timeouts, unsigned char* message, int size);
  void process(int readable_fd, int writable_fd);
  void schedule();
  void expire() override;

  rt::Reactor& reactor_;
  ares_channeldata* channel_ = nullptr;
  std::vector<std::string> search_;
  int ndots_ = 1;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Socket>> closed_;  // c-ares closes sockets in the middle of their own callbacks
};

}  // namespace sluice::net::dns

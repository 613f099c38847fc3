// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include <sys/types.h>

#include "request_reader.h"

namespace sluice::bench {

/// The upstream of every benchmark: one thread, one epoll loop, replies from one buffer shared by all connections, so
/// that it is never the part that is measured.
class Responder {
 public:
  /// Listens on 127.0.0.1:`port`. Throws std::system_error.
  explicit Responder(std::uint16_t port);
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  /// Serves until the process is told to end.
  [[noreturn]] void run();

 private:
  struct Connection {
    RequestReader reader;
    std::string heads;            // the head being sent
    std::size_t head_sent = 0;    // of `heads`
    std::size_t body_left = 0;    // of the shared body
    bool waits_for_room = false;  // registered for EPOLLOUT
    bool closing = false;
  };

  void accept_all();
  void on_readable(int fd, Connection& connection);
  /// Sends what is owed; false when the connection is finished.
  bool flush(int fd, Connection& connection);
  bool answer_all(int fd, Connection& connection);
  ssize_t send_some(int fd, const Connection& connection) const;
  void close_connection(int fd);

  int epoll_ = -1;
  int listener_ = -1;
  std::string body_;     // what bodies are cut from; longer ones repeat it
  std::string scratch_;  // what arrives on any connection
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace sluice::bench

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::bench {

/// Sends back what it gets: octets over TCP, datagrams over UDP, messages over WebSocket (a connection that begins with
/// `GET `). One thread, one epoll loop.
class EchoServer {
 public:
  /// TCP and UDP on 127.0.0.1:`port`. Throws std::system_error.
  explicit EchoServer(std::uint16_t port);
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  /// Serves until the process is told to end.
  [[noreturn]] void run();

 private:
  enum class Mode : std::uint8_t { Unknown, Octets, Handshake, Messages };
  struct Connection {
    Mode mode = Mode::Unknown;
    std::string arrived;  // of a handshake or a frame that is not whole
    std::string unsent;
    bool waits_for_room = false;  // registered for EPOLLOUT
  };

  void accept_all();
  void return_datagrams();
  void on_readable(int fd, Connection& connection);
  /// False when the connection is of no use.
  bool take(Connection& connection, std::string_view octets);
  bool answer_handshake(Connection& connection);
  bool return_messages(Connection& connection);
  bool flush(int fd, Connection& connection);
  void close_connection(int fd);

  int epoll_ = -1;
  int listener_ = -1;
  int datagrams_ = -1;
  std::string scratch_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace sluice::bench

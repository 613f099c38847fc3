// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/error.h"
#include "net/address.h"
#include "rt/io_source.h"
#include "rt/task.h"

namespace sluice::net {

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = true;  // one socket per shard; the kernel spreads connections
  bool v6_only = false;
  bool keep_alive = false;  // TCP keep-alive probes on accepted connections
};

/// A listening, non-blocking socket. Throws nothing; the error names the address.
Result<int> listen_on(const Address& address, const ListenOptions& options);
/// Fails as listen_on() would without reuse_port: when a socket listens there already, also one of the same user that
/// would share its connections with us. What is left of connections that have ended is no obstacle.
Result<> expect_unused(const Address& address, bool v6_only);

/// Accepts connections on one shard.
class Listener {
 public:
  /// Takes ownership of a listening socket.
  Listener(rt::Reactor& reactor, int fd);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  using OnConnection = std::function<void(int fd, const Address& peer)>;
  /// Runs until destroyed. When the process is out of descriptors it pauses instead of spinning, and spends a reserve
  /// descriptor to close waiting clients politely.
  Task<void> run(OnConnection on_connection);
  /// Stops accepting and closes our descriptor of the socket; a supervisor may hold another. run() must not be waiting
  /// any more (its task destroyed).
  void close();

 private:
  void keep_reserve();
  [[nodiscard]] bool shed_one();

  rt::IoSource source_;
  int reserve_ = -1;
};

}  // namespace sluice::net

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/stream.h"
#include "rt/reactor.h"

namespace sluice::http {

/// Octets that a connection has received and not consumed yet. They lie in the shard's shared input buffer until
/// another connection needs it; only then, or when a message is cut in the middle, does the connection get memory of
/// its own. So an idle connection holds nothing and a request that arrives whole is never copied.
class InputBuffer final : private rt::InputTenant {
 public:
  explicit InputBuffer(rt::Reactor& reactor) : reactor_(reactor) {}
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;
  ~InputBuffer() { reactor_.return_input(*this); }

  /// What is there. Valid until the next fill(), consume() or suspension.
  [[nodiscard]] std::string_view pending() const { return {data_, size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void consume(std::size_t octets);

  /// Reads once and appends what comes, at most `most` octets and what the shared buffer takes.
  net::Io fill(net::Stream& stream, std::size_t most = rt::Reactor::kScratch);

  /// Appends octets that were read elsewhere (peeked before this buffer existed).
  void seed(std::string_view bytes);

 private:
  void evict() override;

  rt::Reactor& reactor_;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
  std::unique_ptr<char[]> own_;
};

}  // namespace sluice::http

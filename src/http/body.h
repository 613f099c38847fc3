// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/headers.h"
#include "http/patience.h"
#include "rt/task.h"

namespace sluice::net {
class Stream;
}

namespace sluice::http {

/// A piece of content. The octets are valid until the next read() or until the reading coroutine next suspends,
/// whichever is first; whoever must keep them longer copies them.
struct Chunk {
  std::string_view bytes;
  bool last = false;  // nothing follows; `bytes` may be empty
};

/// Plain octets that may be moved from one socket to another without passing through our memory.
struct SpliceSource {
  net::Stream* stream;
  std::uint64_t length;  // octets to move, all of them already announced by the peer
  Patience* patience;    // with that peer
  Blame blame;           // whose fault it is when that ends, or the content does
};

/// Content as a pull stream: whoever wants octets asks for them, so back-pressure needs no states. A transformation
/// is a reader that wraps a reader. Belongs to the shard of its connection.
class BodyReader {
 public:
  virtual ~BodyReader() = default;

  /// The next piece. After `last` or an error it must not be called again. Born ready when octets are at hand.
  virtual Task<Result<Chunk>> read() = 0;

  /// Octets still to come, where the framing tells.
  [[nodiscard]] virtual std::optional<std::uint64_t> remaining() const { return std::nullopt; }

  /// Fields that followed the content (RFC 9110, 6.5); complete once the last chunk has been read. Null: none.
  [[nodiscard]] virtual const Headers* trailers() const { return nullptr; }

  /// Where the rest can be spliced from, once everything that is already in memory has been read.
  [[nodiscard]] virtual std::optional<SpliceSource> splice_source() { return std::nullopt; }
  /// Tells the reader that `octets` went past it by splice.
  virtual void spliced(std::uint64_t /*octets*/) {}
};

/// Content that lies in memory, which must outlive the reader.
class MemoryBody final : public BodyReader {
 public:
  explicit MemoryBody(std::string_view bytes) : bytes_(bytes) {}
  Task<Result<Chunk>> read() override { return Result<Chunk>(Chunk{std::exchange(bytes_, {}), true}); }
  [[nodiscard]] std::optional<std::uint64_t> remaining() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

}  // namespace sluice::http

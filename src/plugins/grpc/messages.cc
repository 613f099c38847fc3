// SPDX-License-Identifier: Apache-2.0
#include "plugins/grpc/messages.h"

namespace sluice::plugins::grpc {
namespace {

constexpr std::size_t kPrefix = 5;

}  // namespace

void append_frame(std::string& out, std::uint8_t flags, std::string_view payload) {
  out += static_cast<char>(flags);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(payload.size() >> shift);
  out.append(payload);
}

Result<std::optional<std::string_view>> MessageSplitter::next() {
  const std::string_view left = std::string_view(bytes_).substr(at_);
  if (left.size() < kPrefix) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) size = size << 8U | static_cast<std::uint8_t>(left[i]);
  if (size > kMostOctets) return fail(Errc::TooLarge, "gRPC message over 10 MiB", Blame::Upstream);
  if ((static_cast<std::uint8_t>(left[0]) & kCompressed) != 0) {
    return fail(Errc::Unsupported, "compressed gRPC message", Blame::Upstream);
  }
  if (left.size() < kPrefix + size) return std::nullopt;
  at_ += kPrefix + size;
  return left.substr(kPrefix, size);
}

}  // namespace sluice::plugins::grpc

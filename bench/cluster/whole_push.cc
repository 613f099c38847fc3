// SPDX-License-Identifier: Apache-2.0
#include "cluster/whole_push.h"

#include <array>
#include <memory>

#include <zlib.h>

namespace sluice::bench {
namespace {

constexpr std::string_view kName = "\"config_hash\":\"";
constexpr std::size_t kHashSize = 32;
constexpr int kGzip = 16 + MAX_WBITS;

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

/// Looks through the text as it is unpacked: a hundred thousand entities need not lie in memory for one member.
Result<std::string> find_hash(const std::string& frame) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) return fail(Errc::Internal, "inflateInit2");
  const std::unique_ptr<z_stream, EndInflate> owner(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(frame.data()));
  stream.avail_in = static_cast<uInt>(frame.size());
  std::array<char, 64 * 1024> piece;
  std::string window;
  for (int outcome = Z_OK; outcome == Z_OK;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    outcome = inflate(&stream, Z_NO_FLUSH);
    if (outcome != Z_OK && outcome != Z_STREAM_END) break;
    window.append(piece.data(), piece.size() - stream.avail_out);
    const std::size_t at = window.find(kName);
    if (at != window.npos && window.size() >= at + kName.size() + kHashSize) {
      return window.substr(at + kName.size(), kHashSize);
    }
    const std::size_t keep = kName.size() + kHashSize;
    if (at == window.npos && window.size() > keep) window.erase(0, window.size() - keep);
  }
  return fail(Errc::Invalid, "no config_hash in a frame of protocol 1");
}

}  // namespace

Result<std::string> WholePushes::hash_of(const std::string& frame) {
  const std::size_t key = std::hash<std::string_view>()(frame);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  TRY(std::string hash, find_hash(frame));
  known_.emplace(key, hash);
  return hash;
}

}  // namespace sluice::bench

// SPDX-License-Identifier: Apache-2.0
#include "sync/plane_name.h"

#include "crypto/hash.h"

namespace sluice::sync {
namespace {

constexpr std::size_t kDigits = 10;

}  // namespace

std::string plane_prefix(const Uuid& control_plane) {
  return crypto::sha256_hex("control plane " + control_plane.to_string()).substr(0, kDigits);
}

std::string_view plane_prefix_in(std::string_view server_name) {
  const std::string_view first = server_name.substr(0, server_name.find('.'));
  const bool hexadecimal = first.find_first_not_of("0123456789abcdef") == first.npos;
  return first.size() == kDigits && hexadecimal ? first : std::string_view();
}

}  // namespace sluice::sync

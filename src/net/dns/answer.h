// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"

namespace sluice::net::dns {

/// Record types by their number on the wire.
enum class RecordType : std::uint16_t { A = 1, Aaaa = 28, Srv = 33 };

/// One address of a name. Port and weight come from SRV records; 0: the answer names none.
struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;
  std::uint16_t weight = 0;
  std::string name = {};  // of the host that an SRV record names; empty: none did
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// What a name resolved to. Immutable: a changed answer is a new object, so comparing pointers tells whether a name was
/// resolved again.
struct Answer {
  std::vector<Endpoint> endpoints;  // never empty, in the order of the server's answer
  RecordType type = RecordType::A;  // of the records
  std::vector<IpAddress> others;    // of the other family, for who races; empty: none, or not asked for yet
  std::int64_t ttl_ms = 0;          // 0: valid for the one who asked only
  std::int64_t expires_ms = 0;      // monotonic clock; INT64_MAX: never
};

using AnswerPtr = std::shared_ptr<const Answer>;

}  // namespace sluice::net::dns

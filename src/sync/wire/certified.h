// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace sluice::sync::wire {

/// A call of a node of ours: [{"version","hash"}], what it serves. The control plane answers with its signature of just
/// that as a snapshot file (sync/snapshot_file.h), so that the node can leave a copy where others find it. An error
/// where it has something newer by now, or has no time: the node asks again.
inline constexpr std::string_view kCertify = "sluice.snapshot.v1.certify";

struct Certified {
  std::string made_by;  // as the header of the file has it
  double made_at = 0;   // Unix seconds, likewise
  std::string signature;
  std::string certificate;  // PEM of whose signature that is, with those that lead up to its authority
};
/// The result object.
std::string to_text(const Certified& certified);
Result<Certified> read_certified(const Json& result);

}  // namespace sluice::sync::wire

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "sync/delta.h"
#include "sync/signature.h"

namespace sluice::sync {

/// A whole configuration that travels by file or bucket.
struct Snapshot {
  std::string control_plane;  // UUID
  std::string version;        // wire form
  std::string hash;           // of digest.h
  std::string made_by;        // "sluice/0.1.0"
  double made_at = 0;         // Unix seconds
  Delta rows;                 // complete
};

/// One gzipped text: a line of JSON with the header, a line per row, a last line with signature and certificate over
/// the SHA-256 of all before. Secrets stand in it in the clear (data planes need them): guard it like a key.
std::string write_snapshot(const Snapshot& snapshot, const Signer& signer);
/// Checks signature, issuer (against `trusted_pem` and `server_name`, by the wall clock `now`), digest and format;
/// nothing of a file that fails is used. `limit`: octets unpacked.
Result<Snapshot> read_snapshot(std::string_view octets, std::string_view trusted_pem, double now, std::size_t limit,
                               std::string_view server_name = {});

}  // namespace sluice::sync

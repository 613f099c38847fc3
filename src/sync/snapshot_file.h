// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/hash.h"
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

/// By type, then by id: the order in which rows are signed.
void order_rows(std::vector<EntityRow>& rows);

/// What the signature of a snapshot is about. A control plane signs what its data planes write: it needs the rows, not
/// the file.
class SnapshotStatement {
 public:
  /// `header.rows` does not matter, `count` does.
  SnapshotStatement(const Snapshot& header, std::size_t count);
  /// In the order of order_rows().
  void add(const EntityRow& row);
  /// Once, behind the last row.
  [[nodiscard]] std::string finish();

 private:
  crypto::Digest digest_{crypto::Hash::Sha256};
};

/// One gzipped text: a line of JSON with the header, a line per row, a last line with signature and certificate over
/// the SHA-256 of all before. Secrets stand in it in the clear (data planes need them): guard it like a key. Rows go in
/// as they stand, in the order of order_rows(); `signature` is over SnapshotStatement, `certificate_pem` of its key.
std::string write_snapshot(const Snapshot& snapshot, std::string_view signature, std::string_view certificate_pem);
/// The same by whoever has the key.
std::string write_snapshot(const Snapshot& snapshot, const Signer& signer);
/// The header alone, of the beginning of a file (kSnapshotHead octets suffice); nothing in it can be trusted.
inline constexpr std::size_t kSnapshotHead = 16'384;
Result<Snapshot> peek_snapshot(std::string_view beginning);
/// Checks signature, issuer (against `trusted_pem` and `server_name`, by the wall clock `now`), digest and format;
/// nothing of a file that fails is used. `limit`: octets unpacked.
Result<Snapshot> read_snapshot(std::string_view octets, std::string_view trusted_pem, double now, std::size_t limit,
                               std::string_view server_name = {});

}  // namespace sluice::sync

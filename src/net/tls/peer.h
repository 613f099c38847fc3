// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "crypto/pem.h"
#include "net/stream.h"
#include "net/tls/trust_store.h"

namespace sluice::net::tls {

/// The certificate that the other side of a TLS connection presented; nothing on a plain one, or when it has none.
[[nodiscard]] std::optional<crypto::Certificate> peer_certificate(const Stream& stream);

/// Whether certificates must be valid at this moment, or may have ended.
enum class Validity : bool { Now, AnyTime };

/// Judges what a client presented under ClientAuth::Any: whether its chain ends in `trust` by way of at most `depth`
/// intermediates, may authenticate clients, and is valid. The error names OpenSSL's reason.
[[nodiscard]] Result<> verify_client(const Stream& stream, const TrustStore& trust, int depth,
                                     Validity validity = Validity::Now);

/// Whether the certificate that the other side presented is for `host`, a name or an address. Its chain is another
/// question.
[[nodiscard]] Result<> verify_name(const Stream& stream, const std::string& host);

}  // namespace sluice::net::tls

// SPDX-License-Identifier: Apache-2.0
#include "net/tls/profile.h"

#include <array>
#include <bit>
#include <utility>

namespace sluice::net::tls {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 4> kVersions = {{
    {"TLSv1", TLS1_VERSION},
    {"TLSv1.1", TLS1_1_VERSION},
    {"TLSv1.2", TLS1_2_VERSION},
    {"TLSv1.3", TLS1_3_VERSION},
}};

int number_of(Version version) {
  return kVersions[static_cast<std::size_t>(version)].second;
}

}  // namespace

Result<Profile> Profile::named(std::string_view name) {
  Profile profile;
  if (name == "intermediate") return profile;
  if (name == "modern") {
    profile.oldest = Version::Tls13;
    return profile;
  }
  if (name == "old") {
    profile.oldest = Version::Tls10;
    profile.ciphers +=
        ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
        "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
        "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA";
    profile.prefer_server_order = true;  // old clients put weak suites first
    profile.security_level = 0;
    return profile;
  }
  return fail(Errc::Invalid, "no such cipher suite: " + std::string(name) + " (modern, intermediate, old)");
}

Profile Profile::custom(std::string ciphers) {
  Profile profile;
  profile.ciphers = std::move(ciphers);
  return profile;
}

Result<> Profile::set_protocols(std::string_view list) {
  unsigned chosen = 0;
  while (!list.empty()) {
    const std::size_t space = list.find(' ');
    const std::string_view word = list.substr(0, space);
    list.remove_prefix(space == std::string_view::npos ? list.size() : space + 1);
    if (word.empty()) continue;
    std::size_t i = 0;
    while (i < kVersions.size() && kVersions[i].first != word) ++i;
    if (i == kVersions.size()) return fail(Errc::Invalid, "no such TLS protocol: " + std::string(word));
    chosen |= 1U << i;
  }
  if (chosen == 0) return fail(Errc::Invalid, "no TLS protocol is enabled");
  const int low = std::countr_zero(chosen);
  if (!std::has_single_bit((chosen >> low) + 1)) return fail(Errc::Invalid, "the enabled TLS protocols have a gap");
  oldest = static_cast<Version>(low);
  newest = static_cast<Version>(std::bit_width(chosen) - 1);
  if (oldest < Version::Tls12) security_level = 0;
  return {};
}

Result<> Profile::apply(SSL_CTX* context) const {
  SSL_CTX_set_security_level(context, security_level);
  if (SSL_CTX_set_min_proto_version(context, number_of(oldest)) != 1 ||
      SSL_CTX_set_max_proto_version(context, number_of(newest)) != 1) {
    return config_failure("TLS protocols");
  }
  if (SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1) return config_failure("TLS ciphers " + ciphers);
  if (SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1) return config_failure("TLS 1.3 ciphers " + suites);
  if (SSL_CTX_set1_groups_list(context, groups.c_str()) != 1) return config_failure("TLS groups " + groups);
  if (prefer_server_order) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // libssl then takes all that the BIO has, instead of asking for each record's header and body in turn.
  SSL_CTX_set_read_ahead(context, 1);
  return {};
}

}  // namespace sluice::net::tls

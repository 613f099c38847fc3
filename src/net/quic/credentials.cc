// SPDX-License-Identifier: Apache-2.0
#include "net/quic/credentials.h"

#include <stdexcept>
#include <utility>

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/secret.h"
#include "net/quic/handshake.h"

namespace sluice::net::quic {
namespace {

// As tls::Profile has them for TLS 1.3. What makes TLS 1.3 pass old middleboxes has no place in QUIC (RFC 9001, 8.4).
constexpr const char* kPriorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:%DISABLE_TLS13_COMPAT_MODE";
constexpr std::size_t kMostKept = 1024;

std::unexpected<Error> refused(int code) {
  return fail(Errc::Invalid, std::string("HTTP/3 cannot use this certificate: ") + ::gnutls_strerror(code));
}

/// The DER form that `encode` writes, wiped when it goes.
template <class Object, class Encode>
Secret<std::string> der_of(Object* object, Encode encode) {
  unsigned char* octets = nullptr;
  const int size = encode(object, &octets);
  if (size <= 0) return {};
  Secret<std::string> text(std::string(reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)));
  OPENSSL_clear_free(octets, static_cast<std::size_t>(size));
  return text;
}

gnutls_datum_t datum(const std::string& text) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())), static_cast<unsigned>(text.size())};
}

}  // namespace

PresentedIdentity::PresentedIdentity(PresentedIdentity&& other) noexcept
    : chain_(std::exchange(other.chain_, {})),
      key_(std::exchange(other.key_, nullptr)),
      algorithm_(other.algorithm_),
      staple_(other.staple_) {}

PresentedIdentity::~PresentedIdentity() {
  for (gnutls_pcert_st& certificate : chain_) ::gnutls_pcert_deinit(&certificate);
  if (key_ != nullptr) ::gnutls_privkey_deinit(key_);
}

Result<PresentedIdentity> PresentedIdentity::from(const tls::Identity& identity) {
  PresentedIdentity made(identity.staple());
  TRY(made.import(identity));
  return made;
}

Result<> PresentedIdentity::import(const tls::Identity& identity) {
  for (const crypto::Certificate& certificate : identity.chain()) {
    const auto der = der_of(certificate.handle(), [](X509* from, unsigned char** to) { return i2d_X509(from, to); });
    const gnutls_datum_t view = datum(der.reveal());
    gnutls_pcert_st imported{};
    const int failed = ::gnutls_pcert_import_x509_raw(&imported, &view, GNUTLS_X509_FMT_DER, 0);
    if (failed != 0) return refused(failed);
    chain_.push_back(imported);
  }
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, decltype(&PKCS8_PRIV_KEY_INFO_free)> plain(
      EVP_PKEY2PKCS8(identity.key().handle()), PKCS8_PRIV_KEY_INFO_free);
  if (plain == nullptr) return fail(Errc::Invalid, "HTTP/3 cannot use this certificate: its key cannot be read");
  const auto der = der_of(
      plain.get(), [](PKCS8_PRIV_KEY_INFO* from, unsigned char** to) { return i2d_PKCS8_PRIV_KEY_INFO(from, to); });
  const gnutls_datum_t view = datum(der.reveal());
  int failed = ::gnutls_privkey_init(&key_);
  if (failed == 0)
    failed = ::gnutls_privkey_import_x509_raw(key_, &view, GNUTLS_X509_FMT_DER, nullptr, GNUTLS_PKCS_PLAIN);
  if (failed != 0) return refused(failed);
  algorithm_ = static_cast<gnutls_pk_algorithm_t>(::gnutls_privkey_get_pk_algorithm(key_, nullptr));
  return {};
}

Credentials::Credentials() {
  const bool made = ::gnutls_certificate_allocate_credentials(&handle_) == 0 &&
                    ::gnutls_priority_init(&priorities_, kPriorities, nullptr) == 0;
  if (!made) throw std::runtime_error("HTTP/3: GnuTLS does not know our algorithms");
  ::gnutls_certificate_set_retrieve_function3(handle_, Handshake::choose_identity);
}

Credentials::~Credentials() {
  ::gnutls_priority_deinit(priorities_);
  ::gnutls_certificate_free_credentials(handle_);
}

/// Those of an earlier generation that no handshake refers to any more.
void Credentials::forget_unused() {
  std::erase_if(kept_,
                [](const auto& entry) { return entry.second.use_count() == 1 && entry.second->from.use_count() == 1; });
  if (kept_.size() >= kMostKept) kept_.clear();  // handshakes under way keep theirs
}

Result<std::shared_ptr<PresentedSet>> Credentials::presented(
    const std::shared_ptr<const tls::IdentitySet>& identities) {
  if (const auto found = kept_.find(identities.get()); found != kept_.end()) return found->second;
  forget_unused();
  auto made = std::make_shared<PresentedSet>();
  made->from = identities;
  for (const tls::Identity& identity : identities->identities()) {
    TRY(PresentedIdentity presented, PresentedIdentity::from(identity));
    made->identities.push_back(std::move(presented));
  }
  kept_.emplace(identities.get(), made);
  return made;
}

}  // namespace sluice::net::quic

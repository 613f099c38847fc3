// SPDX-License-Identifier: Apache-2.0
#include "net/tls/ticket_keys.h"

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "base/assert.h"

namespace sluice::net::tls {
namespace {

std::int64_t steady_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TicketKeys::Key fresh_key() {
  TicketKeys::Key key;
  static_assert(sizeof key == 80);
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&key), sizeof key) != 1) {
    throw std::runtime_error("no random numbers for session tickets");
  }
  return key;
}

int index_of_keys() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

const EVP_CIPHER* ticket_cipher() {
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);  // fetching costs microseconds
  return cipher;
}

bool set_up_mac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/// OpenSSL's contract: 1 proceeds, 2 proceeds and issues a new ticket, 0 does without the ticket, -1 fails.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_keys()));
  TicketKeys::Key key;
  int outcome = -1;
  if (seal == 1) {
    key = keys->current();
    std::memcpy(name, key.name.data(), key.name.size());
    const bool ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) == 1 &&
                    EVP_EncryptInit_ex(cipher, ticket_cipher(), nullptr, key.cipher.data(), iv) == 1 &&
                    set_up_mac(mac, key);
    outcome = ok ? 1 : -1;
  } else {
    const TicketKeys::Match match = keys->find(name, key);
    if (match == TicketKeys::Match::None) return 0;
    const bool ok =
        set_up_mac(mac, key) && EVP_DecryptInit_ex(cipher, ticket_cipher(), nullptr, key.cipher.data(), iv) == 1;
    // A TLS 1.3 client uses a ticket once (RFC 8446, C.4): without a new one every second handshake would be a full
    // one.
    const bool renew = match == TicketKeys::Match::Previous || SSL_version(ssl) == TLS1_3_VERSION;
    outcome = !ok ? -1 : renew ? 2 : 1;
  }
  OPENSSL_cleanse(&key, sizeof key);
  return outcome;
}

}  // namespace

TicketKeys::TicketKeys(std::function<std::int64_t()> now_s)
    : now_s_(now_s ? std::move(now_s) : steady_seconds), current_(fresh_key()), rotated_at_s_(now_s_()) {}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(&current_, sizeof current_);
  OPENSSL_cleanse(&previous_, sizeof previous_);
}

TicketKeys::Key TicketKeys::current() {
  std::lock_guard lock(mutex_);
  rotate_if_due();
  return current_;
}

TicketKeys::Match TicketKeys::find(const unsigned char* name, Key& key) {
  std::lock_guard lock(mutex_);
  rotate_if_due();
  if (std::memcmp(name, current_.name.data(), current_.name.size()) == 0) {
    key = current_;
    return Match::Current;
  }
  if (has_previous_ && std::memcmp(name, previous_.name.data(), previous_.name.size()) == 0) {
    key = previous_;
    return Match::Previous;
  }
  return Match::None;
}

void TicketKeys::rotate_if_due() {
  const std::int64_t age = now_s_() - rotated_at_s_;
  if (age < kLifetimeS) return;
  has_previous_ = age < 2 * kLifetimeS;  // after a long sleep the current key is too old to open anything
  previous_ = has_previous_ ? current_ : Key{};
  current_ = fresh_key();
  rotated_at_s_ += age / kLifetimeS * kLifetimeS;
}

std::int64_t TicketKeys::rotated_at_s() {
  std::lock_guard lock(mutex_);
  rotate_if_due();
  return rotated_at_s_;
}

/// What save() writes. Both processes run on this machine, so that its octets' order and its monotonic clock are the
/// same for both.
struct TicketKeys::Saved {
  static constexpr std::array<char, 8> kMark = {'t', 'i', 'c', 'k', 'e', 't', 's', '1'};

  std::array<char, 8> mark = kMark;
  std::int64_t rotated_at_s = 0;
  std::int64_t has_previous = 0;
  Key current;
  Key previous;
};

Secret<std::string> TicketKeys::save() {
  Saved saved;
  std::lock_guard lock(mutex_);
  rotate_if_due();
  saved.rotated_at_s = rotated_at_s_;
  saved.has_previous = has_previous_ ? 1 : 0;
  saved.current = current_;
  saved.previous = previous_;
  std::string octets(reinterpret_cast<const char*>(&saved), sizeof saved);
  OPENSSL_cleanse(&saved, sizeof saved);
  return Secret<std::string>(std::move(octets));
}

bool TicketKeys::restore(std::string_view octets) {
  Saved saved;
  if (octets.size() != sizeof saved) return false;
  std::memcpy(&saved, octets.data(), sizeof saved);
  const bool fits = saved.mark == Saved::kMark && saved.rotated_at_s <= now_s_();
  if (fits) {
    std::lock_guard lock(mutex_);
    current_ = saved.current;
    previous_ = saved.previous;
    has_previous_ = saved.has_previous != 0;
    rotated_at_s_ = saved.rotated_at_s;
    rotate_if_due();
  }
  OPENSSL_cleanse(&saved, sizeof saved);
  return fits;
}

void TicketKeys::install(SSL_CTX* context) {
  SLUICE_ASSERT(SSL_CTX_set_ex_data(context, index_of_keys(), this) == 1);
  SLUICE_ASSERT(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1);
}

}  // namespace sluice::net::tls

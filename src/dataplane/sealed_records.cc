// SPDX-License-Identifier: Apache-2.0
#include "dataplane/sealed_records.h"

#include <cstring>
#include <utility>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "crypto/random.h"

namespace sluice::dataplane {
namespace {

constexpr std::string_view kMagic{"SLUICEC1", 8};
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kHead = 4 + 1;  // length, kind
constexpr std::string_view kExtractSalt = "sluice data plane cache 1";
constexpr std::string_view kExpandInfo = "sluice cache file 1";

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets(std::string& text, std::size_t at = 0) {
  return reinterpret_cast<unsigned char*>(text.data() + at);
}

/// Fetched once: OpenSSL 3 looks a cipher up in its providers on every use otherwise.
const EVP_CIPHER* cipher() {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  SLUICE_ASSERT(kCipher != nullptr);
  return kCipher;
}

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  out.append(bytes, sizeof value);
}

std::uint32_t length_at(std::string_view octets) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(octets[i])} << (8 * i);
  return value;
}

/// What the seal covers besides the content: length and kind as they stand in the file, and the place.
std::string bound_to(std::string_view head, std::uint64_t index) {
  std::string text(head);
  put(text, index);
  return text;
}

}  // namespace

/// HKDF-SHA-256 (RFC 5869): extract here, expand in of_file(). The key's DER form, so that a key that was only wrapped
/// anew (PKCS #8 instead of SEC 1) is the same.
Result<CacheKey> CacheKey::from_cluster_key(const Secret<std::string>& cluster_key_pem) {
  TRY(const auto key, crypto::PrivateKey::parse(cluster_key_pem.reveal()));
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key.handle(), &der);
  if (size <= 0) return fail(Errc::Unsupported, "the cluster key has no form to derive from");
  Secret<std::string> material(std::string(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return CacheKey(Secret(crypto::hmac_sha256(kExtractSalt, material.reveal())));
}

Result<CacheKey> CacheKey::from_octets(std::string_view octets) {
  if (octets.size() != kSize) return fail(Errc::Invalid, "a key of another length", Blame::System);
  return CacheKey(Secret(std::string(octets)));
}

Secret<std::string> CacheKey::of_file(std::string_view salt) const {
  std::string info(kExpandInfo);
  info.append(salt).append(1, '\x01');
  return Secret(crypto::hmac_sha256(octets_.reveal(), info));
}

void RecordSeal::FreeContext::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

RecordSeal::RecordSeal(RecordSeal&&) noexcept = default;
RecordSeal& RecordSeal::operator=(RecordSeal&&) noexcept = default;
RecordSeal::~RecordSeal() = default;

RecordSeal::RecordSeal(const CacheKey& key, std::string prelude)
    : prelude_(std::move(prelude)), sealing_(EVP_CIPHER_CTX_new()), opening_(EVP_CIPHER_CTX_new()) {
  SLUICE_ASSERT(sealing_ != nullptr && opening_ != nullptr);
  const Secret<std::string> secret = key.of_file(std::string_view(prelude_).substr(kMagic.size()));
  const bool ready = EVP_CipherInit_ex2(sealing_.get(), cipher(), octets(secret.reveal()), nullptr, 1, nullptr) == 1 &&
                     EVP_CipherInit_ex2(opening_.get(), cipher(), octets(secret.reveal()), nullptr, 0, nullptr) == 1;
  SLUICE_ASSERT(ready);
}

RecordSeal::RecordSeal(const CacheKey& key)
    : RecordSeal(key, std::string(kMagic) + crypto::random_octets(kPrelude - kMagic.size())) {}

Result<RecordSeal> RecordSeal::of(const CacheKey& key, std::string_view prelude) {
  if (prelude.size() != kPrelude || !prelude.starts_with(kMagic)) {
    return fail(Errc::Unsupported, "not a configuration cache of this format", Blame::System);
  }
  return RecordSeal(key, std::string(prelude));
}

void RecordSeal::seal(std::string& out, std::uint64_t index, RecordKind kind, std::string_view content) {
  SLUICE_ASSERT(content.size() <= kMaxRecord);
  const std::size_t begin = out.size();
  put(out, static_cast<std::uint32_t>(content.size()));
  out.push_back(static_cast<char>(kind));
  const std::string bound = bound_to(std::string_view(out).substr(begin), index);
  out.append(crypto::random_octets(kNonce));
  const std::size_t body = out.size();
  out.resize(body + content.size() + kTag);
  int size = 0;
  bool good = EVP_CipherInit_ex2(sealing_.get(), nullptr, nullptr, octets(out, body - kNonce), 1, nullptr) == 1;
  good = good && EVP_CipherUpdate(sealing_.get(), nullptr, &size, octets(bound), static_cast<int>(bound.size())) == 1;
  good = good && EVP_CipherUpdate(sealing_.get(), octets(out, body), &size, octets(content),
                                  static_cast<int>(content.size())) == 1;
  good = good && EVP_CipherFinal_ex(sealing_.get(), octets(out, body + content.size()), &size) == 1;
  good =
      good && EVP_CIPHER_CTX_ctrl(sealing_.get(), EVP_CTRL_AEAD_GET_TAG, kTag, octets(out, body + content.size())) == 1;
  SLUICE_ASSERT(good);
}

Result<RecordSeal::Opened> RecordSeal::open(std::string_view from, std::uint64_t index) {
  const auto cut_off = [] { return fail(Errc::Closed, "cut off", Blame::System); };
  if (from.size() < kHead) return cut_off();
  const std::size_t length = length_at(from);
  if (length > kMaxRecord || from.size() < length + kOverhead) return cut_off();
  const std::string bound = bound_to(from.substr(0, kHead), index);
  const std::string_view nonce = from.substr(kHead, kNonce);
  const std::string_view ciphertext = from.substr(kHead + kNonce, length);
  std::string tag(from.substr(kHead + kNonce + length, kTag));
  Opened opened{static_cast<RecordKind>(from[4]), std::string(length, '\0'), length + kOverhead};
  unsigned char rest[kTag];
  int size = 0;
  bool good = EVP_CipherInit_ex2(opening_.get(), nullptr, nullptr, octets(nonce), 0, nullptr) == 1;
  good = good && EVP_CipherUpdate(opening_.get(), nullptr, &size, octets(bound), static_cast<int>(bound.size())) == 1;
  good = good && EVP_CipherUpdate(opening_.get(), octets(opened.content), &size, octets(ciphertext),
                                  static_cast<int>(length)) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(opening_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1;
  good = good && EVP_CipherFinal_ex(opening_.get(), rest, &size) == 1;
  if (!good) return fail(Errc::Invalid, "damaged, or sealed under another cluster key", Blame::System);
  return opened;
}

}  // namespace sluice::dataplane

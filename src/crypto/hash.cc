// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/assert.h"
#include "base/strings.h"

namespace sluice::crypto {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using MdContext = std::unique_ptr<EVP_MD_CTX, Free>;

struct Algorithm {
  EVP_MD* md;
  std::size_t block;  // octets, for HMAC
};

/// Fetched once and kept for ever: OpenSSL 3 looks an algorithm up in its providers on every use otherwise, which costs
/// more than hashing a short text.
const Algorithm& algorithm(Hash hash) {
  static const Algorithm kAll[] = {{EVP_MD_fetch(nullptr, "MD5", nullptr), 64},
                                   {EVP_MD_fetch(nullptr, "SHA1", nullptr), 64},
                                   {EVP_MD_fetch(nullptr, "SHA256", nullptr), 64},
                                   {EVP_MD_fetch(nullptr, "SHA384", nullptr), 128},
                                   {EVP_MD_fetch(nullptr, "SHA512", nullptr), 128}};
  const Algorithm& found = kAll[static_cast<std::size_t>(hash)];
  SLUICE_ASSERT(found.md != nullptr);  // a FIPS-only provider lacks MD5
  return found;
}

EVP_MD_CTX* thread_context() {
  thread_local MdContext context(EVP_MD_CTX_new());
  return context.get();
}

std::string finish(EVP_MD_CTX* context) {
  unsigned char octets[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const int ended = EVP_DigestFinal_ex(context, octets, &size);
  SLUICE_ASSERT(ended == 1);
  return {reinterpret_cast<const char*>(octets), size};
}

void start(EVP_MD_CTX* context, Hash hash) {
  const int started = EVP_DigestInit_ex2(context, algorithm(hash).md, nullptr);
  SLUICE_ASSERT(started == 1);
}

std::string digest_two(Hash hash, std::string_view first, std::string_view second) {
  EVP_MD_CTX* context = thread_context();
  start(context, hash);
  EVP_DigestUpdate(context, first.data(), first.size());
  EVP_DigestUpdate(context, second.data(), second.size());
  return finish(context);
}

}  // namespace

std::string digest(Hash hash, std::string_view data) {
  return digest_two(hash, data, {});
}

std::string hmac(Hash hash, std::string_view key, std::string_view data) {
  std::string pad(key.size() > algorithm(hash).block ? digest(hash, key) : std::string(key));
  pad.resize(algorithm(hash).block, '\0');
  constexpr unsigned char kInner = 0x36;
  constexpr unsigned char kOuter = 0x5C;
  for (char& c : pad) c = static_cast<char>(c ^ kInner);
  const std::string inner = digest_two(hash, pad, data);
  for (char& c : pad) c = static_cast<char>(c ^ (kInner ^ kOuter));
  std::string outer = digest_two(hash, pad, inner);
  OPENSSL_cleanse(pad.data(), pad.size());
  return outer;
}

std::string md5(std::string_view data) {
  return digest(Hash::Md5, data);
}
std::string sha1(std::string_view data) {
  return digest(Hash::Sha1, data);
}
std::string sha256(std::string_view data) {
  return digest(Hash::Sha256, data);
}
std::string hmac_sha256(std::string_view key, std::string_view data) {
  return hmac(Hash::Sha256, key, data);
}

std::string md5_hex(std::string_view data) {
  return to_hex(md5(data));
}
std::string sha1_hex(std::string_view data) {
  return to_hex(sha1(data));
}
std::string sha256_hex(std::string_view data) {
  return to_hex(sha256(data));
}

struct Digest::Context {
  MdContext md{EVP_MD_CTX_new()};
};

Digest::Digest(Hash hash) : context_(std::make_unique<Context>()), hash_(hash) {
  start(context_->md.get(), hash_);
}
Digest::~Digest() = default;

Digest& Digest::update(std::string_view data) {
  EVP_DigestUpdate(context_->md.get(), data.data(), data.size());
  return *this;
}

std::string Digest::finish() {
  std::string octets = crypto::finish(context_->md.get());
  start(context_->md.get(), hash_);
  return octets;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sluice::crypto

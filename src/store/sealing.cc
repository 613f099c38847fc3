// SPDX-License-Identifier: Apache-2.0
#include "store/sealing.h"

#include <utility>
#include <vector>

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/strings.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "store/durable.h"
#include "store/member.h"

namespace sluice::store {
namespace {

constexpr std::string_view kMark = R"("\u0073ealed:)";
constexpr int kNonceSize = 12;
constexpr int kTagSize = 16;

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

/// Fetched once: OpenSSL 3 looks a cipher up in its providers on every use otherwise.
const EVP_CIPHER* cipher() {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  SLUICE_ASSERT(kCipher != nullptr);
  return kCipher;
}

std::string row_name(std::string_view type, const Uuid& id) {
  return std::string(type) + '/' + id.to_string();
}

}  // namespace

void Sealer::FreeContext::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

Sealer::Sealer(const entity::Catalog& catalog, Keyring& keyring)
    : catalog_(catalog), keyring_(keyring), placeholder_('\x01' + crypto::random_token(16)) {}
Sealer::~Sealer() = default;

bool Sealer::may_hold_secrets(const schema::EntityBase& type) {
  const auto [at, added] = may_hold_secrets_.try_emplace(&type, false);
  if (added) at->second = type.may_hold_secrets();
  return at->second;
}

Result<evp_cipher_ctx_st*> Sealer::context(std::string_view key, Direction direction) {
  std::string name(direction == Direction::Seal ? "+" : "-");
  name += key;
  Context& context = contexts_[std::move(name)];
  if (context != nullptr) return context.get();
  const Secret<std::string>* secret = keyring_.find(key);
  if (secret == nullptr) {
    TRY(keyring_.refresh());  // `sluice restore` may have added it
    secret = keyring_.find(key);
  }
  if (secret == nullptr) {
    return fail(Errc::Forbidden, "a secret is sealed under key " + std::string(key) + ", which the keyring " +
                                     keyring_.file() +
                                     " does not hold; put back the keyring that belongs to this store");
  }
  Context made(EVP_CIPHER_CTX_new());
  SLUICE_ASSERT(made != nullptr);
  const int encrypt = direction == Direction::Seal ? 1 : 0;
  const int ready = EVP_CipherInit_ex2(made.get(), cipher(), octets(secret->reveal()), nullptr, encrypt, nullptr);
  SLUICE_ASSERT(ready == 1);
  context = std::move(made);
  return context.get();
}

Result<std::string> Sealer::seal_text(std::string_view bound_to, std::string_view text) {
  TRY(keyring_.may_seal());
  TRY(auto* const gcm, context(keyring_.active(), Direction::Seal));
  std::string out = crypto::random_octets(kNonceSize);
  out.resize(kNonceSize + text.size() + kTagSize);
  unsigned char* body = octets(out) + kNonceSize;
  int size = 0;
  bool good = EVP_CipherInit_ex2(gcm, nullptr, nullptr, octets(out), 1, nullptr) == 1;
  good = good && EVP_CipherUpdate(gcm, nullptr, &size, octets(bound_to), static_cast<int>(bound_to.size())) == 1;
  good = good && EVP_CipherUpdate(gcm, body, &size, octets(text), static_cast<int>(text.size())) == 1;
  good = good && EVP_CipherFinal_ex(gcm, body + text.size(), &size) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, kTagSize, body + text.size()) == 1;
  SLUICE_ASSERT(good);
  return keyring_.active() + ':' + base64_encode(out);
}

Result<std::string> Sealer::open_text(std::string_view bound_to, std::string_view sealed) {
  const std::size_t colon = sealed.find(':');
  if (colon == sealed.npos) return fail(Errc::Invalid, "a sealed secret is malformed", Blame::System);
  TRY(auto* const gcm, context(sealed.substr(0, colon), Direction::Open));
  TRY(std::string in, base64_decode(sealed.substr(colon + 1)));
  if (in.size() < kNonceSize + kTagSize) return fail(Errc::Invalid, "a sealed secret is too short", Blame::System);
  const std::size_t length = in.size() - kNonceSize - kTagSize;
  std::string text(length, '\0');
  unsigned char* tag = octets(in) + kNonceSize + length;
  unsigned char rest[kTagSize];
  int size = 0;
  bool good = EVP_CipherInit_ex2(gcm, nullptr, nullptr, octets(in), 0, nullptr) == 1;
  good = good && EVP_CipherUpdate(gcm, nullptr, &size, octets(bound_to), static_cast<int>(bound_to.size())) == 1;
  good = good && EVP_CipherUpdate(gcm, octets(text), &size, octets(in) + kNonceSize, static_cast<int>(length)) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag) == 1;
  good = good && EVP_CipherFinal_ex(gcm, rest, &size) == 1;
  if (!good) {
    return fail(Errc::Invalid,
                "a sealed secret does not open: the store was changed from outside, or the keyring " + keyring_.file() +
                    " is another one with a key of the same name",
                Blame::System);
  }
  return text;
}

Result<std::string> Sealer::seal(std::string_view type, const Uuid& id, std::string_view document) {
  if (document.contains(kMark)) return fail(Errc::Internal, "a document is not in canonical form", Blame::Us);
  const bool internal = is_internal(type);
  const auto* described = internal ? nullptr : catalog_.find(type);
  if (!internal && described == nullptr) {
    return fail(Errc::Invalid, "no such type of entity: " + std::string(type), Blame::Us);
  }
  if (internal ? raw_member(document, kInternalSecret).empty() : !may_hold_secrets(*described)) {
    return std::string(document);
  }
  TRY(Json json, parse_json(document));
  std::vector<std::string> secrets;
  const auto take = [&](std::string& text) { secrets.push_back(std::exchange(text, placeholder_)); };
  if (!internal) described->visit_secrets(json, take);
  Json* hidden = internal ? json.find(kInternalSecret) : nullptr;
  if (hidden != nullptr && hidden->is_string()) take(hidden->as_string());
  if (secrets.empty()) return std::string(document);

  const std::string bound_to = row_name(type, id);
  const std::string written = to_json(json);
  const std::string placeholder = to_json(Json(placeholder_));
  std::string out;
  std::size_t from = 0;
  for (const auto& secret : secrets) {
    const std::size_t at = written.find(placeholder, from);
    SLUICE_ASSERT(at != written.npos);
    TRY(const auto sealed, seal_text(bound_to, secret));
    out.append(written, from, at - from).append(kMark).append(sealed) += '"';
    from = at + placeholder.size();
  }
  return out.append(written, from);
}

Result<std::string> Sealer::open(std::string_view type, const Uuid& id, std::string_view stored) {
  std::size_t at = stored.find(kMark);
  if (at == stored.npos) return std::string(stored);
  const std::string bound_to = row_name(type, id);
  std::string out;
  std::size_t from = 0;
  for (; at != stored.npos; at = stored.find(kMark, from)) {
    out.append(stored, from, at - from);
    const std::size_t begin = at + kMark.size();
    const std::size_t end = std::min(stored.find('"', begin), stored.size());
    auto text = open_text(bound_to, stored.substr(begin, end - begin));
    if (!text) return fail(bound_to + ": ", std::move(text).error());
    append_json_string(out, *text);
    from = std::min(end + 1, stored.size());
  }
  return out.append(stored, from);
}

std::string Sealer::mask(std::string_view stored) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = stored.find(kMark); at != stored.npos; at = stored.find(kMark, from)) {
    out.append(stored, from, at - from).append("\"***\"");
    from = std::min(stored.find('"', at + kMark.size()), stored.size() - 1) + 1;
  }
  return out.append(stored, from);
}

bool Sealer::stale(std::string_view stored) const {
  const std::string current = std::string(kMark) + keyring_.active() + ':';
  for (std::size_t at = stored.find(kMark); at != stored.npos; at = stored.find(kMark, at + 1)) {
    if (!stored.substr(at).starts_with(current)) return true;
  }
  return false;
}

std::string Sealer::digest(std::string_view value) const {
  return crypto::hmac_sha256(keyring_.index_key().reveal(), value);
}

}  // namespace sluice::store

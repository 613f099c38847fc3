// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.h"

#include <span>

#include "base/hash.h"
#include "base/random.h"
#include "base/strings.h"

namespace sluice {
namespace {

bool has_hyphen_before(std::size_t octet) {
  return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

}  // namespace

Result<Uuid> Uuid::parse(std::string_view text) {
  const auto malformed = [] { return fail(Errc::Invalid, "not a UUID", Blame::Client); };
  if (text.size() != kTextSize) return malformed();
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.octets.size(); ++i) {
    if (has_hyphen_before(i) && text[at++] != '-') return malformed();
    const int high = hex_value(text[at++]);
    const int low = hex_value(text[at++]);
    if (high < 0 || low < 0) return malformed();
    uuid.octets[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return uuid;
}

Uuid Uuid::random() {
  Uuid uuid;
  fill_random(std::as_writable_bytes(std::span(uuid.octets)));
  return uuid.with_version(4);
}

Uuid Uuid::with_version(std::uint8_t version) const {
  Uuid marked = *this;
  marked.octets[6] = static_cast<std::uint8_t>((marked.octets[6] & 0x0FU) | (std::uint32_t{version} << 4U));
  marked.octets[8] = static_cast<std::uint8_t>((marked.octets[8] & 0x3FU) | 0x80U);
  return marked;
}

void Uuid::write(char* out) const {
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (has_hyphen_before(i)) *out++ = '-';
    *out++ = kHex[octets[i] >> 4U];
    *out++ = kHex[octets[i] & 0xFU];
  }
}

std::string Uuid::to_string() const {
  std::string text(kTextSize, '\0');
  write(text.data());
  return text;
}

}  // namespace sluice

std::size_t std::hash<sluice::Uuid>::operator()(const sluice::Uuid& uuid) const noexcept {
  return sluice::hash_bytes({reinterpret_cast<const char*>(uuid.octets.data()), uuid.octets.size()});
}

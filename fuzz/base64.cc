// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include "input.h"

/// Any octets survive the way there and back, and what can be decoded has one spelling (but for its padding).
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::expect(base64_decode(base64_encode(text)) == text, "base64 there and back");
  fuzz::expect(base64url_decode(base64url_encode(text)) == text, "base64url there and back");

  const std::string_view unpadded = text.substr(0, text.find_last_not_of('=') + 1);
  if (auto octets = base64_decode(text)) fuzz::expect(base64_encode(*octets).starts_with(unpadded), "one spelling");
  if (auto octets = base64url_decode(text)) fuzz::expect(base64url_encode(*octets) == unpadded, "one spelling, url");
  return 0;
}

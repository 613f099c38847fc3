// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <string>

#include "input.h"

/// A header is found as soon as its last octet is there, not before, and whatever follows it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string text(fuzz::text_of(data, size));
  auto found = net::parse_proxy_header(text);
  if (!found || !*found) return 0;
  const net::ProxyHeader& header = **found;
  fuzz::expect(header.size > 0 && header.size <= text.size() && header.size <= net::kMaxProxyHeader,
               "a size in bounds");
  fuzz::expect(header.source.is_set() == header.destination.is_set(), "both addresses or none");

  auto exact = net::parse_proxy_header(std::string(text, 0, header.size));
  fuzz::expect(exact && *exact && (*exact)->size == header.size, "the same without what follows");
  fuzz::expect((*exact)->source.to_string() == header.source.to_string(), "the same source");
  auto cut = net::parse_proxy_header(std::string(text, 0, header.size - 1));
  fuzz::expect(cut && !*cut, "incomplete before its last octet");
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "net/tls/client_hello.h"

#include <algorithm>
#include <string>

#include "input.h"

/// The answer does not change when the octets come bit by bit, and a name is fit for a router and a log.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string text(fuzz::text_of(data, size));
  const auto whole = net::tls::parse_client_hello(text);
  const auto half = net::tls::parse_client_hello(std::string(text, 0, size / 2));
  fuzz::expect(half.has_value() || !whole, "what cannot begin a message cannot be one");
  if (half && *half) fuzz::expect(whole && *whole && (*half)->sni == (*whole)->sni, "the same, whatever follows");
  if (!whole || !*whole) return 0;
  const std::string& name = (*whole)->sni;
  fuzz::expect(name.size() <= 255, "a name in bounds");
  fuzz::expect(std::ranges::none_of(name, [](char c) { return c <= ' ' || c >= 0x7F || (c >= 'A' && c <= 'Z'); }),
               "no control octets, no capitals");
  return 0;
}

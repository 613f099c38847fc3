// SPDX-License-Identifier: Apache-2.0
// bench_upstream PORT: answers every request on 127.0.0.1:PORT; /bytes/N with N bytes, other paths with 200.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

#include "responder.h"

int main(int argc, char** argv) {
  const std::string_view text = argc == 2 ? argv[1] : "";
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    std::fputs("usage: bench_upstream PORT\n", stderr);
    return 2;
  }
  try {
    sluice::bench::Responder(port).run();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_upstream: %s\n", failure.what());
    return 1;
  }
}

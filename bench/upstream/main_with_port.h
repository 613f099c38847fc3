// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

namespace sluice::bench {

/// A program with one argument, a port: runs `serve(port)`, and says what is wrong.
template <class Serve>
int main_with_port(const char* name, int argc, char** argv, Serve serve) {
  const std::string_view text = argc == 2 ? argv[1] : "";
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    std::fprintf(stderr, "usage: %s PORT\n", name);
    return 2;
  }
  try {
    serve(port);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s: %s\n", name, failure.what());
  }
  return 1;
}

}  // namespace sluice::bench

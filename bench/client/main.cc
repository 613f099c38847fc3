// SPDX-License-Identifier: Apache-2.0
// bench_client: loads one port of this machine, open or closed loop, and prints one line of JSON.
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "load.h"

namespace {

using sluice::bench::LoadOptions;
using sluice::bench::LoadResult;
using sluice::bench::Reuse;

constexpr std::string_view kUsage = R"(usage: bench_client --port PORT [options]
  --path PATH         what to ask for (default: /)
  --paths FILE        one path a line, asked for in turn
  --header 'K: V'     added to each request; may be repeated
  --connections N     (default: 32)
  --seconds S         (default: 1)
  --rate R            requests a second, open loop: sent when due, measured from then (default: closed loop)
  --tls               speak TLS; OPENSSL_CONF chooses ciphers and curves
  --fresh             a new connection for each request
  --resume            the same, resuming TLS sessions
)";

double number(std::string_view name, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw std::invalid_argument(fmt::format("{} takes a number, not '{}'", name, text));
  }
  return value;
}

std::vector<std::string> read_lines(const std::string& file) {
  std::ifstream input(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(input, line);) lines.push_back(line);
  if (lines.empty()) throw std::invalid_argument("no paths in " + file);
  return lines;
}

LoadOptions parse(const std::vector<std::string>& words) {
  LoadOptions options;
  std::vector<std::string> paths = {"/"};
  std::string headers;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& name = words[i];
    const auto value = [&]() -> const std::string& {
      if (++i >= words.size()) throw std::invalid_argument(name + " takes a value");
      return words[i];
    };
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(number(name, value()));
    else if (name == "--path")
      paths = {value()};
    else if (name == "--paths")
      paths = read_lines(value());
    else if (name == "--header")
      headers += value() + "\r\n";
    else if (name == "--connections")
      options.connections = static_cast<std::size_t>(number(name, value()));
    else if (name == "--seconds")
      options.duration = std::chrono::duration<double>(number(name, value()));
    else if (name == "--rate")
      options.rate = number(name, value());
    else if (name == "--tls")
      options.tls = true;
    else if (name == "--fresh")
      options.reuse = Reuse::Fresh;
    else if (name == "--resume")
      options.reuse = Reuse::Resumed;
    else
      throw std::invalid_argument("there is no option " + name);
  }
  if (options.port == 0 || options.connections == 0) throw std::invalid_argument("--port is missing");
  for (const auto& path : paths) {
    options.heads.push_back(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, headers));
  }
  return options;
}

/// JSON text of a short ASCII message.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') out += c;
  }
  return out + '"';
}

void print(const LoadResult& result) {
  const auto micros = [&](double share) { return static_cast<double>(result.latency_ns.quantile(share)) / 1000; };
  fmt::print(
      "{{\"requests\":{},\"failed\":{},\"seconds\":{:.4f},\"bytes\":{},\"handshakes\":{},\"resumed\":{},"
      "\"p50_us\":{:.1f},\"p90_us\":{:.1f},\"p99_us\":{:.1f},\"p999_us\":{:.1f},\"max_us\":{:.1f},"
      "\"first_failure\":{}}}\n",
      result.latency_ns.count(), result.failed, result.seconds, result.bytes, result.handshakes, result.resumed,
      micros(0.5), micros(0.9), micros(0.99), micros(0.999), static_cast<double>(result.latency_ns.largest()) / 1000,
      quoted(result.first_failure));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    sluice::bench::Load load(parse({argv + 1, argv + argc}));
    print(load.run());
  } catch (const std::invalid_argument& problem) {
    fmt::print(stderr, "bench_client: {}\n{}", problem.what(), kUsage);
    return 2;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "bench_client: {}\n", problem.what());
    return 1;
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/command.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/bench/echo_dialogue.h"
#include "cli/bench/grpc_dialogue.h"
#include "cli/bench/http_dialogue.h"
#include "cli/bench/load.h"
#include "cli/bench/target.h"
#include "cli/bench/websocket_dialogue.h"

namespace sluice::cli {
namespace {

using namespace bench;

struct Arguments {
  std::string url;
  std::string paths;  // a file
  std::vector<std::string> headers;
  std::size_t connections = 32;
  double seconds = 10;
  double rate = 0;
  std::size_t size = 125;
  bool fresh = false;
  bool resume = false;
  bool idle = false;
  bool stream = false;
  bool json = false;
};

constexpr const char* kFooter =
    "The scheme says what is spoken: http, https, ws, wss, grpc, grpcs, tcp, tls or udp. HTTP asks with GET and wants "
    "a\n"
    "2xx with a Content-Length. For the others the server has to send back what it gets: each message, each datagram, "
    "each\n"
    "octet; of gRPC one message for each. No certificate is verified; OPENSSL_CONF chooses ciphers and curves.\n\n"
    "Without --rate each connection asks again when it has its reply (closed loop). With it requests are sent when "
    "they\n"
    "are due, and latency counts from then, so that a server that stalls cannot hide it (open loop).\n"
    "The exit code is 0 when nothing failed, 1 otherwise.\n\n"
    "  sluice bench-client http://127.0.0.1:8000/orders --connections 64\n"
    "  sluice bench-client https://127.0.0.1:8443/ --fresh -H 'apikey: secret'\n"
    "  sluice bench-client http://127.0.0.1:8000/ --rate 5000 --seconds 60\n"
    "  sluice bench-client ws://127.0.0.1:8000/chat --connections 10000 --idle\n"
    "  sluice bench-client grpc://127.0.0.1:8000/echo.Echo/Say --size 200 --stream\n"
    "  sluice bench-client udp://127.0.0.1:9053 --size 512";

Result<std::vector<std::string>> paths_of(const Arguments& arguments, const Target& target) {
  if (arguments.paths.empty()) return std::vector<std::string>{target.path};
  std::ifstream input(arguments.paths);
  std::vector<std::string> lines;
  for (std::string line; std::getline(input, line);) lines.push_back(line);
  if (lines.empty()) return fail(Errc::Invalid, arguments.paths + ": no paths");
  return lines;
}

std::string request_head(const Arguments& arguments, const Target& target, const std::string& path) {
  std::string head = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n", path, target.authority());
  for (const std::string& header : arguments.headers) head += header + "\r\n";
  return head;
}

GrpcDialogue::Call grpc_call(const Arguments& arguments, const Target& target) {
  GrpcDialogue::Call call;
  call.scheme = target.tls ? "https" : "http";
  call.authority = target.authority();
  call.path = target.path;
  call.size = arguments.size;
  call.stream = arguments.stream;
  for (const std::string& header : arguments.headers) {
    const auto colon = header.find(':');
    std::string name = header.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto value = header.find_first_not_of(' ', colon + 1);
    call.headers.emplace_back(std::move(name), value == std::string::npos ? "" : header.substr(value));
  }
  return call;
}

Result<MakeDialogue> make_dialogue(const Arguments& arguments, const Target& target) {
  switch (target.protocol) {
    case Protocol::Http: {
      TRY(const std::vector<std::string> paths, paths_of(arguments, target));
      auto heads = std::make_shared<std::vector<std::string>>();
      for (const std::string& path : paths) heads->push_back(request_head(arguments, target, path) + "\r\n");
      return [heads] { return std::make_unique<HttpDialogue>(heads); };
    }
    case Protocol::WebSocket: {
      const std::string head = request_head(arguments, target, target.path) +
                               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
      return [head, size = arguments.size] { return std::make_unique<WebSocketDialogue>(head, size); };
    }
    case Protocol::Grpc:
      return [call = grpc_call(arguments, target)] { return std::make_unique<GrpcDialogue>(call); };
    case Protocol::Tcp:
    case Protocol::Udp:
      return [size = arguments.size] { return std::make_unique<EchoDialogue>(size); };
  }
  return fail(Errc::Internal, "a protocol without a dialogue");
}

Json report_of(const LoadResult& result) {
  const auto micros = [](std::uint64_t nanos) { return Json(std::round(static_cast<double>(nanos) / 100) / 10); };
  const auto quantile = [&](double share) { return micros(result.latency_ns.quantile(share)); };
  const auto count = [](std::uint64_t value) { return Json(static_cast<std::int64_t>(value)); };
  return Json::Object{{"requests", count(result.latency_ns.count())},
                      {"failed", count(result.failed)},
                      {"first_failure", Json(result.first_failure)},
                      {"seconds", Json(result.seconds)},
                      {"bytes", count(result.bytes)},
                      {"open", count(result.open)},
                      {"handshakes", count(result.handshakes)},
                      {"resumed", count(result.resumed)},
                      {"p50_us", quantile(0.5)},
                      {"p90_us", quantile(0.9)},
                      {"p99_us", quantile(0.99)},
                      {"p999_us", quantile(0.999)},
                      {"max_us", micros(result.latency_ns.largest())}};
}

void print_text(const Arguments& arguments, const LoadResult& result) {
  const auto micros = [&](double share) { return static_cast<double>(result.latency_ns.quantile(share)) / 1000; };
  const auto done = result.latency_ns.count();
  fmt::print("{} exchanges on {} connections in {:.1f} s: {:.0f}/s, {:.1f} MB received\n", done, arguments.connections,
             result.seconds, static_cast<double>(done) / result.seconds, static_cast<double>(result.bytes) / 1e6);
  fmt::print("latency   p50 {:.0f} us   p90 {:.0f} us   p99 {:.0f} us   p99.9 {:.0f} us   max {:.0f} us\n", micros(0.5),
             micros(0.9), micros(0.99), micros(0.999), static_cast<double>(result.latency_ns.largest()) / 1000);
  if (result.handshakes > 0) fmt::print("TLS       {} handshakes, {} resumed\n", result.handshakes, result.resumed);
  if (result.failed > 0) fmt::print("failed    {}, first: {}\n", result.failed, result.first_failure);
}

Result<> check(const Arguments& arguments, const Target& target) {
  if (arguments.fresh && arguments.idle) return fail(Errc::Invalid, "--idle keeps connections, --fresh ends them");
  if (arguments.resume && !target.tls) return fail(Errc::Invalid, "--resume is for TLS: https, wss, grpcs or tls");
  if (arguments.stream && target.protocol != Protocol::Grpc) return fail(Errc::Invalid, "--stream is for grpc");
  if (!arguments.paths.empty() && target.protocol != Protocol::Http)
    return fail(Errc::Invalid, "--paths is for http and https");
  for (const std::string& header : arguments.headers) {
    if (header.find(':') == std::string::npos) return fail(Errc::Invalid, "'" + header + "' is not `Name: value`");
  }
  if (target.protocol == Protocol::Udp && arguments.size > 65'507)
    return fail(Errc::Invalid, "--size: a datagram holds 65507 octets at the most");
  return {};
}

Result<int> run(const Arguments& arguments) {
  TRY(const Target target, Target::parse(arguments.url));
  if (auto sound = check(arguments, target); !sound) return std::unexpected(sound.error());
  ContextPtr context;
  LoadOptions options;
  TRY(options.endpoint.address, target.resolve());
  options.endpoint.datagrams = target.protocol == Protocol::Udp;
  if (target.tls) {
    context = make_client_context(target.protocol == Protocol::Grpc ? "\x02h2" : "");
    options.endpoint.context = context.get();
    if (!IpAddress::parse(target.host)) options.endpoint.server_name = target.host;
  }
  TRY(options.dialogue, make_dialogue(arguments, target));
  options.connections = arguments.connections;
  options.duration = std::chrono::duration<double>(arguments.seconds);
  options.rate = arguments.rate;
  options.idle = arguments.idle;
  options.reuse = arguments.resume ? Reuse::Resumed : arguments.fresh ? Reuse::Fresh : Reuse::KeepAlive;
  if (!arguments.json && ::isatty(STDERR_FILENO) != 0 && arguments.seconds > 2)
    fmt::print(stderr, "loading {} for {:g} s ...\n", arguments.url, arguments.seconds);
  const LoadResult result = Load(std::move(options)).run();
  if (arguments.json)
    fmt::print("{}\n", to_json(report_of(result)));
  else
    print_text(arguments, result);
  return result.failed == 0 ? 0 : 1;
}

}  // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("bench-client", "Load a server and say how fast it answers");
  auto given = std::make_shared<Arguments>();
  command->footer(kFooter);
  command->add_option("url", given->url, "SCHEME://HOST:PORT/PATH")->required();
  command->add_option("--connections", given->connections, "How many at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--seconds", given->seconds, "For how long")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--rate", given->rate, "Requests a second, sent when due (open loop)")
      ->check(CLI::PositiveNumber);
  command->add_option("--size", given->size, "Octets of each message; not for http")
      ->capture_default_str()
      ->check(CLI::Range(0, 64 << 20));
  command->add_option("-H,--header", given->headers, "Field of each request, `Name: value`")->allow_extra_args(false);
  command->add_option("--paths", given->paths, "File with a path on each line, asked for in turn");
  command->add_flag("--fresh", given->fresh, "A new connection for each request");
  command->add_flag("--resume", given->resume, "The same, resuming TLS sessions");
  command->add_flag("--idle", given->idle, "One exchange on each connection, then only keep them open");
  command->add_flag("--stream", given->stream, "gRPC: one call for all messages of a connection");
  command->add_flag("--json,--json-output", given->json, "One line of JSON");
  command->callback([given, &exit_code] {
    auto code = run(*given);
    if (!code) fmt::print(stderr, "sluice: {}\n", code.error().what);
    exit_code = code.value_or(1);
  });
}

}  // namespace sluice::cli

// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/forwarding.h"

#include <string>
#include <vector>

#include "base/strings.h"
#include "gateway/proxy/received_fixture.h"
#include "gateway/proxy/request_setup.h"
#include "http/h1/parser.h"
#include "http/h1/serialize.h"
#include "input.h"
#include "strict_h1.h"

namespace {

using namespace sluice;
using http::Framing;

void expect_once(const fuzz::StrictHead& head, std::string_view name, std::string_view value) {
  const auto values = head.values(name);
  fuzz::expect(values.size() == 1 && values[0] == value, "the gateway's own field, once and as meant");
}

/// No upstream that reads '_' as '-' may see two answers to who the client is.
void expect_no_twins(const fuzz::StrictHead& head) {
  for (const auto& [name, value] : head.fields) {
    std::string folded = fuzz::lower_case(name);
    if (folded.find('_') == std::string::npos) continue;
    for (char& c : folded) c = c == '_' ? '-' : c;
    fuzz::expect(!folded.starts_with("x-consumer") && !folded.starts_with("x-forwarded"),
                 "no twin of an identity field");
  }
}

}  // namespace

/// A request through the gateway without plugins: what goes upstream is one request, with the framing, the target and
/// the identity fields that we meant, in the eyes of a second parser.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static rt::Reactor reactor;
  static const gateway::GatewayOptions kOptions;
  gateway::Received received(reactor);
  const std::string text(fuzz::text_of(data, size));
  if (!http::h1::parse_request(text, {}, received.request()).complete()) return 0;
  gateway::Exchange ex(reactor, received.arena(), received.request());
  if (gateway::set_up_request(ex, received, kOptions)) return 0;
  ex.record.request_id.fill('0');
  ex.request.upstream_path = ex.request.path;
  const http::RequestHead head =
      gateway::upstream_request(ex, kOptions, {.host = "upstream.test", .port = 8080, .tls = false, .host_header = {}});

  std::vector<char> buffer(256 * 1024);
  http::h1::HeadWriter writer(buffer.data(), buffer.size());
  http::h1::write_request_head(writer, head);
  fuzz::expect(!writer.overflow(), "an accepted head fits");
  const auto strict = fuzz::strict_request(writer.written());
  fuzz::expect(strict.has_value() && strict->rest.empty(), "what we forward is one whole head");
  fuzz::expect(strict->method == received.request().method, "the client's method");
  std::string target(ex.request.path);
  if (ex.request.has_query) target.append("?").append(ex.request.query);
  fuzz::expect(strict->target == target, "the normalised target");
  const Framing& framing = received.request().framing;
  fuzz::expect(strict->chunked == (framing.kind == Framing::Kind::Chunked), "chunked for both");
  fuzz::expect(strict->length.has_value() == (framing.kind == Framing::Kind::Length), "a length for both");
  if (strict->length) fuzz::expect(*strict->length == framing.length, "the same length");
  expect_once(*strict, "host", "upstream.test:8080");
  expect_once(*strict, "x-forwarded-for", "192.0.2.7");
  expect_once(*strict, "x-real-ip", "192.0.2.7");
  expect_once(*strict, "x-kong-request-id", ex.id());
  fuzz::expect(strict->values("connection").size() <= 1 && strict->values("upgrade").size() <= 1, "one hop's fields");
  for (const std::string& upgrade : strict->values("upgrade"))
    fuzz::expect(upgrade == "websocket", "no foreign upgrade");
  fuzz::expect(strict->values("keep-alive").empty() && strict->values("proxy-connection").empty(),
               "no other hop's fields");
  expect_no_twins(*strict);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "http/h1/serialize.h"

#include <array>
#include <charconv>

namespace sluice::http::h1 {
namespace {

/// Fields that this layer writes itself, from the framing and the state of the connection.
bool is_framing(Known field) {
  return field == Known::ContentLength || field == Known::TransferEncoding || field == Known::Connection;
}

void write_framing(HeadWriter& out, Framing framing) {
  if (framing.kind == Framing::Kind::Length) {
    out.text("Content-Length: ");
    out.number(framing.length);
    out.text("\r\n");
  } else if (framing.kind == Framing::Kind::Chunked) {
    out.text("Transfer-Encoding: chunked\r\n");
  }
}

}  // namespace

void HeadWriter::number(std::uint64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void write_request_head(HeadWriter& out, const RequestHead& head) {
  out.text(head.method);
  out.text(" ");
  out.text(head.target);
  out.text(" HTTP/1.1\r\nHost: ");
  out.text(head.authority);
  out.text("\r\n");
  for (const Field& field : head.headers) {
    if (!is_framing(field.known) && field.known != Known::Host) out.field(field.name, field.value);
  }
  if (head.headers.has(Known::Upgrade)) out.text("Connection: Upgrade\r\n");
  write_framing(out, head.framing);
  out.text("\r\n");
}

void write_response_head(HeadWriter& out, const ResponseHead& head, Framing framing, Persistence persistence) {
  out.text("HTTP/1.1 ");
  out.number(static_cast<std::uint64_t>(head.status));
  out.text(" ");
  out.text(head.reason.empty() ? reason_phrase(head.status) : head.reason);
  out.text("\r\n");
  for (const Field& field : head.headers) {
    if (!is_framing(field.known)) out.field(field.name, field.value);
  }
  write_framing(out, framing);
  if (head.status == 101) {
    out.text("Connection: Upgrade\r\n");
  } else if (head.headers.has(Known::Upgrade)) {  // an offer to upgrade is an option of this connection: RFC 9110, 7.8
    out.text(persistence == Persistence::Close ? "Connection: Upgrade, close\r\n" : "Connection: Upgrade\r\n");
  } else {
    // Explicit in both cases, as Kong's clients have always seen it.
    out.text(persistence == Persistence::Close ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
  }
  out.text("\r\n");
}

}  // namespace sluice::http::h1

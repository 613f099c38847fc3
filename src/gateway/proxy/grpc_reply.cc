// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/grpc_reply.h"

#include <array>

#include "base/json.h"

namespace sluice::gateway {
namespace {

constexpr std::array<std::string_view, 17> kWords = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

/// Octets outside printable ASCII, and the per cent sign, as %XX.
std::string escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7F && c != '%') {
      out += c;
    } else {
      out.append(1, '%').append(1, kDigits[octet >> 4U]).append(1, kDigits[octet & 15U]);
    }
  }
  return out;
}

std::string message_of_exit(const Reply& answer) {
  if (!answer.content_type.starts_with("application/json")) return answer.body;
  auto table = parse_json(answer.body);
  const Json* message = table ? table->find("message") : nullptr;
  return message != nullptr && message->is_string() ? message->as_string() : std::string{};
}

}  // namespace

bool is_grpc(const Request& request) {
  if (request.received.version < http::Version::Http2) return false;
  return request.headers.get(http::Known::ContentType).value_or("").starts_with("application/grpc");
}

int grpc_status(int http_status) {
  switch (http_status) {
    case 400:
      return 3;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 5;
    case 409:
      return 6;
    case 429:
      return 8;
    case 499:
      return 1;
    case 501:
      return 12;
    case 503:
      return 14;
    case 504:
      return 4;
    default:
      break;
  }
  switch (http_status / 100) {
    case 2:
      return 0;
    case 4:
      return 3;
    case 5:
      return 13;
    default:
      return 2;
  }
}

std::string grpc_message(const Reply& answer) {
  if (answer.form != Reply::Form::Exit)
    return std::string(kWords.at(static_cast<std::size_t>(grpc_status(answer.status))));
  return escaped(message_of_exit(answer));
}

void append_grpc_status(Exchange& ex, const Reply& answer) {
  http::Headers& headers = ex.response.headers;
  headers.set("Content-Type", "application/grpc");
  headers.set("grpc-status", std::to_string(grpc_status(answer.status)));
  if (std::string message = grpc_message(answer); !message.empty()) headers.set("grpc-message", message);
}

}  // namespace sluice::gateway

// SPDX-License-Identifier: Apache-2.0
#include "http/h1/parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "http/h1/scan.h"

namespace sluice::http::h1 {
namespace {

using State = ParseOutcome::State;

constexpr ParseOutcome kIncomplete{};
constexpr ParseOutcome malformed(int status, const char* why) {
  return {State::Malformed, 0, status, why};
}
ParseOutcome complete(std::size_t consumed) {
  return {State::Complete, consumed, 0, ""};
}

std::string_view view(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// Expects CRLF at `at`. Complete: it is there.
State expect_crlf(const char* at, const char* end) {
  if (at == end) return State::Incomplete;
  if (*at != '\r') return State::Malformed;
  if (at + 1 == end) return State::Incomplete;
  return at[1] == '\n' ? State::Complete : State::Malformed;
}

/// "HTTP/1.1" and its like. RFC 9112, 2.3: the name is case-sensitive, the numbers are single digits.
std::optional<ParseOutcome> judge_version(std::string_view text, Version& out) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.') return malformed(400, "malformed HTTP version");
  if (text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9') return malformed(400, "malformed HTTP version");
  if (text[5] != '1') return malformed(505, "HTTP major version not supported");
  out = text[7] == '0' ? Version::Http10 : Version::Http11;
  return std::nullopt;
}

std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > INT64_MAX) return {};
  return value;
}

/// What Content-Length and Transfer-Encoding say together. Anything that two recipients could read differently is an
/// error (RFC 9112, 6.1 and 6.3).
struct BodyFields {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  const char* error = nullptr;
  int status = 400;
};

BodyFields read_body_fields(const Headers& headers) {
  BodyFields found;
  if (!headers.has(Known::ContentLength) && !headers.has(Known::TransferEncoding)) return found;
  for (const Field& field : headers) {
    if (field.known == Known::ContentLength) {
      auto length = parse_length(field.value);
      if (!length || found.length) {
        found.error = "invalid or repeated Content-Length";
        return found;
      }
      found.length = length;
    } else if (field.known == Known::TransferEncoding) {
      if (found.chunked || !same_name(field.value, "chunked")) {
        found.error = "Transfer-Encoding other than a single chunked";
        found.status = is_token(field.value) && !found.chunked ? 501 : 400;
        return found;
      }
      found.chunked = true;
    }
  }
  if (found.length && found.chunked) found.error = "both Content-Length and Transfer-Encoding";
  return found;
}

std::optional<ParseOutcome> judge_request_framing(RequestHead& head) {
  BodyFields body = read_body_fields(head.headers);
  if (body.error != nullptr) return malformed(body.status, body.error);
  if (body.chunked) {
    if (head.version == Version::Http10) return malformed(400, "Transfer-Encoding in an HTTP/1.0 request");
    head.framing = {Framing::Kind::Chunked, 0};
  } else if (body.length) {
    head.framing = {Framing::Kind::Length, *body.length};
  }
  return std::nullopt;
}

bool is_reg_name_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~' || c == '!' || c == '$' || c == '&' || c == '\'' || c == '(' || c == ')' || c == '*' ||
         c == '+' || c == ';' || c == '=' || c == '%';
}

bool is_valid_port(std::string_view digits) {
  if (digits.size() > 5) return false;
  auto value = digits.empty() ? std::optional<std::uint64_t>(0) : parse_length(digits);
  return value && *value <= 65535;
}

/// Host may appear once, and must in HTTP/1.1; the target's authority wins over it. RFC 9112, 3.2 and 3.2.2.
std::optional<ParseOutcome> judge_host(RequestHead& head) {
  const std::size_t hosts = head.headers.count(Known::Host);
  if (hosts > 1) return malformed(400, "more than one Host");
  if (hosts == 0) {
    if (head.version != Version::Http10) return malformed(400, "no Host");
  } else {
    const std::string_view host = *head.headers.get(Known::Host);
    if (!is_valid_authority(host)) return malformed(400, "invalid Host");
    if (head.authority.empty()) head.authority = host;
  }
  return std::nullopt;
}

/// Splits the target by its form. RFC 9112, 3.2.
std::optional<ParseOutcome> judge_target(RequestHead& head) {
  std::string_view rest = head.target;
  if (head.method == "CONNECT") return malformed(405, "CONNECT is not offered");
  if (rest == "*") {
    if (head.method != "OPTIONS") return malformed(400, "asterisk target without OPTIONS");
    head.path = rest;
    return std::nullopt;
  }
  if (rest.front() != '/') {
    std::size_t scheme = rest.find("://");
    if (scheme == std::string_view::npos) return malformed(400, "request target is neither a path nor a URI");
    std::string_view name = rest.substr(0, scheme);
    if (!same_name(name, "http") && !same_name(name, "https")) return malformed(400, "foreign scheme in the target");
    rest.remove_prefix(scheme + 3);
    std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    head.authority = rest.substr(0, end);
    if (head.authority.empty() || !is_valid_authority(head.authority))
      return malformed(400, "invalid authority in the target");
    rest.remove_prefix(end);
  }
  std::size_t question = rest.find('?');
  head.path = rest.substr(0, question);
  if (head.path.empty()) head.path = "/";
  if (question != std::string_view::npos) {
    head.has_query = true;
    head.query = rest.substr(question + 1);
  }
  return std::nullopt;
}

/// Method, target and version. On success `at` stands behind the line.
std::optional<ParseOutcome> parse_request_line(const char*& at, const char* end, const HeadLimits& limits,
                                               RequestHead& out) {
  const char* begin = at;
  const char* method_end = find_token_end(at, end);
  if (static_cast<std::size_t>(method_end - begin) > limits.method_octets) return malformed(501, "method too long");
  if (method_end == end) return kIncomplete;
  if (method_end == begin || *method_end != ' ') return malformed(400, "malformed request line");
  const char* target = method_end + 1;
  const char* target_end = find_target_end(target, end);
  if (static_cast<std::size_t>(target_end - target) > limits.target_octets)
    return malformed(414, "request target too long");
  if (target_end == end) return kIncomplete;
  if (target_end == target || *target_end != ' ') return malformed(400, "malformed request target");
  const char* version = target_end + 1;
  const auto* version_end = static_cast<const char*>(
      std::memchr(version, '\r', static_cast<std::size_t>(std::min(end - version, std::ptrdiff_t{9}))));
  if (version_end == nullptr) {
    // Nothing may stand between the version and CRLF; "HTTP/1.1" has eight octets.
    if (end - version > 8) return malformed(400, "malformed HTTP version");
    return std::string_view("HTTP/").starts_with(view(version, std::min(end, version + 5))) ||
                   view(version, end).starts_with("HTTP/")
               ? kIncomplete
               : malformed(400, "malformed HTTP version");
  }
  if (auto bad = judge_version(view(version, version_end), out.version)) return bad;
  switch (expect_crlf(version_end, end)) {
    case State::Incomplete:
      return kIncomplete;
    case State::Malformed:
      return malformed(400, "bare CR in the request line");
    case State::Complete:
      break;
  }
  out.method = view(begin, method_end);
  out.target = view(target, target_end);
  at = version_end + 2;
  return std::nullopt;
}

/// One field line; `at` moves behind it.
std::optional<ParseOutcome> parse_field(const char*& at, const char* end, Headers& out) {
  const char* name_end = find_token_end(at, end);
  if (name_end == end) return kIncomplete;
  if (name_end == at || *name_end != ':') return malformed(400, "malformed field name");
  const char* value_end = find_value_end(name_end + 1, end);
  switch (expect_crlf(value_end, end)) {
    case State::Incomplete:
      return kIncomplete;
    case State::Malformed:
      return malformed(400, "invalid octet in a field value");
    case State::Complete:
      break;
  }
  std::string_view name = view(at, name_end);
  out.add_view(name, trim_ows(view(name_end + 1, value_end)), known_field(name));
  at = value_end + 2;
  return std::nullopt;
}

ParseOutcome over_limit_or(ParseOutcome outcome, std::size_t have, const HeadLimits& limits) {
  if (outcome.state == State::Incomplete && have >= limits.head_octets) return malformed(431, "head too large");
  return outcome;
}

/// Content of a response as RFC 9112, 6.3 derives it from request method, status and fields.
std::optional<ParseOutcome> judge_response_framing(std::string_view request_method, ResponseHead& head) {
  BodyFields body = read_body_fields(head.headers);
  if (body.error != nullptr) return malformed(502, body.error);
  // Also where no content can follow: RFC 9112, 6.1 calls the framing of such a message faulty.
  if (body.chunked && head.version == Version::Http10)
    return malformed(502, "Transfer-Encoding in an HTTP/1.0 response");
  if (request_method == "HEAD") {  // what a GET would have announced; nothing follows
    head.framing = body.length ? Framing{Framing::Kind::Length, *body.length} : Framing{};
  } else if (head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing = {};
  } else if (body.chunked) {
    head.framing = {Framing::Kind::Chunked, 0};
  } else if (body.length) {
    head.framing = {Framing::Kind::Length, *body.length};
  } else {
    head.framing = {Framing::Kind::UntilClose, 0};
  }
  return std::nullopt;
}

/// "HTTP/1.1 200 OK"; the reason may be missing together with its space.
std::optional<ParseOutcome> parse_status_line(const char*& at, const char* end, ResponseHead& out) {
  const char* line_end = find_value_end(at, end);
  switch (expect_crlf(line_end, end)) {
    case State::Incomplete:
      return kIncomplete;
    case State::Malformed:
      return malformed(502, "malformed status line");
    case State::Complete:
      break;
  }
  std::string_view line = view(at, line_end);
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' '))
    return malformed(502, "malformed status line");
  if (judge_version(line.substr(0, 8), out.version)) return malformed(502, "malformed HTTP version in a response");
  auto status = parse_length(line.substr(9, 3));
  if (!status || *status < 100) return malformed(502, "malformed status code");
  out.status = static_cast<int>(*status);
  out.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
  at = line_end + 2;
  return std::nullopt;
}

}  // namespace

bool is_valid_authority(std::string_view authority) {
  if (authority.starts_with('[')) {
    std::size_t close = authority.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    auto literal = authority.substr(1, close - 1);
    bool hex = std::all_of(literal.begin(), literal.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
    });
    auto rest = authority.substr(close + 1);
    return hex && literal.find(':') != std::string_view::npos &&
           (rest.empty() || (rest[0] == ':' && is_valid_port(rest.substr(1))));
  }
  std::size_t colon = authority.find(':');
  auto name = authority.substr(0, colon);
  return !name.empty() && std::all_of(name.begin(), name.end(), is_reg_name_octet) &&
         (colon == std::string_view::npos || is_valid_port(authority.substr(colon + 1)));
}

ParseOutcome parse_fields(std::string_view bytes, const HeadLimits& limits, Headers& out) {
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  for (;;) {
    if (at != end && *at == '\r') {
      switch (expect_crlf(at, end)) {
        case State::Incomplete:
          return over_limit_or(kIncomplete, bytes.size(), limits);
        case State::Malformed:
          return malformed(400, "bare CR in the head");
        case State::Complete:
          break;
      }
      auto consumed = static_cast<std::size_t>(at + 2 - bytes.data());
      return consumed > limits.head_octets ? malformed(431, "head too large") : complete(consumed);
    }
    if (out.size() >= limits.fields && at != end) return malformed(431, "too many fields");
    if (auto stop = parse_field(at, end, out)) return over_limit_or(*stop, bytes.size(), limits);
  }
}

ParseOutcome parse_request(std::string_view bytes, const HeadLimits& limits, RequestHead& out) {
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  const char* at = begin;
  if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') at += 2;
  if (at == end || (*at == '\r' && at + 1 == end)) return kIncomplete;
  if (auto stop = parse_request_line(at, end, limits, out)) return over_limit_or(*stop, bytes.size(), limits);
  ParseOutcome fields = parse_fields(view(at, end), limits, out.headers);
  if (!fields.complete()) return over_limit_or(fields, bytes.size(), limits);
  if (auto bad = judge_target(out)) return *bad;
  if (auto bad = judge_request_framing(out)) return *bad;
  if (auto bad = judge_host(out)) return *bad;
  return complete(static_cast<std::size_t>(at - begin) + fields.consumed);
}

ParseOutcome parse_response(std::string_view bytes, const HeadLimits& limits, std::string_view request_method,
                            ResponseHead& out) {
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  if (auto stop = parse_status_line(at, end, out)) return over_limit_or(*stop, bytes.size(), limits);
  ParseOutcome fields = parse_fields(view(at, end), limits, out.headers);
  if (fields.malformed()) return malformed(502, fields.why);
  if (!fields.complete()) return fields;
  if (auto bad = judge_response_framing(request_method, out)) return *bad;
  const std::size_t consumed = static_cast<std::size_t>(at - bytes.data()) + fields.consumed;
  return consumed > limits.head_octets ? malformed(502, "head too large") : complete(consumed);
}

}  // namespace sluice::http::h1

// SPDX-License-Identifier: Apache-2.0
#include "http/h2/request_fields.h"

#include <algorithm>

#include "http/h1/scan.h"
#include "http/h2/field_rules.h"

namespace sluice::http::h2 {
void RequestFields::refuse(int status, const char* why) {
  if (!refusal_) refusal_ = {status, why};
}

bool RequestFields::is_abusive() const {
  return list_octets_ > kAbuseFactor * limits_.head_octets;
}

void RequestFields::add(std::string_view name, std::string_view value) {
  list_octets_ += name.size() + value.size() + kFieldOverhead;
  ++count_;
  if (list_octets_ > limits_.head_octets) refuse(431, "header list too large");
  if (count_ > limits_.fields) refuse(431, "too many fields");
  if (refusal_) return;
  if (name.starts_with(':')) {
    add_pseudo(name, value);
  } else {
    add_regular(name, value);
  }
}

void RequestFields::add_pseudo(std::string_view name, std::string_view value) {
  if (regular_seen_) return refuse(400, "pseudo-header field behind a regular one");
  auto take = [&](bool& seen, std::string_view& to) {
    if (seen) return refuse(400, "repeated pseudo-header field");
    seen = true;
    to = head_.headers.arena().copy(value);
  };
  if (name == ":method") return take(has_method_, head_.method);
  if (name == ":scheme") return take(has_scheme_, scheme_);
  if (name == ":authority") return take(has_authority_, head_.authority);
  if (name == ":path") return take(has_path_, head_.target);
  refuse(400, "unknown pseudo-header field");
}

void RequestFields::add_regular(std::string_view name, std::string_view value) {
  regular_seen_ = true;
  if (!is_name(name)) return refuse(400, "invalid field name");
  if (!is_value(value)) return refuse(400, "invalid field value");
  const Known known = known_field(name);
  if (is_connection_specific(known)) return refuse(400, "connection-specific field");
  if (known == Known::Te && !same_name(value, "trailers")) return refuse(400, "te other than trailers");
  if ((known == Known::Host || known == Known::ContentLength) && head_.headers.has(known)) {
    return refuse(400, "repeated host or content-length");
  }
  if (known == Known::Cookie) return add_cookie(name, value);
  Arena& arena = head_.headers.arena();
  head_.headers.add_view(arena.copy(name), arena.copy(value), known);
}

/// Crumbs become one field again (RFC 9113, 8.2.3). The list limit bounds the copying.
void RequestFields::add_cookie(std::string_view name, std::string_view crumb) {
  Arena& arena = head_.headers.arena();
  const auto before = head_.headers.get(Known::Cookie);
  if (!before) return head_.headers.add_view(arena.copy(name), arena.copy(crumb), Known::Cookie);
  const std::size_t size = before->size() + 2 + crumb.size();
  auto* joined = static_cast<char*>(arena.alloc(size, 1));
  char* at = std::copy(before->begin(), before->end(), joined);
  *at++ = ';';
  *at++ = ' ';
  std::copy(crumb.begin(), crumb.end(), at);
  head_.headers.set_view("cookie", {joined, size}, Known::Cookie);
}

void RequestFields::judge_method() {
  if (!has_method_ || !is_token(head_.method)) return refuse(400, "missing or invalid :method");
  if (head_.method.size() > limits_.method_octets) return refuse(501, "method too long");
  if (head_.method == "CONNECT") return refuse(405, "CONNECT is not offered");
  if (!has_scheme_ || (!same_name(scheme_, "http") && !same_name(scheme_, "https"))) {
    refuse(400, "missing or foreign :scheme");
  }
}

/// The origin and asterisk forms of HTTP/1 (RFC 9113, 8.3.1), with the same octets.
void RequestFields::judge_path() {
  const std::string_view target = head_.target;
  if (target.empty()) return refuse(400, "missing :path");
  if (target.size() > limits_.target_octets) return refuse(414, "request target too long");
  if (target == "*") {
    if (head_.method != "OPTIONS") return refuse(400, "asterisk :path without OPTIONS");
    head_.path = target;
    return;
  }
  const char* end = target.data() + target.size();
  if (target.front() != '/' || h1::find_target_end(target.data(), end) != end) return refuse(400, "invalid :path");
  const std::size_t question = target.find('?');
  head_.path = target.substr(0, question);
  head_.has_query = question != std::string_view::npos;
  if (head_.has_query) head_.query = target.substr(question + 1);
}

/// One authority, whichever field names it; a handler that looks for Host finds it.
void RequestFields::judge_authority() {
  const auto host = head_.headers.get(Known::Host);
  if (has_authority_ && host && !same_name(*host, head_.authority)) return refuse(400, "host differs from :authority");
  if (!has_authority_ && host) head_.authority = *host;
  if (!h1::is_valid_authority(head_.authority)) return refuse(400, "missing or invalid authority");
  if (!host) head_.headers.add_view("host", head_.authority, Known::Host);
}

void RequestFields::judge_framing(bool ends_stream) {
  if (auto text = head_.headers.get(Known::ContentLength)) {
    auto length = parse_length(*text);
    if (!length) return refuse(400, "invalid content-length");
    if (ends_stream && *length != 0) return refuse(400, "content-length without content");
    head_.framing = {Framing::Kind::Length, *length};
  } else if (!ends_stream) {
    head_.framing = {Framing::Kind::Chunked, 0};
  }
}

Refusal RequestFields::finish(bool ends_stream) {
  head_.version = Version::Http2;
  if (!refusal_) judge_method();
  if (!refusal_) judge_path();
  if (!refusal_) judge_authority();
  if (!refusal_) judge_framing(ends_stream);
  return refusal_;
}

bool add_trailer(Headers& trailers, std::string_view name, std::string_view value, const h1::HeadLimits& limits) {
  if (!is_name(name) || !is_value(value) || trailers.size() >= limits.fields) return false;
  const Known known = known_field(name);
  if (is_connection_specific(known) || known == Known::Te) return false;
  if (known == Known::ContentLength || known == Known::Host || known == Known::Trailer ||
      known == Known::Authorization || known == Known::Cookie) {
    return true;
  }
  Arena& arena = trailers.arena();
  trailers.add_view(arena.copy(name), arena.copy(value), known);
  return true;
}

}  // namespace sluice::http::h2

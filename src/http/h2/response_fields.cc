// SPDX-License-Identifier: Apache-2.0
#include "http/h2/response_fields.h"

#include "base/strings.h"
#include "http/h2/field_rules.h"

namespace sluice::http::h2 {
namespace {

// Before the answer; an upstream that sends more of them is not about to answer.
constexpr unsigned kMostInterimHeads = 16;

}  // namespace

void ResponseFields::refuse(const char* why) {
  if (why_ == nullptr) why_ = why;
}

bool ResponseFields::is_abusive() const {
  return list_octets_ > kAbuseFactor * limits_.head_octets;
}

void ResponseFields::add(std::string_view name, std::string_view value) {
  list_octets_ += name.size() + value.size() + kFieldOverhead;
  if (list_octets_ > limits_.head_octets) refuse("header list too large");
  if (++count_ > limits_.fields) refuse("too many fields");
  if (why_ != nullptr) return;
  if (name == ":status") return add_status(value);
  if (!is_name(name)) return refuse("invalid field name");
  if (!is_value(value)) return refuse("invalid field value");
  const Known known = known_field(name);
  if (is_connection_specific(known)) return refuse("connection-specific field");
  if (head_.status < 200) return;  // nothing of an interim head is kept
  if (known == Known::ContentLength && head_.headers.has(known)) return refuse("repeated content-length");
  Arena& arena = head_.headers.arena();
  head_.headers.add_view(arena.copy(name), arena.copy(value), known);
}

void ResponseFields::add_status(std::string_view value) {
  auto status = parse_int<int>(value);
  if (!status || *status < 100 || *status > 599 || *status == 101) return refuse("invalid :status");
  head_.status = *status;
}

void ResponseFields::judge_framing(bool ends_stream) {
  if (auto text = head_.headers.get(Known::ContentLength)) {
    auto length = parse_length(*text);
    if (!length) return refuse("invalid content-length");
    head_.framing = {Framing::Kind::Length, *length};
  } else if (!ends_stream) {
    head_.framing = {Framing::Kind::Chunked, 0};
  }
}

ResponseFields::Kind ResponseFields::finish(bool ends_stream) {
  head_.version = Version::Http2;
  if (head_.status == 0) refuse("missing :status");
  if (why_ == nullptr && head_.status < 200) {
    if (ends_stream) refuse("nothing behind an interim response");
    if (++interim_heads_ > kMostInterimHeads) refuse("too many interim responses");
    if (why_ != nullptr) return Kind::Malformed;
    head_.status = 0;
    list_octets_ = count_ = 0;
    return Kind::Interim;
  }
  if (why_ == nullptr) judge_framing(ends_stream);
  return why_ == nullptr ? Kind::Final : Kind::Malformed;
}

}  // namespace sluice::http::h2

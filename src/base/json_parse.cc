// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>

#include <boost/json/basic_parser_impl.hpp>

#include "base/json.h"
#include "base/text_position.h"
#include "base/unique_names.h"
#include "base/utf8.h"

namespace sluice {
namespace {

namespace bj = boost::json;

constexpr std::size_t kMaxDepth = 128;

/// Turns parser events into a value. Open containers keep their finished children on two stacks, so that each container
/// is allocated once, at its exact size, when it ends.
class Handler {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

  Json take() { return std::move(values_.front()); }
  /// Our own reason for a refusal; empty when the parser itself found the error.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

  bool on_object_begin(bj::error_code&) {
    objects_.push_back({keys_.size(), {}});
    return true;
  }

  bool on_object_end(std::size_t n, bj::error_code&) {
    std::vector<JsonObject::Member> members;
    members.reserve(n);
    const std::size_t first_key = keys_.size() - n;
    const std::size_t first_value = values_.size() - n;
    for (std::size_t i = 0; i < n; ++i) {
      members.emplace_back(std::move(keys_[first_key + i]), std::move(values_[first_value + i]));
    }
    keys_.resize(first_key);
    values_.resize(first_value);
    objects_.pop_back();
    values_.emplace_back(JsonObject(std::move(members)));
    return true;
  }

  bool on_array_begin(bj::error_code&) { return true; }

  bool on_array_end(std::size_t n, bj::error_code&) {
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(n);
    Json::Array array(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.erase(first, values_.end());
    values_.emplace_back(std::move(array));
    return true;
  }

  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }

  bool on_key(bj::string_view rest, std::size_t, bj::error_code& ec) {
    std::string key = join(rest);
    OpenObject& object = objects_.back();
    const auto nth = [&](std::size_t i) -> std::string_view { return keys_[object.first_key + i]; };
    if (!object.names.add(key, keys_.size() - object.first_key, nth)) {
      return refuse("duplicate name " + to_json(key), ec);
    }
    keys_.push_back(std::move(key));
    return true;
  }

  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }

  bool on_string(bj::string_view rest, std::size_t, bj::error_code&) {
    values_.emplace_back(join(rest));
    return true;
  }

  bool on_number_part(bj::string_view part, bj::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }

  bool on_int64(std::int64_t value, bj::string_view, bj::error_code&) {
    partial_.clear();
    values_.emplace_back(value);
    return true;
  }

  bool on_uint64(std::uint64_t value, bj::string_view, bj::error_code&) {
    partial_.clear();
    values_.emplace_back(value);
    return true;
  }

  // Boost's own conversion may be off in the last place, hence the second reading of the digits.
  bool on_double(double rough, bj::string_view rest, bj::error_code& ec) {
    const std::string digits = join(rest);
    double value = rough;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (status == std::errc::result_out_of_range) value = std::fabs(rough) > 1 ? HUGE_VAL : 0.0;
    if (!std::isfinite(value)) return refuse("number out of range", ec);
    values_.emplace_back(value);
    return true;
  }

  bool on_bool(bool value, bj::error_code&) {
    values_.emplace_back(value);
    return true;
  }

  bool on_null(bj::error_code&) {
    values_.emplace_back();
    return true;
  }

 private:
  struct OpenObject {
    std::size_t first_key;
    UniqueNames names;
  };

  std::string join(bj::string_view rest) {
    if (partial_.empty()) return std::string(rest.data(), rest.size());
    partial_.append(rest.data(), rest.size());
    return std::exchange(partial_, {});
  }

  bool refuse(std::string why, bj::error_code& ec) {
    refusal_ = std::move(why);
    ec = bj::error::syntax;
    return false;
  }

  std::vector<Json> values_;
  std::vector<std::string> keys_;
  std::vector<OpenObject> objects_;
  std::string partial_;
  std::string refusal_;
};

std::string_view describe(const bj::error_code& ec) {
  switch (static_cast<bj::error>(ec.value())) {
    case bj::error::incomplete:
      return "the text ends too early";
    case bj::error::too_deep:
      return "nested more than 128 levels deep";
    case bj::error::illegal_leading_surrogate:
    case bj::error::illegal_trailing_surrogate:
    case bj::error::expected_utf16_escape:
      return "half of a surrogate pair";
    case bj::error::expected_hex_digit:
      return "expected a hexadecimal digit";
    case bj::error::exponent_overflow:
      return "number out of range";
    default:
      break;
  }
  return "unexpected character";
}

std::unexpected<Error> fail_at(std::string_view text, std::size_t offset, std::string_view why) {
  return fail(Errc::Invalid, text_position(text, offset) + ": " + std::string(why));
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  bj::parse_options options;
  options.max_depth = kMaxDepth;
  bj::basic_parser<Handler> parser(options);
  bj::error_code ec;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    const std::string& refusal = parser.handler().refusal();
    if (!refusal.empty()) return fail_at(text, consumed, refusal);
    const bool foreign = ec == bj::error::syntax && consumed < text.size() && !utf8_sequence(text.substr(consumed));
    return fail_at(text, consumed, foreign ? "invalid UTF-8" : describe(ec));
  }
  if (consumed < text.size()) return fail_at(text, consumed, "unexpected text after the value");
  return parser.handler().take();
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

enum class SizeUnit : std::uint8_t { Megabytes, Kilobytes, Bytes };

constexpr std::string_view kTooLarge = "Request size limit exceeded";

/// The content was cut on its way upstream.
struct Cut {
  bool value = false;
};

/// Passes content on and fails as soon as there is more of it than the limit, which `cut` then says.
class LimitedBody final : public http::BodyReader {
 public:
  LimitedBody(http::BodyReader& inner, std::uint64_t limit, Cut& cut) : inner_(inner), left_(limit), cut_(cut) {}

  Task<Result<http::Chunk>> read() override {
    CO_TRY(const http::Chunk chunk, co_await inner_.read());
    if (chunk.bytes.size() > left_) {
      cut_.value = true;
      co_return fail(Errc::TooLarge, std::string(kTooLarge), Blame::Client);
    }
    left_ -= chunk.bytes.size();
    co_return chunk;
  }
  [[nodiscard]] std::optional<std::uint64_t> remaining() const override { return inner_.remaining(); }
  [[nodiscard]] const http::Headers* trailers() const override { return inner_.trailers(); }

 private:
  http::BodyReader& inner_;
  std::uint64_t left_;
  Cut& cut_;
};

class RequestSizeLimiting final : public Plugin {
 public:
  static constexpr std::string_view kName = "request-size-limiting";
  static constexpr int kPriority = 951;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;

  struct Config {
    std::int64_t allowed_payload_size = 128;
    SizeUnit size_unit = SizeUnit::Megabytes;
    bool require_content_length = false;

    static void describe(schema::Record<Config>& r);
  };

  explicit RequestSizeLimiting(Config config)
      : config_(std::move(config)), limit_(octets(config_.allowed_payload_size, config_.size_unit)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    if (const auto announced = ex.request.headers.get(http::Known::ContentLength)) {
      if (const auto length = parse_int<std::uint64_t>(*announced)) return *length > limit_ ? refuse(ex) : Next{};
    }
    const auto coding = ex.request.headers.get(http::Known::TransferEncoding);
    if (config_.require_content_length && !(coding && iequals(*coding, "chunked"))) {
      return Reply{411, "A valid Content-Length header is required"};
    }
    if (ex.request.body == nullptr) return Next{};
    return measure(ex);
  }

  /// A content that was cut on its way is refused with the words of one that was refused at once.
  Task<Verdict> on_response(Exchange& ex) override {
    if (ex.response.from_upstream) return Next{};
    if (auto* cut = ex.find<Cut>(); cut == nullptr || !cut->value) return Next{};
    ex.slot<Cut>().value = false;
    return refuse(ex);
  }

 private:
  // What is buffered is bounded (DESIGN.md, safety).
  static constexpr std::uint64_t kMaxBuffered = std::uint64_t{10} << 20U;

  static std::uint64_t octets(std::int64_t size, SizeUnit unit) {
    const unsigned shift = unit == SizeUnit::Megabytes ? 20U : unit == SizeUnit::Kilobytes ? 10U : 0U;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0)) << shift;
  }

  /// Content of unknown length: a small one is read first, so that nothing of a refused one reaches the upstream; one
  /// that may be large is counted on its way.
  [[nodiscard]] Task<Verdict> measure(Exchange& ex) const {
    if (limit_ > kMaxBuffered) {
      ex.request.body = ex.make<LimitedBody>(*ex.request.body, limit_, ex.slot<Cut>());
      co_return Next{};
    }
    const auto content = co_await ex.read_body(static_cast<std::size_t>(limit_));
    if (content) co_return Next{};
    if (content.error().code == Errc::TooLarge) co_return refuse(ex);
    co_return content.error();
  }

  static Verdict refuse(const Exchange& ex) {
    constexpr int kContentTooLarge = 413;
    constexpr int kExpectationFailed = 417;
    const auto expect = ex.request.headers.get(http::Known::Expect);
    const bool waits = expect && iequals(*expect, "100-continue");
    return Reply{waits ? kExpectationFailed : kContentTooLarge, std::string(kTooLarge)};
  }

  const Config config_;
  const std::uint64_t limit_;  // octets
};

}  // namespace
}  // namespace sluice::plugins

template <>
struct sluice::schema::EnumNames<sluice::plugins::SizeUnit> {
  using SizeUnit = plugins::SizeUnit;
  static constexpr std::pair<std::string_view, SizeUnit> kNames[] = {
      {"megabytes", SizeUnit::Megabytes}, {"kilobytes", SizeUnit::Kilobytes}, {"bytes", SizeUnit::Bytes}};
};

namespace sluice::plugins {

void RequestSizeLimiting::Config::describe(schema::Record<Config>& r) {
  r.doc("Refuses requests whose content is larger than a limit.");
  r.field<&Config::allowed_payload_size>("allowed_payload_size", "The limit, in `size_unit`.").optional();
  r.field<&Config::size_unit>("size_unit", "Unit of the limit: 1, 1024 or 1048576 octets.");
  r.field<&Config::require_content_length>("require_content_length",
                                           "Refuse requests that do not say how long their content is.");
}

void add_request_size_limiting(PluginRegistry& registry) {
  registry.add<RequestSizeLimiting>();
}

}  // namespace sluice::plugins

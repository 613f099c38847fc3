// SPDX-License-Identifier: Apache-2.0
#include "logged_handler.h"

#include <string>
#include <utility>

#include "base/strings.h"
#include "http/version_text.h"

namespace sluice::apps {
namespace {

constexpr int kClientWentAway = 499;  // as web servers log it; nobody is sent it

/// Without its query where that holds the headers of another request, which may be credentials: `/explain`, however it
/// is written and below whichever workspace.
std::string_view target_of(const http::RequestHead& head) {
  std::string_view path = head.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::string last = percent_decode(path.substr(path.rfind('/') + 1)).value_or("explain");
  return last == "explain" ? head.target.substr(0, head.target.find('?')) : head.target;
}

}  // namespace

/// The stream as the inner handler sees it; what is known of the exchange when it ends becomes the line.
class LoggedHandler::Line final : public http::ServerStream {
 public:
  Line(LoggedHandler& handler, http::ServerStream& stream) : handler_(handler), stream_(stream) {}
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() override {
    if (handler_.log_ == nullptr) return;
    const http::RequestHead& head = stream_.request();
    handler_.log_->write({.address = stream_.connection().peer.ip(),
                          .authorization = head.headers.get(http::Known::Authorization).value_or(std::string_view()),
                          .method = head.method,
                          .target = target_of(head),
                          .version = http::version_text(head.version),
                          .status = status_,
                          .body_octets = stream_.octets_sent() - stream_.head_octets_sent(),
                          .referer = head.headers.get("referer").value_or(std::string_view()),
                          .user_agent = head.headers.get(http::Known::UserAgent).value_or(std::string_view()),
                          .request_id = {}});
  }

  [[nodiscard]] rt::Reactor& reactor() const override { return stream_.reactor(); }
  [[nodiscard]] Arena& arena() override { return stream_.arena(); }
  [[nodiscard]] http::RequestHead& request() override { return stream_.request(); }
  [[nodiscard]] http::BodyReader* body() override { return stream_.body(); }
  [[nodiscard]] const http::ConnectionInfo& connection() const override { return stream_.connection(); }
  [[nodiscard]] std::int64_t started_ns() const override { return stream_.started_ns(); }

  Task<Result<>> respond(http::ResponseHead& head, http::BodyReader* body) override {
    status_ = head.status;
    return stream_.respond(head, body);
  }
  Task<Result<>> inform(int status) override { return stream_.inform(status); }
  Task<Result<net::Stream*>> switch_protocols(http::ResponseHead& head, std::string_view& early) override {
    status_ = head.status;
    return stream_.switch_protocols(head, early);
  }

  void close_after_response() override { stream_.close_after_response(); }
  [[nodiscard]] bool response_started() const override { return stream_.response_started(); }
  [[nodiscard]] std::uint64_t octets_received() const override { return stream_.octets_received(); }
  [[nodiscard]] std::uint64_t octets_sent() const override { return stream_.octets_sent(); }
  [[nodiscard]] std::uint64_t head_octets_received() const override { return stream_.head_octets_received(); }
  [[nodiscard]] std::uint64_t head_octets_sent() const override { return stream_.head_octets_sent(); }

 private:
  LoggedHandler& handler_;
  http::ServerStream& stream_;
  int status_ = kClientWentAway;
};

void LoggedHandler::log_to(const std::string& path) {
  if (path == path_) return;
  path_ = path;
  log_ = path.empty() ? nullptr : std::make_unique<telemetry::AccessLog>(reactor_, files_, path);
}

Task<void> LoggedHandler::handle(http::ServerStream& stream) {
  Line line(*this, stream);
  co_await inner_.handle(line);
}

Task<void> LoggedHandler::refuse(http::ServerStream& stream, int status, std::string_view why) {
  Line line(*this, stream);
  co_await inner_.refuse(line, status, why);
}

}  // namespace sluice::apps

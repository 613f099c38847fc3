// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/admin_client.h"

#include <algorithm>
#include <deque>
#include <span>

#include <netdb.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "base/strings.h"
#include "cli/files.h"
#include "net/tls/handshake.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kAtOnce = 16;              // requests of one call
constexpr std::size_t kMaxResponse = 256 << 20;  // a page of 1000 entities is far smaller
constexpr std::size_t kBatchOctetsAMs = 50;
constexpr int kMaxTries = 5;
constexpr std::int64_t kFirstPauseMs = 1000;  // tripled each time

/// Blocks, which is what a command may do.
Result<std::string> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0) {
    return fail(Errc::NotFound, host + ": " + ::gai_strerror(code));
  }
  std::string text(NI_MAXHOST, '\0');
  const addrinfo* chosen = found;  // IPv4 first: localhost is where gateways listen by default
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET) {
      chosen = at;
      break;
    }
  }
  const int code =
      ::getnameinfo(chosen->ai_addr, chosen->ai_addrlen, text.data(), NI_MAXHOST, nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  if (code != 0) return fail(Errc::NotFound, host + ": " + ::gai_strerror(code));
  text.resize(text.find('\0'));
  return text;
}

Result<std::shared_ptr<const net::tls::ClientContext>> tls_context(const AdminTarget& target) {
  net::tls::ClientSettings settings;
  settings.verify = target.verify_tls;
  settings.verify_depth = 8;
  if (settings.verify && target.ca_file.empty()) {
    TRY(settings.trust, net::tls::TrustStore::system());
  } else if (settings.verify) {
    TRY(const Input pem, read_input(target.ca_file));
    TRY(settings.trust, net::tls::TrustStore::from_pem(std::span(&pem.text, 1)));
  }
  return net::tls::ClientContext::make(std::move(settings));
}

bool worth_another_try(const AdminReply& reply) {
  return reply.status == 429 || reply.status == 502 || reply.status == 503 || reply.status == 504;
}

/// What a proxy has made weak (by compressing, say) matches nothing: RFC 9110, 13.1.1. It is as good as none.
std::string strong_etag(const http::ClientResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (iequals(name, "ETag") && value.starts_with('"')) return value;
  }
  return {};
}

std::string next_page(const std::string& path, const Json& page) {
  const Json* offset = page.find("offset");
  const Json* next = page.find("next");
  if (offset == nullptr || offset->is_null() || (next != nullptr && next->is_null())) return {};
  const std::string token = offset->is_string() ? offset->as_string() : to_json(*offset);
  return path + "&offset=" + percent_encode(token);
}

}  // namespace

std::string AdminReply::message() const {
  const Json* text = body.find("message");
  if (text != nullptr && text->is_string()) return text->as_string();
  return "status " + std::to_string(status);
}

std::unexpected<Error> refused_by(const AdminTarget& target, const AdminReply& reply) {
  const auto is_token = [](const auto& header) {
    return iequals(header.first, "Kong-Admin-Token") || iequals(header.first, "Authorization");
  };
  const bool has_token = std::ranges::any_of(target.headers, is_token);
  std::string text = "the " + target.what + " ";
  if (reply.status != 401) {
    text += "does not allow that (" + reply.message() + "): the token may not, see --token";
  } else {
    text +=
        has_token ? "does not know this token (" + reply.message() + ")" : "wants a token (" + reply.message() + ")";
    text +=
        ": give one with --token or SLUICE_ADMIN_TOKEN. `sluice token create --role admin` makes one where the "
        "gateway runs, and so does the console.";
  }
  return fail(Errc::Forbidden, std::move(text));
}

AdminClient::AdminClient(AdminTarget target)
    : target_(std::move(target)),
      client_(reactor_, [this](net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool,
                               rt::Deadline deadline) { return dial(stream, std::move(host), port, tls, deadline); }) {
  while (target_.url.ends_with('/')) target_.url.pop_back();
  if (target_.url.find("://") == std::string::npos) target_.url.insert(0, "http://");
}

Task<Result<>> AdminClient::dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls,
                                 rt::Deadline deadline) {
  std::string& address = addresses_[host];
  if (address.empty() && IpAddress::parse(host)) address = host;
  if (address.empty()) {
    CO_TRY(address, look_up(host));
  }
  CO_TRY(const IpAddress ip, IpAddress::parse(address));
  CO_TRY(co_await net::connect(stream, reactor_, net::Address(ip, port), deadline));
  if (!tls) co_return Result<>{};
  if (!tls_) {
    CO_TRY(tls_, tls_context(target_));
  }
  co_return co_await net::tls::connect(stream, tls_, std::move(host), deadline);
}

Task<Result<AdminReply>> AdminClient::exchange(std::string method, std::string url, std::string body,
                                               std::string if_match) {
  std::int64_t pause_ms = kFirstPauseMs;
  for (int tries = 1;; ++tries, pause_ms *= 3) {
    http::ClientRequest request;
    request.method = method;
    request.url = url;
    request.headers = {{"Accept", "application/json"}, {"User-Agent", "sluice-cli"}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (!if_match.empty()) request.headers.emplace_back("If-Match", if_match);
    request.headers.insert(request.headers.end(), target_.headers.begin(), target_.headers.end());
    request.body = body;
    request.max_response = kMaxResponse;
    // Checking ten thousand entities takes longer than answering a question.
    const auto extra_ms = static_cast<std::int64_t>(body.size() / kBatchOctetsAMs);
    auto response = co_await client_.send(std::move(request), reactor_.after_ms(target_.timeout_ms + extra_ms));
    if (!response) co_return fail("cannot reach the " + target_.what + " at " + target_.url + ": ", response.error());
    AdminReply reply{response->status, {}, strong_etag(*response)};
    if (auto parsed = parse_json(response->body)) {
      reply.body = *std::move(parsed);
    } else if (!response->body.empty() && reply.status < 400) {
      co_return fail(Errc::Invalid, method + " " + url + ": the answer is not JSON; is this the " + target_.what + "?");
    }
    if (!worth_another_try(reply) || tries == kMaxTries) co_return reply;
    co_await rt::Sleep(reactor_, reactor_.after_ms(pause_ms));
  }
}

Task<Result<AdminClient::Listing>> AdminClient::list_one(std::string path) {
  const std::string first = path + (path.find('?') == std::string::npos ? "?" : "&") + "size=1000";
  const std::string base = target_.url + (target_.workspace.empty() ? "" : "/" + percent_encode(target_.workspace));
  Listing listing;
  for (std::string at = first; !at.empty();) {
    CO_TRY(AdminReply reply, co_await exchange("GET", base + at, {}));
    if (reply.status == 404 || reply.status == 405) {
      listing.exists = false;
      co_return listing;
    }
    if (reply.status != 200) {
      co_return fail(Errc::Refused, "GET " + at + ": " + reply.message());
    }
    Json* data = reply.body.find("data");
    if (data == nullptr || !data->is_array()) co_return fail(Errc::Invalid, "GET " + at + ": expected a list");
    std::ranges::move(data->as_array(), std::back_inserter(listing.entries));
    if (!reply.etag.empty()) listing.versions.insert(std::move(reply.etag));
    at = next_page(first, reply.body);
  }
  co_return listing;
}

template <class T>
T AdminClient::run(Task<T> task) {
  task.start();
  while (!task.ready()) {
    reactor_.run_once(100);
    progress_.tick();
  }
  return task.take();
}

Result<AdminReply> AdminClient::send(std::string method, std::string path, std::string body, std::string if_match) {
  const std::string base = target_.workspace.empty() ? "" : "/" + percent_encode(target_.workspace);
  return send_above(std::move(method), base + path, std::move(body), std::move(if_match));
}

Result<AdminReply> AdminClient::send_above(std::string method, std::string path, std::string body,
                                           std::string if_match) {
  return run(exchange(std::move(method), target_.url + path, std::move(body), std::move(if_match)));
}

Result<std::vector<AdminClient::Listing>> AdminClient::list(const std::vector<std::string>& paths) {
  std::deque<std::pair<std::size_t, Task<Result<Listing>>>> running;
  std::vector<Listing> listings(paths.size());
  progress_.begin("reading", paths.size());
  for (std::size_t next = 0; next < paths.size() || !running.empty();) {
    while (next < paths.size() && running.size() < kAtOnce) {
      running.emplace_back(next, list_one(paths[next]));
      running.back().second.start();
      ++next;
    }
    reactor_.run_once(running.front().second.ready() ? 0 : 100);
    progress_.tick();
    for (auto at = running.begin(); at != running.end();) {
      if (!at->second.ready()) {
        ++at;
        continue;
      }
      TRY(listings[at->first], at->second.take());
      progress_.step();
      at = running.erase(at);
    }
  }
  return listings;
}

}  // namespace sluice::cli

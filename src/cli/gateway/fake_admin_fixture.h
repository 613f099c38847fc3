// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strings.h"

namespace sluice::cli {

struct FakeRequest {
  std::string method;
  std::string target;  // with the query
  std::string if_match;
  std::string body;
};

struct FakeReply {
  int status = 200;
  std::string body = "{}";
  std::string etag = {};
};

/// An Admin API for tests: answers one request after the other as `answer` says, on its own thread.
class FakeAdmin {
 public:
  using Answer = std::function<FakeReply(const FakeRequest& request)>;

  explicit FakeAdmin(Answer answer) : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(socket_, 64);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  FakeAdmin(const FakeAdmin&) = delete;
  FakeAdmin& operator=(const FakeAdmin&) = delete;
  ~FakeAdmin() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    for (int client = ::accept(socket_, nullptr, nullptr); client >= 0; client = ::accept(socket_, nullptr, nullptr)) {
      const FakeReply reply = answer_(receive(client));
      std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " x\r\nConnection: close\r\n";
      if (!reply.etag.empty()) text += "ETag: " + reply.etag + "\r\n";
      text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
      ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
      ::close(client);
    }
  }

  static FakeRequest receive(int client) {
    FakeRequest request;
    std::string text;
    std::size_t end = std::string::npos;
    std::size_t length = 0;
    while (end == std::string::npos || text.size() < end + 4 + length) {
      char part[4096];
      const ssize_t got = ::recv(client, part, sizeof part, 0);
      if (got <= 0) return request;
      text.append(part, static_cast<std::size_t>(got));
      end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const std::string given = field(text.substr(0, end), "content-length");
      length = given.empty() ? 0 : std::stoul(given);
    }
    const std::string head = text.substr(0, end);
    request.method = head.substr(0, head.find(' '));
    const std::size_t target = request.method.size() + 1;
    request.target = head.substr(target, head.find(' ', target) - target);
    request.if_match = field(head, "if-match");
    request.body = text.substr(end + 4);
    return request;
  }

  static std::string field(const std::string& head, std::string_view name) {
    for (std::string_view line : split_list(head, '\n')) {
      const std::size_t colon = line.find(':');
      if (colon != line.npos && iequals(line.substr(0, colon), name)) return std::string(trim(line.substr(colon + 1)));
    }
    return {};
  }

  Answer answer_;
  int socket_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace sluice::cli

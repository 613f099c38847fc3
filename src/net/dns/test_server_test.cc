// SPDX-License-Identifier: Apache-2.0
// The name server of the tests, not a test of its own.
#include "net/dns/test_server.h"

#include <array>
#include <cstdlib>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "base/strings.h"

namespace sluice::net::dns {
namespace {

constexpr std::size_t kHeader = 12;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xFF);
}

std::string address_data(const std::string& text) {
  const auto ip = *IpAddress::parse(text);
  return {reinterpret_cast<const char*>(ip.octets().data()), ip.octets().size()};
}

/// "priority weight port host"
std::string service_data(const std::string& text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(text, ' ')) words.push_back(word);
  std::string data;
  for (std::size_t i = 0; i < 3; ++i) put16(data, *parse_int<unsigned>(words[i]));
  for (const std::string_view label : split(words[3], '.')) {
    data += static_cast<char>(label.size());
    data += label;
  }
  data += '\0';
  return data;
}

/// Negative when somebody has the port.
int bind_loopback(int type, std::uint16_t port) {
  const int fd = ::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

TestServer::TestServer(rt::Reactor& reactor) : reactor_(reactor) {
  int tcp = -1;
  int udp = -1;
  while (udp < 0) {  // another program may have the UDP port of the same number
    if (tcp >= 0) ::close(tcp);
    tcp = bind_loopback(SOCK_STREAM, 0);
    port_ = port_of(tcp);
    udp = bind_loopback(SOCK_DGRAM, port_);
  }
  ::listen(tcp, 16);
  tcp_.attach(reactor, tcp);
  udp_.attach(reactor, udp);
  tasks_.spawn(serve_udp());
  tasks_.spawn(serve_tcp());
}

std::string TestServer::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

Task<void> TestServer::serve_udp() {
  for (;;) {
    co_await udp_.wait_readable(rt::Deadline::never());
    std::array<char, 2048> message;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got =
        ::recvfrom(udp_.fd(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < 0) {
      udp_.clear_readable();
      continue;
    }
    const std::string answer = answer_to({message.data(), static_cast<std::size_t>(got)}, false);
    if (!answer.empty()) {
      ::sendto(udp_.fd(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
    }
  }
}

Task<void> TestServer::serve_tcp() {
  for (;;) {
    co_await tcp_.wait_readable(rt::Deadline::never());
    const int fd = ::accept4(tcp_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      tcp_.clear_readable();
    } else {
      tasks_.spawn(serve_connection(fd));
    }
  }
}

Task<void> TestServer::serve_connection(int fd) {
  rt::IoSource connection;
  connection.attach(reactor_, fd);
  std::string input;
  std::array<char, 2048> piece;
  for (;;) {
    co_await connection.wait_readable(rt::Deadline::never());
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    if (got == 0) co_return;
    if (got < 0) {
      connection.clear_readable();
      continue;
    }
    input.append(piece.data(), static_cast<std::size_t>(got));
    while (input.size() >= 2) {
      const std::size_t size =
          static_cast<std::size_t>(static_cast<unsigned char>(input[0]) << 8 | static_cast<unsigned char>(input[1]));
      if (input.size() < 2 + size) break;
      const std::string answer = answer_to(std::string_view(input).substr(2, size), true);
      input.erase(0, 2 + size);
      std::string framed;
      put16(framed, static_cast<unsigned>(answer.size()));
      framed += answer;
      // In two pieces, as the network may do it.
      ::send(fd, framed.data(), 3, MSG_NOSIGNAL);
      ::send(fd, framed.data() + 3, framed.size() - 3, MSG_NOSIGNAL);
    }
  }
}

std::string TestServer::answer_to(std::string_view message, bool tcp) {
  if (tcp) ++over_tcp;
  if (manner == Manner::Silent || message.size() < kHeader) return {};
  std::string name;
  std::size_t at = kHeader;
  while (at < message.size() && message[at] != 0) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
    if (!name.empty()) name += '.';
    name += message.substr(at + 1, size);
    at += 1 + size;
  }
  const int type = static_cast<unsigned char>(message[at + 1]) << 8 | static_cast<unsigned char>(message[at + 2]);
  const std::string_view question = message.substr(kHeader, at + 5 - kHeader);
  questions.push_back((type == 1 ? "A " : type == 28 ? "AAAA " : type == 33 ? "SRV " : "? ") + name);
  if (manner == Manner::Garbage) return std::string(message.substr(0, 2)) + "\x84\x80garbage, not an answer at all";

  auto found = records.find({name, type});
  const bool exists = records.contains({name, 1}) || records.contains({name, 28}) || records.contains({name, 33});
  const bool truncated = manner == Manner::Truncated && !tcp;
  const unsigned code = manner == Manner::ServerFailure ? 2 : exists ? 0 : 3;
  std::string out(message.substr(0, 2));
  put16(out, 0x8480U | (truncated ? 0x0200U : 0U) | code);
  put16(out, 1);
  const std::size_t count = found == records.end() || truncated || code != 0 ? 0 : found->second.addresses.size();
  put16(out, static_cast<unsigned>(count));
  put16(out, 0);
  put16(out, 0);
  out += manner == Manner::WrongQuestion ? std::string(
                                               "\x03"
                                               "bad\x00\x00\x01\x00\x01",
                                               9)
                                         : std::string(question);
  for (std::size_t i = 0; i < count; ++i) {
    put16(out, 0xC00C);
    put16(out, static_cast<unsigned>(type));
    put16(out, 1);
    put16(out, found->second.ttl >> 16);
    put16(out, found->second.ttl & 0xFFFF);
    const std::string data =
        type == 33 ? service_data(found->second.addresses[i]) : address_data(found->second.addresses[i]);
    put16(out, static_cast<unsigned>(data.size()));
    out += data;
  }
  return out;
}

}  // namespace sluice::net::dns

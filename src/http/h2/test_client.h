// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/h2/preface.h"

namespace sluice::http::h2 {

/// A frame as it stands on the wire.
struct WireFrame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;

  [[nodiscard]] bool ends_stream() const { return (flags & NGHTTP2_FLAG_END_STREAM) != 0; }
  /// Of RST_STREAM and GOAWAY.
  [[nodiscard]] std::uint32_t error() const { return number(type == NGHTTP2_GOAWAY ? 4 : 0); }
  [[nodiscard]] std::uint32_t number(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4 && i < payload.size(); ++i)
      value = value << 8U | static_cast<std::uint8_t>(payload[i]);
    return value;
  }
};

using FieldList = std::vector<std::pair<std::string, std::string>>;

/// For tests: one end of an HTTP/2 connection that writes exactly the frames it is told to, and takes apart what comes
/// back. As a client it calls begin(), as a server accept().
class TestClient {
 public:
  /// `socket` is this side of a socket pair; owned.
  explicit TestClient(int socket) : socket_(socket) {
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    nghttp2_hd_inflate_new(&inflater_);
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() {
    nghttp2_hd_inflate_del(inflater_);
    close();
  }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  static std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
    std::string bytes;
    for (int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift);
    bytes += static_cast<char>(type);
    bytes += static_cast<char>(flags);
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift);
    return bytes.append(payload);
  }

  /// HPACK: literal fields, never indexed, no Huffman coding. Texts shorter than 127 octets.
  static std::string block(const FieldList& fields) {
    std::string bytes;
    for (const auto& [name, value] : fields) {
      bytes += '\x10';
      bytes += static_cast<char>(name.size());
      bytes += name;
      bytes += static_cast<char>(value.size());
      bytes += value;
    }
    return bytes;
  }

  static FieldList get(std::string path = "/") {
    return {{":method", "GET"}, {":scheme", "http"}, {":authority", "example.test"}, {":path", std::move(path)}};
  }
  static FieldList post(std::string path = "/") {
    auto fields = get(std::move(path));
    fields[0].second = "POST";
    return fields;
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // a full socket or a server that has gone: floods meet both
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void begin() { write(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0, {})); }
  void accept(std::string_view settings = {}) {
    skipped_ = kPreface.size();
    write(frame(NGHTTP2_SETTINGS, 0, 0, settings));
    write(frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, {}));  // of those that the client begins with
  }
  void request(std::uint32_t stream, const FieldList& fields, bool ends = true) {
    write(frame(NGHTTP2_HEADERS,
                static_cast<std::uint8_t>(NGHTTP2_FLAG_END_HEADERS | (ends ? NGHTTP2_FLAG_END_STREAM : 0)), stream,
                block(fields)));
  }
  void data(std::uint32_t stream, std::string_view bytes, bool ends) {
    write(frame(NGHTTP2_DATA, ends ? NGHTTP2_FLAG_END_STREAM : 0, stream, bytes));
  }
  void reset(std::uint32_t stream) { write(frame(NGHTTP2_RST_STREAM, 0, stream, {"\0\0\0\x08", 4})); }

  /// Takes in what has come; `frames` grows.
  void read() {
    std::array<char, 65536> some;
    for (;;) {
      const ssize_t got = ::recv(socket_, some.data(), some.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) closed = true;
      if (got <= 0) break;
      input_.append(some.data(), static_cast<std::size_t>(got));
    }
    const std::size_t skipped = std::min(skipped_, input_.size());
    input_.erase(0, skipped);
    skipped_ -= skipped;
    while (input_.size() >= 9) {
      auto octet = [this](std::size_t at) { return static_cast<std::uint8_t>(input_[at]); };
      const std::size_t size =
          static_cast<std::size_t>(octet(0)) << 16U | static_cast<std::size_t>(octet(1)) << 8U | octet(2);
      if (input_.size() < 9 + size) return;
      WireFrame made{octet(3), octet(4), 0, input_.substr(9, size)};
      for (std::size_t i = 5; i < 9; ++i) made.stream = made.stream << 8U | octet(i);
      if (made.type == NGHTTP2_HEADERS) decode(made);
      frames.push_back(std::move(made));
      input_.erase(0, 9 + size);
    }
  }

  [[nodiscard]] const WireFrame* find(std::uint8_t type, std::uint32_t stream = 0) const {
    for (const WireFrame& each : frames) {
      if (each.type == type && each.stream == stream) return &each;
    }
    return nullptr;
  }
  /// The fields of the stream's HEADERS frames as "name: value\n", one head after the other.
  [[nodiscard]] std::string head(std::uint32_t stream) const {
    std::string all;
    for (const auto& [id, text] : heads_) {
      if (id == stream) all += text;
    }
    return all;
  }
  [[nodiscard]] std::string content(std::uint32_t stream) const {
    std::string all;
    for (const WireFrame& each : frames) {
      if (each.type == NGHTTP2_DATA && each.stream == stream) all += each.payload;
    }
    return all;
  }
  /// The stream ended, in either way.
  [[nodiscard]] bool is_over(std::uint32_t stream) const {
    for (const WireFrame& each : frames) {
      if (each.stream == stream && ((each.type == NGHTTP2_RST_STREAM) || (each.type <= 1 && each.ends_stream())))
        return true;
    }
    return false;
  }

  std::vector<WireFrame> frames;
  bool closed = false;

 private:
  void decode(const WireFrame& from) {
    std::string text;
    const auto* at = reinterpret_cast<const std::uint8_t*>(from.payload.data());
    std::size_t left = from.payload.size();
    for (;;) {
      nghttp2_nv field{};
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0) break;
      at += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        text.append(reinterpret_cast<char*>(field.name), field.namelen).append(": ");
        text.append(reinterpret_cast<char*>(field.value), field.valuelen).append("\n");
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    heads_.emplace_back(from.stream, std::move(text));
  }

  int socket_;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::string input_;
  std::size_t skipped_ = 0;  // octets of a preface that are still to come
  std::vector<std::pair<std::uint32_t, std::string>> heads_;
};

}  // namespace sluice::http::h2

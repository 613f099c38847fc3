// SPDX-License-Identifier: Apache-2.0
#include "http/input_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sluice::http {

void InputBuffer::consume(std::size_t octets) {
  SLUICE_ASSERT(octets <= size_);
  data_ += octets;
  size_ -= octets;
  if (size_ == 0) {
    own_.reset();
    reactor_.return_input(*this);
  }
}

net::Io InputBuffer::fill(net::Stream& stream, std::size_t most) {
  if (!stream.has_input()) return {};
  char* buffer = reactor_.borrow_input(*this);
  if (size_ != 0 && data_ != buffer) std::memmove(buffer, data_, size_);
  data_ = buffer;
  own_.reset();
  if (size_ == rt::Reactor::kScratch) return {net::Io::State::Failed, 0};  // callers limit what they leave unconsumed
  net::Io io = stream.read({buffer + size_, std::min(most, rt::Reactor::kScratch - size_)});
  if (io.moved()) size_ += io.octets;
  if (size_ == 0) reactor_.return_input(*this);
  return io;
}

void InputBuffer::seed(std::string_view bytes) {
  auto joined = std::make_unique<char[]>(size_ + bytes.size());
  if (size_ != 0) std::memcpy(joined.get(), data_, size_);
  std::memcpy(joined.get() + size_, bytes.data(), bytes.size());
  reactor_.return_input(*this);
  size_ += bytes.size();
  own_ = std::move(joined);
  data_ = own_.get();
}

void InputBuffer::evict() {
  if (size_ == 0) return;
  auto copy = std::make_unique<char[]>(size_);
  std::memcpy(copy.get(), data_, size_);
  own_ = std::move(copy);
  data_ = own_.get();
}

}  // namespace sluice::http

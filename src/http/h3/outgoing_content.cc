// SPDX-License-Identifier: Apache-2.0
#include "http/h3/outgoing_content.h"

#include <algorithm>

namespace sluice::http::h3 {

std::size_t OutgoingContent::offer(std::span<nghttp3_vec> parts) {
  std::size_t count = 0;
  for (; count < parts.size() && next_ < blocks_.size(); ++count, ++next_) {
    std::string& block = blocks_[next_];
    parts[count] = {reinterpret_cast<std::uint8_t*>(block.data()), block.size()};
    unoffered_ -= block.size();
  }
  return count;
}

void OutgoingContent::acknowledge(std::uint64_t octets) {
  while (octets != 0 && next_ != 0) {
    const std::size_t left = blocks_.front().size() - acknowledged_;
    const std::size_t now = std::min<std::uint64_t>(octets, left);
    octets -= now;
    acknowledged_ += now;
    held_ -= now;
    if (now < left) return;
    blocks_.pop_front();
    acknowledged_ = 0;
    --next_;
  }
}

}  // namespace sluice::http::h3

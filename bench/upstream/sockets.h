// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sluice::bench {

/// Throws std::system_error of errno.
[[noreturn]] void give_up(const char* what);

/// A socket that listens on 127.0.0.1:`port`, or of datagrams one that is bound there. Throws std::system_error.
int listen_on(std::uint16_t port);
int bind_datagrams(std::uint16_t port);

/// epoll_ctl with the descriptor as data. Throws std::system_error.
void watch(int epoll, int operation, int fd, std::uint32_t events);

}  // namespace sluice::bench

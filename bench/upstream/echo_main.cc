// SPDX-License-Identifier: Apache-2.0
// bench_echo PORT: sends back what arrives on 127.0.0.1:PORT, over TCP, UDP and WebSocket.
#include "echo_server.h"
#include "main_with_port.h"

int main(int argc, char** argv) {
  return sluice::bench::main_with_port("bench_echo", argc, argv,
                                       [](std::uint16_t port) { sluice::bench::EchoServer(port).run(); });
}

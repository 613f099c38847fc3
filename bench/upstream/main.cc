// SPDX-License-Identifier: Apache-2.0
// bench_upstream PORT: answers every request on 127.0.0.1:PORT; /bytes/N with N bytes, other paths with 200.
#include "main_with_port.h"
#include "responder.h"

int main(int argc, char** argv) {
  return sluice::bench::main_with_port("bench_upstream", argc, argv,
                                       [](std::uint16_t port) { sluice::bench::Responder(port).run(); });
}

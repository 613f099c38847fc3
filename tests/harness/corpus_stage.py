# SPDX-License-Identifier: Apache-2.0
"""What the corpus is played on."""

from __future__ import annotations

from harness.gateway import Gateway


class GatewayStage:
    """One gateway, used by one case at a time."""

    gateway: Gateway

    def is_alive(self) -> bool:
        return self.gateway.is_alive()

    def restart(self) -> None:
        self.gateway.start()

    def close(self) -> list[str]:
        """Ends it; what was wrong with that, or with what it has logged."""
        problems = self.gateway.stop()
        loud = self.gateway.logged_above("info")
        if loud:
            problems.append(f"{len(loud)} log lines above info, first: {loud[0][:300]}")
        return problems

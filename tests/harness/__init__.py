# SPDX-License-Identifier: Apache-2.0
"""The test harness: what run_scenarios.py and run_corpus.py are made of."""

import importlib.util
import sys

# The HTTP/2 codec comes from Debian's python3-h2. A python3 from elsewhere that is first on the PATH
# finds it here; these packages are pure Python.
if importlib.util.find_spec("h2") is None:
    sys.path.append("/usr/lib/python3/dist-packages")

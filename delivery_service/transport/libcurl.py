"""libcurl as one untyped name: the stub that pycurl brings lists only some of its constants."""

from typing import Any

import pycurl

curl: Any = pycurl

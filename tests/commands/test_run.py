"""``conform run``, from its options to its exit status, without a browser."""

from __future__ import annotations

import io
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import StandIn

"""What moto reads once, when it is imported: how many seconds a certificate takes to become valid (default: 60)."""

import os

os.environ["MOTO_ACM_VALIDATION_WAIT"] = "1"

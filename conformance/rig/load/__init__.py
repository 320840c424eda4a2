"""The load generator: locust's processes, what its users do, and starting and ending it all."""

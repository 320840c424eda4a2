"""The rig of server conformance: sends what the plan names, and notes what the server does. No browser, no fakes."""

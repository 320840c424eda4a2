"""semantest-conformance: judges whether a browser extension may ship."""

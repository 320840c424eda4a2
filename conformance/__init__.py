"""semantest-conformance: may this browser extension ship?"""

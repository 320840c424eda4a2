"""All I/O of a scenario: browser, fakes, faults, network log, recorder, and the engine that runs them."""

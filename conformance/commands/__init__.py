"""The commands of the command line, one module each. ``cli.py`` declares their options and calls them.

Every command returns its exit status; what goes wrong is raised as a ``ConformError`` and printed by
``cli.main``. Choosing what to say is kept apart from saying it, so that it can be tested.
"""

"""Images made by the project itself, with true boxes: the gallery and random training scenes.

Runs in an environment of its own (requirements.txt beside this file); nothing imports it.
"""

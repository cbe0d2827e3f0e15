"""A stand-in for two school-data partners: synthetic schools behind the partners' own APIs, over real HTTP.

See ``sandbox/README.md``. For tests: ``with sandbox.running(size=0.1) as partner: partner.url, partner.token``.
"""

from sandbox.server import Sandbox, running

__all__ = ["Sandbox", "running"]

"""A stand-in for a school-data partner: synthetic schools behind the partner's own API, over real HTTP.

See ``sandbox/README.md``. For tests: ``with sandbox.running(size=0.1) as partner: partner.url, partner.token``.
"""

from sandbox.server import Sandbox, running

__all__ = ["Sandbox", "running"]

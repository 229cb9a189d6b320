#!/usr/bin/env python3
"""The dependency rule of ARCHITECTURE.md, checked on every #include: arrows point one way, and what is
pure stays pure: no CAF, no Boost, no YAML, no sockets, no threads, no clock, no random device."""
import pathlib
import re
import unittest

import harness

ROOT = harness.ROOT
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)

BASE = {"libruntime"}
MIDDLE = BASE | {"autoscaler", "config", "net"}
EDGE = MIDDLE | {"providers", "worker"}
MAY_USE = {
    "libruntime": BASE,
    "autoscaler": BASE | {"autoscaler"},
    "config": BASE | {"config"},
    "net": BASE | {"net"},
    "providers": MIDDLE | {"providers"},
    "worker": MIDDLE | {"worker"},
    "actors": EDGE | {"actors"},
    "gateway": EDGE | {"actors", "gateway"},
    "api": EDGE | {"actors", "api", "troupe", "gateway"},
    "bench": EDGE | {"actors", "api", "troupe", "bench"},
    "cli": EDGE | {"actors", "gateway", "api", "troupe", "bench", "cli"},
}
FOLDERS = set(MAY_USE) | {"troupe"}

PURE = ("libruntime", "autoscaler")
# The pool's core and what it is told are pure too; so is the worker's core.
PURE_FILES = ("providers/pool_core", "providers/pool_types", "worker/core", "worker/worker_core")
IMPURE_HEADERS = re.compile(
    r"^(caf|boost|yaml-cpp|prometheus|openssl|nlohmann|spdlog|sys|netinet|arpa)/"
    r"|^(thread|mutex|condition_variable|future|shared_mutex|random|fstream|unistd\.h|pthread\.h)$")
IMPURE_CALLS = re.compile(
    r"\b(?:clock|steady_clock|system_clock|high_resolution_clock)::now\s*\(|\brandom_device\b"
    r"|\b(?:std::)?(?:time|rand|getenv|gettimeofday|clock_gettime)\s*\(")


def sources(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".hpp", ".cpp", ".h"))


def is_pure(path):
    relative = path.relative_to(ROOT).as_posix()
    return relative.startswith(tuple(f"{folder}/" for folder in PURE)) or relative.startswith(PURE_FILES)


class Layers(unittest.TestCase):
    def test_includes_point_one_way(self):
        wrong = []
        for folder, allowed in MAY_USE.items():
            for path in sources(folder):
                for header in INCLUDE.findall(path.read_text()):
                    of = header.partition("/")[0]
                    if "/" in header and of in FOLDERS and of not in allowed:
                        wrong.append(f"{path.relative_to(ROOT)} includes {header}")
        self.assertEqual(wrong, [])

    def test_pure_code_stays_pure(self):
        wrong, looked_at = [], 0
        for path in (p for folder in ("libruntime", "autoscaler", "providers", "worker") for p in sources(folder)):
            if not is_pure(path):
                continue
            looked_at += 1
            text = path.read_text()
            wrong += [f"{path.relative_to(ROOT)} includes {header}" for header in INCLUDE.findall(text)
                      if IMPURE_HEADERS.match(header)]
            code = re.sub(r"//[^\n]*", "", text)
            wrong += [f"{path.relative_to(ROOT)} calls {call}" for call in IMPURE_CALLS.findall(code)]
        self.assertEqual(wrong, [])
        self.assertGreater(looked_at, 20)

    def test_only_net_knows_beast_and_only_config_knows_yaml(self):
        owners = {"boost/beast": "net", "boost/asio": "net", "yaml-cpp": ("config", "cli"), "prometheus/": "gateway"}
        wrong = [f"{path.relative_to(ROOT)} includes {header}"
                 for folder in MAY_USE for path in sources(folder)
                 for header in INCLUDE.findall(path.read_text())
                 for prefix, owner in owners.items() if header.startswith(prefix) and folder not in owner]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    harness.main()

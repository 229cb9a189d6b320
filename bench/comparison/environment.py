"""The virtual environment of the comparison, and what each peer needs in it or from Debian."""

import os
import shutil
import subprocess
import sys

# Tried one after the other, so that one that can't be installed leaves the others alone.
PLOT = ["matplotlib"]


class Missing(Exception):
    """A peer can't run here; the text says why."""


def run(*command):
    done = subprocess.run(
        [str(c) for c in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        lines = [line for line in done.stdout.strip().split("\n") if line] or ["no words"]
        raise Missing(f"{os.path.basename(str(command[0]))} {command[1]} failed: {lines[-1][:200]}")
    return done.stdout


def make(folder, say):
    """Its Python; makes it where it isn't there yet."""
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"making a virtual environment in {folder}")
        run(sys.executable, "-m", "venv", folder)
    return python


def installed(python, name):
    return not name or subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode == 0


def install_python(python, packages, import_name, say):
    if not installed(python, import_name):
        say(f"installing {', '.join(packages)} from PyPI")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)


def has_debian(package):
    if not shutil.which("dpkg-query"):
        return False
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True
    )
    return done.stdout == "installed"


def install_debian(packages, say):
    missing = [p for p in packages if not has_debian(p)]
    if not missing:
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise Missing(
            f"needs Debian's {' '.join(missing)}: run apt-get install {' '.join(missing)} as root"
        )
    say(f"installing {', '.join(missing)} with apt-get")
    run("apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *missing)


def prepare(peer, python, say, install):
    """Throws Missing where the peer can't be had."""
    if install:
        install_debian(peer.debian, say)
        install_python(python, peer.python, peer.import_name, say)
    missing = [p for p in peer.debian if not has_debian(p)]
    if missing:
        raise Missing(f"{' '.join(missing)} of Debian is not installed")
    if not installed(python, peer.import_name):
        raise Missing(f"{peer.import_name} is not installed in the virtual environment")

"""`python -m hsba.cli`: the commands without the script that pip installs."""

from __future__ import annotations

from hsba.cli import app

if __name__ == "__main__":
    app()

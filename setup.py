"""What pyproject.toml cannot say: experiments and search spaces stay at the top level, and travel in the wheel."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("experiments/*.py", "search_spaces/*.yaml")


class WithShipped(build_py):
    """Copies them to raysp/shipped; an editable installation finds them where they are."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        for path in (path for pattern in SHIPPED for path in sorted(Path().glob(pattern))):
            target = Path(self.build_lib, "raysp", "shipped", path)
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": WithShipped})

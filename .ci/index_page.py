"""Prepare a copy of the sources for a package index, which knows nothing of the repository.

    python .ci/index_page.py FOLDER https://HOST/OWNER/NAME v0.2.0

Relative links of FOLDER/README.md become links into the repository at that tag, and pyproject.toml
gets the addresses of the project. The repository itself names no address, so that a copy of it
elsewhere is not built with a wrong one.
"""

import re
import sys
from pathlib import Path

_FENCE = re.compile(r"^(```|~~~)")
# Where a target stands: [text](target) and ![text](target), "[name]: target", <img src="target">.
_TARGETS = (
    re.compile(r"(?P<before>\]\()(?P<target>[^)\s]+)"),
    re.compile(r"(?P<before>^\[[^\]]+\]:\s+)(?P<target>\S+)"),
    re.compile(r'(?P<before><(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=")(?P<target>[^"\s]+)'),
)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|#|//")


def absolute_links(page: str, folder: Path, repository: str, ref: str) -> str:
    """The page with every relative link pointing into the repository; code is left as it is."""

    def replace(link: re.Match[str]) -> str:
        target = link["target"].removeprefix("./")
        if _ABSOLUTE.match(target):
            return link[0]
        path = folder / target.partition("#")[0]
        if not path.exists():
            sys.exit(f"README.md links to {target}, which is not in the repository")
        kind = "tree" if path.is_dir() else "raw" if _is_image(link) else "blob"
        return f"{link['before']}{repository}/{kind}/{ref}/{target}"

    is_code, lines = False, []
    for line in page.splitlines(keepends=True):
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code and not line.startswith("    "):
            for pattern in _TARGETS:
                line = pattern.sub(replace, line)
        lines.append(line)
    return "".join(lines)


def _is_image(link: re.Match[str]) -> bool:
    """Whether what a match links to is shown and not opened."""
    if link["before"] != "](":
        return link["before"].startswith(("<img", "<source"))
    depth = 0
    for at in range(link.start(), -1, -1):
        depth += {"]": 1, "[": -1}.get(link.string[at], 0)
        if depth == 0:
            return link.string[:at].endswith("!")
    return False


def project_urls(repository: str, ref: str) -> str:
    """The table of pyproject.toml with the addresses of the project."""
    addresses = {
        "Source": repository,
        "Documentation": f"{repository}/tree/{ref}/docs",
        "Changelog": f"{repository}/blob/{ref}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }
    lines = [f'{name} = "{address}"' for name, address in addresses.items()]
    return "\n".join(["[project.urls]", *lines, "", ""])


def main(folder: Path, repository: str, ref: str) -> None:
    """Change the README and pyproject.toml of a folder."""
    repository = repository.rstrip("/").removesuffix(".git")
    if not re.fullmatch(r"https://[^\s/]+/\S+", repository):
        sys.exit(f"{repository}: expected the repository's address, https://HOST/OWNER/NAME")
    readme, project = folder / "README.md", folder / "pyproject.toml"
    readme.write_text(absolute_links(readme.read_text("utf-8"), folder, repository, ref), "utf-8")
    before, scripts, after = project.read_text("utf-8").partition("[project.scripts]\n")
    project.write_text(before + project_urls(repository, ref) + scripts + after, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])

"""MkDocs hooks: add pages from outside docs/, convert links, and serve Mermaid from the site.

Pages are written for a code host, where a link can lead to any file of the repository. On the site,
a link to a page leads to that page, and a link to any other file becomes plain text.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

ROOT = Path(__file__).parents[2]

# Pages outside docs/: path in the repository, and path on the site.
REPOSITORY_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "examples.md",
    "examples/shop/README.md": "shop.md",
}
# Installed by `make site`; without it, diagrams are shown as source text.
MERMAID = ROOT / ".venv-site/node_modules/mermaid/dist/mermaid.min.js"
MERMAID_ON_SITE = "assets/javascripts/mermaid.min.js"

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/, and Mermaid."""
    for source, place in REPOSITORY_PAGES.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, place, content=text))
    if MERMAID.exists():
        files.append(File.generated(config, MERMAID_ON_SITE, abs_src_path=str(MERMAID)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Convert the links of a page."""
    return with_links(markdown, page.file.src_uri, {file.src_uri for file in files})


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Load Mermaid on pages with a diagram; Material would load it from another server."""
    if not MERMAID.exists():
        return output.replace('<pre class="mermaid">', "<pre>")
    if '<pre class="mermaid">' not in output:
        return output
    url = get_relative_url(MERMAID_ON_SITE, page.url)
    return output.replace("</head>", f'<script src="{url}"></script></head>', 1)


def with_links(markdown: str, place: str, on_site: set[str]) -> str:
    """Return a page with its links converted for the site.

    Args:
        markdown: the page.
        place: path of the page on the site.
        on_site: paths of all files on the site.
    """
    source = source_of(place)

    def link(match: re.Match[str]) -> str:
        bang, text, target = match.groups()
        moved = target_on_site(target, source, place, on_site)
        return text if moved is None else f"{bang}[{text}]({moved})"

    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def source_of(place: str) -> str:
    """Return the path in the repository of a page of the site."""
    for source, site_path in REPOSITORY_PAGES.items():
        if site_path == place:
            return source
    return f"docs/{place}"


def target_on_site(target: str, source: str, place: str, on_site: set[str]) -> str | None:
    """Return a link's target relative to its page on the site; None if it is not on the site."""
    if re.match(r"[a-z]+:|#", target):
        return target
    path, anchor, fragment = target.partition("#")
    in_repository = normpath(PurePosixPath(source).parent / path)
    moved = REPOSITORY_PAGES.get(in_repository, in_repository.removeprefix("docs/"))
    if moved not in on_site or (moved == in_repository and in_repository not in REPOSITORY_PAGES):
        return None
    return relpath(moved, PurePosixPath(place).parent) + anchor + fragment

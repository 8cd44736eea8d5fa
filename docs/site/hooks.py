"""What pages of the site need that is not in `docs/`: files that they link to, and root pages."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Root pages, and what pages link to outside of `docs/`, under `files/`."""
    linked = set[str]()
    for page in Path(config.docs_dir).glob("*.md"):
        linked |= {found[1] for found in _OUTSIDE.finditer(page.read_text(encoding="utf-8"))}
    for name in sorted(linked - PAGES.keys() - {"README.md"}):
        if (ROOT / name).is_file():
            files.append(File.generated(config, f"files/{name}", abs_src_path=str(ROOT / name)))
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = text.replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to what is outside lead to its copy here; those to folders have none."""
    if "/" in page.file.src_uri:  # of a folder of pages, from which `../` leads to a page
        return markdown

    def here(found: re.Match[str]) -> str:
        name, part = found[1], found[2] or ""
        if name == "README.md":
            return f"](index.md{part})"
        if name in PAGES:
            return f"]({PAGES[name]}{part})"
        return f"](files/{name})" if (ROOT / name).is_file() else "](contributing.md)"

    return _OUTSIDE.sub(here, markdown)

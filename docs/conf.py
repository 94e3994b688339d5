"""How the documentation is built; one configuration for both languages. Called by tools/docs.sh.

`-D language=en|zh_CN` chooses the words of the theme; the pages themselves lie in docs/en and docs/zh.
"""

project = "roost"
author = "the roost authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "roost"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
# A highlighter that meets a word it does not know must not stop the build, a broken link must.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True

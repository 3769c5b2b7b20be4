"""Reads files in a folder, of every format and packing; the docstrings say which.

`reader` finds the files and makes extracts of them, `parts` opens and unpacks them,
`detection` finds encoding and delimiter, `delimited`, `sheets`, `documents` and
`columnar` read a format each, `typed` makes columns what sources.yaml declares.
"""

from pipeline.sources.files.reader import FilesReader

__all__ = ["FilesReader"]

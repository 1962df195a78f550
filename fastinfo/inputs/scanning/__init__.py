"""Tables that are read batch by batch and never held: files of any size, and streams.

`sources` opens files and streams, `ahead` reads them on a thread of its own, and `scans` is what
users call. `facts` gathers, in one pass, what the rules of preparation and of binning ask of a
column; `sketch` keeps its quantiles. `survey` decides, and gives the coder of each column.
"""

from fastinfo.inputs.scanning.scans import Scan, scan

__all__ = ["Scan", "scan"]

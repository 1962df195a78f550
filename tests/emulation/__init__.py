"""A device for the CuPy backend that runs its kernels on the processor.

The text of the kernels is the one that goes to the GPU. `cuda.hpp` tells an ordinary C++ compiler
what it means, `arrays.py` stands in for CuPy, and `device.py` puts both together.
"""

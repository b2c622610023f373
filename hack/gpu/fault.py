"""A kernel that writes to an address that belongs to nobody: the fatal fault that ends every MPS client of a GPU."""
import torch
import triton
import triton.language as tl


@triton.jit
def write_at(target, offset):
    tl.store(target + offset, 1.0)


def cause() -> None:
    values = torch.zeros(16, device="cuda")
    write_at[(1,)](values, 1 << 44)
    torch.cuda.synchronize()

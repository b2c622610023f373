#!/usr/bin/env bash
# What NVIDIA MPS does with shares of this machine's GPU: multiprocessors, training and inference at each share alone and side by side,
# starts, kills, faults, memory limits. Starts an MPS control daemon of its own and ends it; changes no setting of the GPU.
#
#   hack/gpu/measure.sh [--gpu 0] [--quick] [--out FOLDER]
#
# Needs an NVIDIA driver with MPS and a python3 with PyTorch and torchvision (CUDA). Takes about 7 minutes, with --quick 2.
# FOLDER (default: gpu-measurements) gets results.json and results.md.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
gpu=0 out=gpu-measurements quick=()
while [ $# -gt 0 ]; do
  case $1 in
    --gpu) gpu=${2:?"--gpu needs the index of a GPU"} && shift 2 ;;
    --out) out=${2:?"--out needs a folder"} && shift 2 ;;
    --quick) quick=(--quick) && shift ;;
    *) echo "unknown option $1; accepted: --gpu N, --out FOLDER, --quick" >&2 && exit 2 ;;
  esac
done

missing=()
command -v nvidia-smi >/dev/null || missing+=("nvidia-smi: install the NVIDIA driver")
command -v nvidia-cuda-mps-control >/dev/null || missing+=("nvidia-cuda-mps-control: it comes with the driver (Debian: nvidia-cuda-mps)")
python3 -c 'import torch, torchvision; assert torch.cuda.is_available()' 2>/dev/null ||
  missing+=("python3 with PyTorch and torchvision that see the GPU: pip install torch torchvision")
if [ ${#missing[@]} -gt 0 ]; then
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
fi

work=$(mktemp -d)
export CUDA_MPS_PIPE_DIRECTORY=$work/pipe CUDA_MPS_LOG_DIRECTORY=$work/log
CUDA_VISIBLE_DEVICES=$(nvidia-smi --id="$gpu" --query-gpu=uuid --format=csv,noheader)
export CUDA_VISIBLE_DEVICES
mkdir -p "$CUDA_MPS_PIPE_DIRECTORY" "$CUDA_MPS_LOG_DIRECTORY" "$out"
end() {
  echo quit -t 5 | timeout 20 nvidia-cuda-mps-control >/dev/null 2>&1 || true
  cp "$work"/log/*.log "$out" 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT
nvidia-cuda-mps-control -d
# Inside the daemon's world the one GPU that it serves is device 0.
CUDA_VISIBLE_DEVICES=0 python3 "$here/measure.py" --physical "$gpu" --out "$out" "${quick[@]}"

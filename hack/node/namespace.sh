#!/usr/bin/env bash
# First process of a node's own namespaces (mounts, network, processes): namespace.ts starts it with `unshare`.
#
#   namespace.sh KUBELET_FOLDER
#
# Prints its process number as the machine sees it and lives until standard input closes. With it the kernel ends every process of
# the node and takes its mounts, interfaces and packet filter rules away. As process 1 it also reaps orphans, which bash does by itself.
set -euo pipefail

kubelet_folder=$1
# Before the new /proc is mounted this one still counts as the machine does.
read -r machine_pid _ </proc/self/stat
mount -t proc proc /proc
# What the machine mounts later is seen here, and nothing the other way round; among the node's containers mounts are shared.
mount --make-rshared /

# own FOLDER NAME…: FOLDER stays as it is, except for NAMEs, which are empty and the node's own.
own() {
  local folder=$1 copy entry name
  shift
  copy=$(mktemp -d "$kubelet_folder/../machine.XXXXXX")
  mount --rbind "$folder" "$copy"
  mount -t tmpfs -o mode=755 tmpfs "$folder"
  for entry in "$copy"/* "$copy"/.[!.]*; do
    name=${entry##*/}
    case " $* " in *" $name "*) continue ;; esac
    if [ -L "$entry" ]; then
      cp -P "$entry" "$folder/$name"
    elif [ -d "$entry" ]; then
      mkdir "$folder/$name"
      mount --rbind "$entry" "$folder/$name"
    elif [ -e "$entry" ]; then
      : >"$folder/$name"
      mount --bind "$entry" "$folder/$name"
    fi
  done
  for name in "$@"; do mkdir "$folder/$name"; done
}
own /run containerd netns runc
own /var/lib cni containerd kubelet
own /var/log containers pods
mount --bind "$kubelet_folder" /var/lib/kubelet

ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward

echo "$machine_pid"
while read -r _; do :; done

#!/bin/sh
# app start|stop: the application of this folder, on this host's own address. Safe to repeat.
home=$(cd "$(dirname "$0")/.." && pwd)
exec /usr/bin/python3 -B "$home/app/@APP@.py" "${1:-}"

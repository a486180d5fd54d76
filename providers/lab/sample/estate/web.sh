#!/bin/sh
# web start|stop: nginx with the configuration of this folder, on this host's own address. Safe to repeat.
# Pid, logs and the rendered configuration stay outside of the folder, so that the folder moves as it is.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
home=$(cd "$(dirname "$0")/.." && pwd)
name=$(basename "$home")
run=/run/$name
log=/var/log/$name
alive() { [ -s "$run/nginx.pid" ] && kill -0 "$(cat "$run/nginx.pid")" 2>/dev/null; }
until_is() { # until_is up|down: wait, 10 seconds at most
    tries=0
    while [ $tries -lt 200 ]; do
        if alive; then now=up; else now=down; fi
        [ $now = "$1" ] && return 0
        tries=$((tries + 1))
        sleep 0.05
    done
    return 1
}
case ${1:-} in
start)
    alive && exit 0
    mkdir -p "$run/tmp" "$log"
    rm -f "$run/nginx.pid"
    sed "s#@ADDRESS@#$(hostname -i)#g; s#@RUN@#$run#g; s#@LOG@#$log#g; s#@HOME@#$home#g" \
        "$home/etc/nginx.conf" >"$run/nginx.conf"
    nginx -e "$log/error.log" -p "$run" -c "$run/nginx.conf"
    until_is up
    ;;
stop)
    alive || exit 0
    kill -TERM "$(cat "$run/nginx.pid")"
    until_is down
    ;;
*)
    echo "usage: web start|stop" >&2
    exit 2
    ;;
esac

"""What hosts do for a block move by bash alone: look at an end, and hash, give and take where there is no python3."""

LOOK = r"""
p=$1
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null); echo "boot $boot"
[ -e "$p" ] || [ -L "$p" ] || { echo "kind none"; exit 0; }
r=$(readlink -f -- "$p"); q=
writers() { # processes that have it open for writing
  find /proc/[0-9]*/fd -lname "$1" 2>/dev/null | while read -r f; do
    m=$(awk '$1 == "flags:" {print substr($2, length($2))}' "${f%/fd/*}/fdinfo/${f##*/}" 2>/dev/null)
    case $m in 1|2|5|6) o=${f#/proc/}; o=${o%%/*}
      echo "held process $o ($(tr '\0' ' ' <"/proc/$o/cmdline" | cut -c1-60))";; esac
  done
}
uses() { # of a device's number: who mounts it
  awk -v d="$1" '$3 == d { for (i = 7; i <= NF; i++) if ($i == "-") print "mount", $5, $(i+1), $6, $(i+2) }' \
    /proc/self/mountinfo
}
if [ -b "$r" ]; then
  echo "kind block"; [ -w "$r" ] && echo "writable 1"; sync -- "$r" 2>/dev/null
  # What a file system writes does not go through the device's own cache: what was read there before is stale.
  blockdev --flushbufs "$r" 2>/dev/null || q=stale
  read -r a b < <(stat -c '%t %T' -- "$r"); n=$((16#$a)):$((16#$b)); d=$(readlink -f "/sys/dev/block/$n")
  echo "size $(blockdev --getsize64 "$r" 2>/dev/null || echo $(($(cat "$d/size") * 512)))"
  uses "$n"
  for s in "$d" "$d"/*/; do s=${s%/}; [ -e "$s/dev" ] || continue
    [ "$s" = "$d" ] || { [ -e "$s/partition" ] && uses "$(cat "$s/dev")"; }
    for h in "$s"/holders/*; do [ -e "$h" ] && echo "held $(basename "$h")"; done
  done
  writers "$r"
  tail -n +2 /proc/swaps 2>/dev/null | while read -r f _; do
    [ "$(readlink -f -- "$f")" = "$r" ] && echo "held swap"; done
  # What is written by way of the whole disk counts there. Sectors, not writes: a flush counts as a write.
  w=$d; [ -e "$d/partition" ] && w=$(dirname "$d")
  for s in "$w/serial" "$w/device/serial" "$w/wwid" "$w/device/wwid"; do
    [ -s "$s" ] && { echo "serial $(tr -d ' \0\n' <"$s")"; break; }; done
  s=$(cat "$w/diskseq" 2>/dev/null || echo -)
  # Only where the kernel counts, has counted, and nobody else can write what is behind it.
  case ${w##*/} in nbd*|rbd*|drbd*) q=stale;; esac
  [ "$q" != stale ] && [ "$(cat "$w/queue/iostats" 2>/dev/null)" = 1 ] && awk -v known="proof $boot $n $s" \
    '$3 + $7 > 0 {print known, $7, $12 + 0, $14 + 0}' "$w/stat"
elif [ -f "$r" ]; then
  echo "kind file"; [ -w "$r" ] && echo "writable 1"; sync -- "$r" 2>/dev/null
  echo "size $(stat -c %s -- "$r")"
  for l in /sys/block/loop*/loop/backing_file; do
    [ -r "$l" ] && [ "$(cat "$l")" = "$r" ] && { l=${l%/loop/backing_file}; echo "held ${l##*/}"; }
  done
  writers "$r"
  # A change that comes later than this gets another time: clocks of file systems tick at least every 10 ms.
  sleep 0.05
  case $(stat -f -c %T -- "$r") in ext2/ext3|xfs|btrfs|tmpfs)
    echo "proof $boot $(stat -c '%d:%i' -- "$r") $(stat -c '%s %.9Y %.9Z' -- "$r")";; esac
else echo "kind other"; fi
"""
"""Prints a line for each thing that is known of the end ``$1``; see `migrate.replicators.blocks.end.Look`."""

HASH = r"""
p=$1; c=$2; size=$3; out=$4; set -o pipefail
if command -v openssl >/dev/null; then t='openssl dgst -sha256 -r'; else t='sha256sum -b'; fi
exec 9>"$out.lock"; flock 9; [ -e "$out" ] && exit 0
dd if="$p" bs="$c" status=none iflag=fullblock count=$(((size + c - 1) / c)) | head -c "$size" |
  split -b "$c" --filter="$t | cut -c1-64" - >"$out.part" || exit 5
[ "$(wc -l <"$out.part")" = $(((size + c - 1) / c)) ] || { echo "it ended too early" >&2; exit 5; }
mv "$out.part" "$out"
"""

GIVE = r"""
p=$1; c=$2; size=$3; limit=$5; began=$(date +%s%N); sent=0
while read -r f n <&3; do
  dd if="$p" bs="$c" skip="$f" count="$n" iflag=fullblock status=none || exit 5
  sent=$((sent + n * c))
  [ "$limit" = 0 ] || sleep "$(awk -v s=$sent -v l="$limit" -v t=$(($(date +%s%N) - began)) \
    'BEGIN { d = s / l - t / 1e9; print (d > 0 ? d : 0) }')"
done 3<"$4"
"""

TAKE = r"""
p=$1; c=$2; size=$3; acks=$5; ledger=$6
while read -r f n <&3; do
  want=$((n * c)); [ $((f * c + want)) -le "$size" ] || want=$((size - f * c))
  seq "$f" $((f + n - 1)) >>"$ledger"
  got=$(dd of="$p" bs="$c" seek="$f" count="$n" iflag=fullblock conv=notrunc,nocreat 2>&1 >/dev/null) ||
    { echo "$got" >&2; exit 1; }
  got=$(printf '%s\n' "$got" | awk '/ bytes? / {print $1}')
  # At the end of a pipe dd writes what it has, and calls that well done.
  [ "$got" = "$want" ] || { echo "it ended in the run at chunk $f" >&2; exit 6; }
  seq -f '%.0f -' "$f" $((f + n - 1)) >>"$acks"
done 3<"$4"
sync -- "$p"
"""

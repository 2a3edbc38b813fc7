// Scripts for a POSIX shell with GNU's commands. They are constants: what they work on are their arguments. The
// audit log shows their first line.

/**
 * Files by absolute paths, each whole or not at all. $1 how many folders follow, which are made where they are not there; then for each file its
 * path, SHA-256, bytes, mode, owner and group. On stdin their contents, one behind the other. What a broken connection cut
 * off has another hash and is removed.
 */
export const putScript = `# opsconductor: put files
set -e
umask 022
folders=$1
shift
while [ "$folders" -gt 0 ]; do
  mkdir -p -m 0755 -- "$1"
  folders=$((folders - 1))
  shift
done
umask 077
part=
trap '[ -z "$part" ] || rm -f -- "$part"' EXIT
trap 'exit 1' HUP INT TERM PIPE
while [ $# -gt 0 ]; do
  part=$(mktemp -- "\${1%/*}/.\${1##*/}.part.XXXXXXXX")
  dd bs="$3" count=1 iflag=fullblock status=none >"$part"
  sum=$(sha256sum <"$part")
  [ "\${sum%% *}" = "$2" ] || { echo 'the file did not arrive whole' >&2; exit 1; }
  [ -z "$5$6" ] || chown -- "$5\${6:+:$6}" "$part"
  chmod -- "$4" "$part"
  sync -- "$part" 2>/dev/null || sync
  mv -fT -- "$part" "$1"
  part=
  shift 6
done
`

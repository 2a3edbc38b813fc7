// Scripts for a POSIX shell with GNU's commands. They are constants: what they work on are their arguments. Each does in one
// round trip what must not be left half-done on the server. The audit log shows their first line.
//
// The folder of a certificate has `versions/<n>/`, the link `live`, and while a deployment is under way `undo/`: what `live`
// and the configuration files were before it (`from`) and what it leads to (`to`), written before anything is changed, and removed
// when that is proven or taken back. The link is the last that is changed, in both directions.

/**
 * What is there. $1 the directory of all certificates, $2 the certificate's folder in it, $3 the version, $4 how many directories
 * of configuration follow; then configuration files. Answers fields that each end with NUL, as look-at-server.ts takes them.
 */
export const lookScript = `# opsconductor: look
root=$1 folder=$1/$2 version=$1/$2/versions/$3 directories=$4
shift 4
out() { printf '%s\\0' "$1"; }
real() { out "$(realpath -m -- "$1" 2>/dev/null)"; }
file() {
  if [ -f "$1" ] && [ ! -L "$1" ]
  then sum=$(sha256sum <"$1"); out "\${sum%% *} $(stat -c '%a %U %G' -- "$1")"
  else out ''; fi
}
real "$root"
real "$version"
if [ -L "$folder/live" ]; then out "link $(readlink -- "$folder/live")"
elif [ -e "$folder/live" ]; then out other
else out ''; fi
for what in from to; do
  if [ -f "$folder/undo/$what" ]; then out "$what $(cat -- "$folder/undo/$what")"; else out ''; fi
done
file "$version/fullchain.pem"
file "$version/privkey.pem"
while [ "$directories" -gt 0 ]; do real "$1"; shift; directories=$((directories - 1)); done
for path; do real "$path"; file "$(realpath -m -- "$path")"; done
`

export const refusedByNginx = 9

/**
 * In the certificate's folder, alone: a script that goes on although its connection broke is waited for. Exit code 1 of `flock` says
 * that it took too long; where there is none, or the file system has no locks, nothing is waited for.
 */
const alone = `
cd -- "$1"
exec 9<.
flock -w 20 9 2>/dev/null || [ $? -ne 1 ] || { echo 'another command is still at work there' >&2; exit 1; }
`

const steps = `
beside() { printf '%s/.%s.opsconductor' "\${1%/*}" "\${1##*/}"; }
point_live() { rm -f .live.new; ln -s -- "$1" .live.new; mv -fT .live.new live; }
put_back() {
  # A link, as the disk may be full.
  [ ! "$1" -ef "$2" ] || return 0
  ln -- "$1" "$3" 2>/dev/null || cp -p -- "$1" "$3"
  mv -fT -- "$3" "$2"
}
take_back() {
  [ -f undo/from ] || return 0
  for entry in undo/*.path; do
    [ -f "$entry" ] || continue
    path=$(cat -- "$entry")
    next=$(beside "$path")
    rm -f -- "$next"
    if [ -f "\${entry%.path}.was" ]; then put_back "\${entry%.path}.was" "$path" "$next"
    else rm -f -- "$path"; fi
  done
  from=$(cat undo/from)
  # Where there was none the link stays: virtual hosts that wait for their first certificate need it to be there.
  [ -z "$from" ] || point_live "$from"
}
`

/**
 * What `live` leads to becomes version 0: its number has been given anew, as our database was restored, and what is served must not
 * be written over. $1 the certificate's folder, $2 the number.
 */
export const setAsideScript = `# opsconductor: set aside
set -e
${alone}
${steps}
rm -rf versions/0
cp -Rp -- "versions/$2" versions/0
point_live versions/0
`

/**
 * Puts a version and its configuration files in place, each by a rename, and asks NGINX what it thinks of them; where it
 * refuses them, all is as before at once. NGINX reads nothing of it until it is told to reload. Exit code 9: refused.
 * $1 the certificate's folder, $2 the version, $3 where `live` was seen to lead, $4 how many configuration files follow, each as
 * its name in the version's folder and where it goes; then the command that tests NGINX's configuration. A process that stood
 * still, and lost the server to another meanwhile, comes too late: the link leads elsewhere then, and nothing is changed.
 */
export const swapScript = `# opsconductor: swap
set -e
${alone}
version=$2 seen=$3 files=$4
shift 4
[ "$(readlink -- live || :)" = "$seen" ] || { echo 'another deployment came between' >&2; exit 1; }
${steps}
if [ ! -f undo/from ]; then
  rm -rf undo undo.new
  mkdir undo.new
  if [ -L live ]; then readlink -- live >undo.new/from; else : >undo.new/from; fi
  mv -fT undo.new undo
fi
printf 'versions/%s' "$version" >undo/to.new
mv -fT undo/to.new undo/to
while [ "$files" -gt 0 ]; do
  name=$1 path=$2 files=$((files - 1))
  shift 2
  if [ ! -f "undo/$name.path" ]; then
    if [ -f "$path" ]; then cp -p -- "$path" "undo/$name.was"; fi
    printf '%s' "$path" >"undo/$name.new"
    mv -fT -- "undo/$name.new" "undo/$name.path"
  fi
  next=$(beside "$path")
  install -m 0644 -- "versions/$version/$name" "$next"
  if [ -f "$path" ]; then
    chmod --reference="$path" -- "$next"
    chown --reference="$path" -- "$next" 2>/dev/null || :
  fi
  mv -fT -- "$next" "$path"
done
point_live "versions/$version"
"$@" || { take_back; exit ${refusedByNginx}; }
`

/** All as it was before. $1 the certificate's folder. */
export const takeBackScript = `# opsconductor: take back
set -e
${alone}
${steps}
take_back
`

/** What was done is proven, or taken back. $1 the certificate's folder, $2 how many versions are kept. */
export const settleScript = `# opsconductor: settle
set -e
${alone}
# At once: half of a note would have the next attempt take back what it says nothing of any more.
rm -rf undo.done
[ ! -d undo ] || mv -fT undo undo.done
rm -rf undo.done undo.new
rm -f versions/*/.*.part.*
live=$(readlink -- live || :)
for version in $(ls versions | grep -x '[0-9]\\{1,9\\}' | sort -rn | tail -n +$(($2 + 1))); do
  [ "versions/$version" = "$live" ] || rm -rf -- "versions/$version"
done
`

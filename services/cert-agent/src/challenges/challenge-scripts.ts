// Scripts for a POSIX shell with GNU's commands, as in servers/session-scripts.ts. Who owns the web root may make a link of
// what is below it at any time: they stay in the folder that was looked at, whatever its name leads to afterwards.

/** $1 web root, $2 the file's name, $3 its size; the content on stdin. The web server reads it, whatever the login's umask. */
export const putChallengeScript = `# opsconductor: put a challenge
set -e
umask 022
leaves() { echo "a link below $1 leads out of it: nothing was written" >&2; exit 1; }
mkdir -p -- "$1"
cd -P -- "$1"
for part in .well-known acme-challenge; do
  there=$(pwd -P)
  there="\${there%/}/$part"
  [ ! -L "$part" ] || leaves "$1"
  mkdir -p -- "$part"
  cd -P -- "./$part"
  [ "$(pwd -P)" = "$there" ] || leaves "$1"
done
t=$(mktemp ./.part.XXXXXXXX)
trap 'rm -f -- "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$t"
[ "$(wc -c <"$t")" -eq "$3" ] || { echo 'the file did not arrive whole' >&2; exit 1; }
chmod -- 0644 "$t"
mv -fT -- "$t" "$2"
`

/** $1 web root, $2 the file's name. */
export const removeChallengeScript = `# opsconductor: take a challenge away
[ -e "$1/.well-known/acme-challenge" ] || exit 0
set -e
cd -P -- "$1"
there=$(pwd -P)
cd -P -- ./.well-known/acme-challenge
[ "$(pwd -P)" = "\${there%/}/.well-known/acme-challenge" ] || {
  echo "a link below $1 leads out of it: nothing was removed" >&2
  exit 1
}
rm -f -- "$2"
`

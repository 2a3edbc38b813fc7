# Sourced by the steps of certificates.yml. Wants bash, curl and jq; OPSCONDUCTOR_URL is the gateway, OPSCONDUCTOR_API_KEY
# a key with the scope manage:certificates.
set -euo pipefail

# call METHOD PATH [JSON]: prints the answer's body; fails, with the problem's code and sentence, where it is not 2xx.
call() {
  local method=$1 path=$2 answer status
  answer=$(mktemp)
  local arguments=(--silent --show-error --max-time 60 --output "$answer" --write-out '%{http_code}' --request "$method")
  if [[ $method == GET ]]; then arguments+=(--retry 5); fi
  if (($# > 2)); then arguments+=(--header 'Content-Type: application/json' --data "$3"); fi
  # The key does not come as an argument: these stand in the process list.
  status=$(curl --config - "${arguments[@]}" "$OPSCONDUCTOR_URL$path" <<<"header = \"X-API-Key: $OPSCONDUCTOR_API_KEY\"")
  if [[ $status == 2* ]]; then
    cat "$answer"
  else
    fail "$method $path answered $status: $(jq -r '"\(.code): \(.detail)"' "$answer" 2>/dev/null || true)"
  fi
}

# On one line, so that no text of an answer can be taken for a command of the workflow.
fail() {
  printf '::error::%s\n' "$(tr '\r\n' '  ' <<<"$1")" >&2
  exit 1
}

# wait_for OPERATION: until it has succeeded. Fails where it failed, or has not ended after WAIT_SECONDS.
wait_for() {
  local until=$((SECONDS + ${WAIT_SECONDS:-900})) operation state
  while :; do
    operation=$(call GET "/api/certificates/operations/$1")
    state=$(jq -r .state <<<"$operation")
    case $state in
      succeeded) return ;;
      failed | cancelled) fail "operation $1 $state: $(jq -r '"\(.error.code): \(.error.message)"' <<<"$operation")" ;;
    esac
    if ((SECONDS >= until)); then fail "operation $1 is still $state; it goes on, and OpsConductor tells whoever is notified"; fi
    sleep "${POLL_SECONDS:-5}"
  done
}

#!/usr/bin/env bash
# Watch flext bring the example platform to its declared state, on the embedded services over real HTTP.
# Works in a temporary copy, prints each command before it runs it, and fails when a step does not end as it should.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
sandbox=
finish() {
    if [ -n "$sandbox" ]; then
        kill "$sandbox" 2>/dev/null || true
        wait "$sandbox" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT

say() { printf '\n# %s\n' "$*"; }

# run EXPECTED COMMAND...: the command must end with the expected exit code
run() {
    local expected=$1 code=0
    shift
    printf '\n$ %s\n' "$*"
    "$@" || code=$?
    if [ "$code" -ne "$expected" ]; then
        printf 'demo: `%s` ended with %s, expected %s\n' "$*" "$code" "$expected" >&2
        exit 1
    fi
    if [ "$code" -ne 0 ]; then printf '(exit code %s)\n' "$code"; fi
}

cp -R "$here/desired-state" "$work/desired-state"
rm -rf "$work/desired-state/.flext"
cd "$work"
export WMS_PASSWORD=only-an-example

say "Two services to work on: flext brings its own, which behave as the real ones do, their oddities included."
printf '$ flext sandbox --persist services --port flexcore=0 --port flext-service=0 &\n'
flext sandbox --persist services --port flexcore=0 --port flext-service=0 >urls 2>/dev/null &
sandbox=$!
for _ in $(seq 300); do
    [ "$(wc -l <urls)" -ge 2 ] && break
    kill -0 "$sandbox" 2>/dev/null || { echo 'demo: the sandbox ended' >&2; exit 1; }
    sleep 0.1
done
cat urls
flexcore=$(awk '$1 == "flexcore" {print $2}' urls)
flext_service=$(awk '$1 == "flext-service" {print $2}' urls)

say "An environment that points at them: dev, with other addresses."
sed -e "s|flexcore: {url: embedded|flexcore: {url: \"$flexcore\"|" \
    -e "s|flext-service: {url: embedded|flext-service: {url: \"$flext_service\"|" \
    desired-state/environments/dev.yaml >desired-state/environments/demo.yaml
export FLEXT_ENVIRONMENT=demo

run 0 flext validate
run 0 flext status
run 2 flext plan --detailed-exitcode
run 0 flext apply --auto-approve
say "Nothing is left to do:"
run 0 flext plan --detailed-exitcode

say "Somebody pauses a pipeline, behind flext's back:"
pause() {
    python - "$flext_service" wms-orders <<'PYTHON'
import json, sys, urllib.request

service, name = sys.argv[1:]
with urllib.request.urlopen(f"{service}/api/v1/pipelines?page_size=100") as reply:
    (found,) = [item["id"] for item in json.load(reply)["data"]["pipelines"] if item["name"] == name]
body = json.dumps({"paused_by": "somebody"}).encode()
headers = {"Content-Type": "application/json"}
request = urllib.request.Request(f"{service}/api/v1/pipelines/{found}/pause", body, headers)
with urllib.request.urlopen(request) as reply:
    print("POST", f"/api/v1/pipelines/{found}/pause", reply.status)
PYTHON
}
run 0 pause
run 3 flext drift
run 0 flext apply --auto-approve
run 0 flext drift

say "What the services hold, as desired state again:"
run 0 flext export --kind pipeline

printf '\ndemo: every step ended as it should\n'
